"""Whether what came is what was asked for: the key, the id of the path, the fields of the body, a list's filter.

An answer about something else was meant for another call: a stray one on the same connection, or a proxy's mix-up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from .evidence import is_molams

_PREFIXES: Final = ("pi_", "re_", "po_", "we_")
_LONGEST: Final = 60


@dataclass(frozen=True, slots=True)
class Echo:
    """What an operation's answer repeats of its request. ``id``: the id in the path; ``prefix``: what its id begins
    with; ``fields``: of the body; ``words``: of the body, too, but held against Molam's own answers alone, since a
    merchant's mock says what it likes; ``filters``: of the query, repeated by every item of a list. ``not_yet``: the
    statuses of an object that the operation was not carried out on: an earlier call's answer about the same one."""

    id: bool = False
    prefix: str = ""
    fields: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    not_yet: frozenset[str] = frozenset()

    def mismatch(
        self, template: str, path: str, body: bytes | None, answer: object, headers: Mapping[str, str] | None = None
    ) -> str | None:
        """What was asked for and what came, where they differ; what the answer leaves out does not differ."""
        came = vars(answer)
        if self.id or self.prefix:
            why = self._another_id(template, path, came["id"])
            if why is not None:
                return why
        if self.fields and body is not None:
            from pydantic_core import from_json

            asked_for = from_json(body)
            why = _first_differing(self.fields, asked_for, came)
            return why or (_other_words(self.words, asked_for, came, headers) if self.words else None)
        if self.filters and "?" in path:
            query = dict(parse_qsl(path.partition("?")[2]))
            items = (_first_differing(self.filters, query, vars(item)) for item in came["data"])
            return next(filter(None, items), None)
        return None

    def names_another(self, template: str, path: str, document: Mapping[str, Any]) -> str | None:
        """Why an object that cannot be read as the operation's answer is about something else."""
        if not self.id and not self.prefix:
            return None
        if isinstance(document.get("data"), list):
            return "one object was due, a list came"
        return self._another_id(template, path, document["id"]) if isinstance(document.get("id"), str) else None

    def _another_id(self, template: str, path: str, came: str) -> str | None:
        if self.id and came != (asked := _id_of(template, path)):
            return _differing("id", asked, came)
        if self.prefix and (kind := came[:3]) != self.prefix and kind in _PREFIXES:
            return f"an id {self.prefix}… was due, {_short(came)} came"
        return None

    def given_to_an_earlier_call(self, answer: object) -> str | None:
        """Why an answer of Molam's about the right object was given to an earlier call, where it was."""
        status = vars(answer)["status"]
        return f"the status is still {status}" if status in self.not_yet else None


NOTHING: Final = Echo()


def another_key(asked: str | None, came: str) -> str | None:
    """Why an answer, an error too, was given to another request, where it repeats an idempotency key at all. In quotes
    it is the same (draft-ietf-httpapi-idempotency-key-header)."""
    if not came or asked is None or asked in (came, came.strip('"')):
        return None
    return _differing("idempotency key", asked, came)


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


def _other_words(
    names: Iterable[str], asked: Mapping[str, Any], came: Mapping[str, Any], headers: Mapping[str, str] | None
) -> str | None:
    for name in names:
        wanted, found = asked.get(name), came.get(name)
        if wanted != found and is_molams(headers) and _surely_differ(wanted, found):
            return f"another {name} came than was asked for"
    return None


def _surely_differ(asked: object, came: object) -> bool:
    from .echo_text import surely_differ  # Unicode and HTML: for the rare answer that is not word for word the same

    return surely_differ(asked, came)


def _differing(name: str, asked: object, came: object) -> str:
    return f"{name} {_short(asked)} was asked for, {_short(came)} came"


def _id_of(template: str, path: str) -> str:
    before, _, after = template.partition("{}")
    return unquote(path.removeprefix(before).removesuffix(after))


def _short(value: object) -> str:
    text = ascii(str(value))[1:-1]
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
