"""Takes secrets and card numbers out of whatever is about to be written, wherever they hide."""

from __future__ import annotations

from .names import REDACTED
from .printable import escape_unseen, escape_unseen_in_lines
from .text import redact_text
from .walk import as_text, sanitize_sensitive_data

__all__ = [
    "REDACTED",
    "as_text",
    "escape_unseen",
    "escape_unseen_in_lines",
    "redact_text",
    "sanitize_sensitive_data",
]
