"""Whether what came is what was asked for: the id of the path, the amount and currency of the body, a list's filter.

An answer about something else was meant for another call: a stray one on the same connection, or a proxy's mix-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from pydantic_core import from_json

_PREFIXES: Final = ("pi_", "re_", "po_", "we_")
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Echo:
    """What an operation's answer repeats of its request. ``id``: the id in the path; ``prefix``: what its id begins
    with; ``fields``: of the body; ``filters``: of the query, repeated by every item of a list. ``not_yet``: the
    statuses of an object that the operation was not carried out on: an earlier call's answer about the same one."""

    id: bool = False
    prefix: str = ""
    fields: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    not_yet: frozenset[str] = frozenset()

    def mismatch(self, template: str, path: str, body: bytes | None, answer: object) -> str | None:
        """What was asked for and what came, where they differ; what the answer leaves out does not differ."""
        came = vars(answer)
        if self.id and came["id"] != (asked := _id_of(template, path)):
            return _differing("id", asked, came["id"])
        if self.prefix and (kind := came["id"][:3]) != self.prefix and kind in _PREFIXES:
            return f"an id {self.prefix}… was due, {_short(came['id'])} came"
        if self.fields and body is not None:
            return _first_differing(self.fields, from_json(body), came)
        if self.filters and "?" in path:
            query = dict(parse_qsl(path.partition("?")[2]))
            items = (_first_differing(self.filters, query, vars(item)) for item in came["data"])
            return next(filter(None, items), None)
        return None

    def given_to_an_earlier_call(self, answer: object) -> str | None:
        """Why an answer of Molam's about the right object was given to an earlier call, where it was."""
        status = vars(answer)["status"]
        return f"the status is still {status}" if status in self.not_yet else None


NOTHING: Final = Echo()


def _first_differing(names: Iterable[str], asked: Mapping[str, Any], came: Mapping[str, Any]) -> str | None:
    for name in names:
        wanted, found = asked.get(name), came.get(name)
        if wanted is None or found is None or found == wanted:
            continue
        same = (
            found == Decimal(str(wanted)) if isinstance(found, Decimal) else str(found).upper() == str(wanted).upper()
        )
        if not same:
            return _differing(name, wanted, found)
    return None


def _differing(name: str, asked: object, came: object) -> str:
    return f"{name} {_short(asked)} was asked for, {_short(came)} came"


def _id_of(template: str, path: str) -> str:
    before, _, after = template.partition("{}")
    return unquote(path.removeprefix(before).removesuffix(after))


def _short(value: object) -> str:
    text = ascii(str(value))[1:-1]
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
