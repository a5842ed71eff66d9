"""Where a list stands: which page to ask for next, and when there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from .. import models
from ..exceptions import ResponseError

Item = TypeVar("Item", bound="models.Answer")


class Cursor(Generic[Item]):
    """Holds one page at a time. After a failed request it stands where it stood: asking again goes on from there."""

    def __init__(self, query: Mapping[str, object | None]) -> None:
        self._query = dict(query)
        self.page: models.Page[Item] | None = None
        self._next = 0
        self._mark: str | None = None
        self._pages_since_mark = 0
        self._pages_to_next_mark = 1

    @property
    def exhausted(self) -> bool:
        """Whether there is no further page."""
        return self.page is not None and not self.page.has_more

    def query(self) -> dict[str, object | None]:
        """The query of the next page."""
        if self.page is None:
            return self._query
        return self._query | {"starting_after": self._last_id(self.page)}

    def turn_to(self, page: models.Page[Item]) -> None:
        """Take the next page; ``ResponseError`` if the server would lead round in a circle."""
        if page.has_more:
            self._watch_for_a_circle(self._last_id(page))
        self.page, self._next = page, 0

    def take(self) -> Item | None:
        """The next object of the page held; None when the page is used up."""
        if self.page is None or self._next >= len(self.page.data):
            return None
        self._next += 1
        return self.page.data[self._next - 1]

    def _watch_for_a_circle(self, last_id: str) -> None:
        """Brent's algorithm: one id is remembered, and a later one after twice as many pages, so that a circle of any
        length is met in bounded memory."""
        same_page = self.page is not None and last_id == self._last_id(self.page)
        if same_page or last_id == self._mark:
            circle = f"the list does not move on from {last_id!r}: the server leads round in a circle"
            raise ResponseError(circle, outcome="rejected")
        self._pages_since_mark += 1
        if self._pages_since_mark == self._pages_to_next_mark:
            self._mark = last_id
            self._pages_since_mark, self._pages_to_next_mark = 0, 2 * self._pages_to_next_mark

    @staticmethod
    def _last_id(page: models.Page[Item]) -> str:
        last = getattr(page.data[-1], "id", None) if page.data else None
        if not isinstance(last, str) or not last:
            lacking = "the list says that it goes on, but its page has no last id to go on from"
            raise ResponseError(lacking, outcome="rejected")
        return last
