"""What an exception came of, told by its chain of causes."""

from __future__ import annotations

from ..exceptions import MolamError


def add_cause(error: BaseException, cause: MolamError) -> None:
    """Put a cause below those that an exception has; above those of an earlier call, which come after it."""
    links = [error]
    while (below := links[-1].__cause__) is not None and below not in links and not isinstance(below, MolamError):
        links.append(below)
    if not any(below is link for link in links):
        cause.__cause__ = below
    links[-1].__cause__ = cause
