"""Write the tables of rules, evidence, settings and the receiver's answers into docs; with --check, only compare."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

# ruff: noqa: E402 - found from the root, wherever this is called from
import settings_table

from molam_sdk._core.evidence import ANY_REQUEST_ID, MOLAM_REQUEST_ID, Instead, RequestId
from molam_sdk._core.operations import retrieve_refund
from molam_sdk._core.reading import read_answer
from molam_sdk._core.rules import RULES, Case, Rule, judge
from molam_sdk._core.wire import Failure, NoReply, Reply
from molam_sdk.receiver.answers import ANSWERS as WEBHOOK_ANSWERS

BEGIN = "<!-- {}: written by python ci/generate_tables.py -->\n"
END = "<!-- end of {} -->"
COLUMNS = ("status or failure", "outcome", "retried", "error", "settles", "counts as outage", "label")
NESTED = b'{"error": {"code": "some_code"}}'
FLAT = b'{"error": "some_code"}'
PAGE_OF_A_GATEWAY = b"<html>"
HEADERS = {
    RequestId.MOLAMS: {"X-Molam-Request-Id": "r"},
    RequestId.ANY: {"X-Request-ID": "r"},
    RequestId.NONE: {},
}
ANSWERS: dict[str, tuple[int, bytes]] = {
    "2xx with a JSON object that cannot be read": (200, b'{"a": '),
    "2xx with an error in the body": (200, NESTED),
    "2xx about something else: another id, amount or currency, another operation's object": (200, b'{"id": "re_2"}'),
    "2xx with a page, or with nothing where something is due": (200, PAGE_OF_A_GATEWAY),
    '400, 402, 404, 422, … with `{"error": {"code": "…"}}`': (402, NESTED),
    "the same in another shape of Molam's": (402, FLAT),
    "the same with a page, no body, or numbers for codes": (402, PAGE_OF_A_GATEWAY),
    '401, 403, 425, 429 with `{"error": {"code": "…"}}`': (403, NESTED),
    "the same in another shape of Molam's ": (403, FLAT),
    "the same with a page, no body, or numbers for codes ": (403, PAGE_OF_A_GATEWAY),
    '409, or 400 and 422 "already …", with `{"error": {"code": "…"}}`': (409, NESTED),
    '409 "… in progress"': (409, b'{"error": {"code": "request_in_progress"}}'),
    "3xx": (302, NESTED),
    "408, 5xx": (503, NESTED),
}
ASKED = retrieve_refund("re_1")


def table() -> str:
    """One line per row of the rules."""
    return lines([COLUMNS, *(row(case, rule) for case, rule in RULES.items())])


def evidence() -> str:
    """What may be concluded from an answer to a request that was sent, by the request id that it carries."""
    head = ("what comes", *(f"`{name}`" for name in (MOLAM_REQUEST_ID, ANY_REQUEST_ID)), "neither")
    done = ("2xx with what the operation answers with", *["done"] * len(RequestId))
    rows = [
        (what.strip(), *(conclusion(judged(*answer, HEADERS[kind])) for kind in RequestId))
        for what, answer in ANSWERS.items()
    ]
    none = [("no answer: a reset, a time limit, Ctrl-C", Failure.RESET)]
    none.append(("no byte of the request was sent: no name, a refused connection, an open breaker", Failure.CONNECT))
    unanswered = [(what, *[conclusion(judge(NoReply(failure, "")))] * len(RequestId)) for what, failure in none]
    return lines([head, done, broken_off("2xx", 200), *rows[:4], broken_off("4xx", 402), *rows[4:], *unanswered])


def broken_off(name: str, status: int) -> tuple[str, ...]:
    """The row of an answer whose head was read, and its body not to its end."""
    cut = [conclusion(judge(NoReply(Failure.INCOMPLETE, "", None, status, HEADERS[kind]))) for kind in RequestId]
    return (f"{name} that breaks off", *cut)


def judged(status: int, body: bytes, headers: Mapping[str, str]) -> Rule:
    """The rule for one answer that is not the operation's."""
    answer = Reply(status, headers, body, 0.0)
    return read_answer(ASKED, answer).judged(answer).rule


def conclusion(rule: Rule) -> str:
    """The outcome, and whether it ends an earlier doubt."""
    settles = rule.definite and not rule.conflict
    doubted = "; after a doubt still `unknown`" if rule.outcome in ("rejected", "not_sent") and not settles else ""
    return f"`{rule.outcome}`{doubted}"


def lines(rows: list[tuple[str, ...]]) -> str:
    """A table of Markdown; the first row is its head."""
    rows.insert(1, ("---",) * len(rows[0]))
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
        yes_or_no[rule.definite and not rule.conflict],
        yes_or_no[rule.outage],
        label,
    )


def name(case: Case) -> str:
    """What stands in the first column."""
    if isinstance(case, Failure):
        return f"`{case.value}`"
    if isinstance(case, Instead):
        return case.value
    return f'{case[0]} "{case[1]}"' if isinstance(case, tuple) else str(case)


def webhook_answers() -> str:
    """One line per result of a delivery."""
    head = ("result", "answer", "when", "Molam", "log line")
    rows = [
        (
            f"`{result}`",
            str(rule.status),
            rule.when,
            "ends it" if rule.retry_after is None else "sends it again",
            logging.getLevelName(rule.level),
        )
        for result, rule in WEBHOOK_ANSWERS.items()
    ]
    return lines([head, *rows])


def settings() -> str:
    """One line per setting of a client."""
    return lines(settings_table.rows())


TABLES = {
    "settings.md": {"settings": settings},
    "reliability.md": {"rules": table, "evidence": evidence},
    "webhooks.md": {"answers": webhook_answers},
}


def with_tables(page: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """The page with the tables as they should be."""
    for name, text in tables.items():
        before, begin, rest = page.partition(BEGIN.format(name))
        end = END.format(name)
        page = f"{before}{begin}\n{text()}\n{end}{rest.partition(end)[2]}"
    return page


def main() -> int:
    stale = 0
    for name, tables in TABLES.items():
        path = ROOT / "docs" / name
        page = path.read_text(encoding="utf-8")
        written = with_tables(page, tables)
        if "--check" not in sys.argv[1:]:
            path.write_text(written, encoding="utf-8")
        elif page != written:
            print(f"{name}: the tables are out of date; run: python ci/generate_tables.py", file=sys.stderr)
            stale = 1
    return stale


if __name__ == "__main__":
    sys.exit(main())
