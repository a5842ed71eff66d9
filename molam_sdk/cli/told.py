"""Whatever a command prints that others wrote: without secrets, and with nothing that a terminal obeys."""

from __future__ import annotations

from ..redaction import escape_unseen_in_lines, redact_text


def as_told(text: object) -> str:
    """The text of an error, or of an answer, as a terminal may show it."""
    return escape_unseen_in_lines(redact_text(str(text)))
