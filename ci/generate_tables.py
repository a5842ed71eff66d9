"""Write the table of rules into docs/reliability.md; with --check, only say whether it is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from molam_sdk._core.rules import RULES, Case, Rule  # noqa: E402 - found from the root, wherever this is called from
from molam_sdk._core.wire import Failure  # noqa: E402

PAGE = ROOT / "docs" / "reliability.md"
BEGIN = "<!-- rules: written by python ci/generate_tables.py -->\n"
END = "<!-- end of rules -->"
COLUMNS = ("status or failure", "outcome", "retried", "error", "settles", "counts as outage", "label")


def table() -> str:
    """One line per row of the rules."""
    rows = [COLUMNS, ("---",) * len(COLUMNS), *(row(case, rule) for case, rule in RULES.items())]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def row(case: Case, rule: Rule) -> tuple[str, ...]:
    """The cells of one row."""
    yes_or_no = {True: "yes", False: ""}
    label = f"`{rule.label}`" if rule.label else "the status"
    return (
        name(case),
        f"`{rule.outcome}`",
        rule.retry.value,
        f"`{rule.error.__name__}`",
        yes_or_no[rule.definite],
        yes_or_no[rule.outage],
        label,
    )


def name(case: Case) -> str:
    """What stands in the first column."""
    if isinstance(case, Failure):
        return f"`{case.value}`"
    return f'{case[0]} "{case[1]}"' if isinstance(case, tuple) else str(case)


def with_table(page: str) -> str:
    """The page with the table as it should be."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    written = with_table(page)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(written, encoding="utf-8")
    elif page != written:
        print(f"{PAGE.name}: the table of rules is out of date; run: python ci/generate_tables.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
