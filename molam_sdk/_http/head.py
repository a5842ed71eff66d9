"""The head of an answer: its status line and header fields (RFC 9112 §4, §5), and whether the connection stays."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from .._core.wire import Failure, Headers
from .error import NoReplyError

MAX_HEAD_BYTES: Final = 64 * 1024
MAX_HEADER_FIELDS: Final = 100

# The text of a line: no control characters but the tab.
TEXT: Final = r"[^\x00-\x08\x0a-\x1f\x7f]"
TCHARS: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"

# A field's value may keep the others (RFC 9110 §5.5): they are no reason to lose what an answer says of money. The
# three that could end a line may not stand anywhere.
_ALL_BUT_BREAKS: Final = bytes(set(range(256)) - {0x00, 0x0A, 0x0D})
_STATUS_LINE: Final = re.compile(rf"HTTP/1\.([01]) ([1-5][0-9]{{2}})(?: {TEXT}*)?(?=\r|\Z)")
# The value ends at its last visible character. Written so that no run of spaces is walked more than once.
_FIELD: Final = re.compile(rf"\r\n({TCHARS}):[ \t]*([^\r \t][^\r]*(?<![ \t])|)")

_ANY_STATUS_LINE: Final = b"HTTP/1.1 200 "
_STATUS_LINE_BEGUN: Final = re.compile(rb"HTTP/1\.[01] [1-5][0-9]{2} ?")
_STRAY: Final = re.compile(rb"\x00|(?<!\r)\n|\r(?!\n|\Z)")


class Head(NamedTuple):
    """``version`` is the minor one: HTTP/1.``version``."""

    version: int
    status: int
    headers: Headers


def parse_head(head: bytes) -> Head:
    """The head, without the empty line that ends it."""
    text = head.decode("latin-1")
    line = _STATUS_LINE.match(text)
    if line is None:
        raise NoReplyError(Failure.MALFORMED, "the answer's first line is not an HTTP/1.1 status line")
    fields = _FIELD.findall(text)
    # Without its text a head is one line break per field. Anything more is a null byte, a break that stands alone, or
    # belongs to a line that is no field: a folded one, one without a colon, one with a space in its name.
    if head.translate(None, _ALL_BUT_BREAKS) != b"\r\n" * len(fields):
        raise NoReplyError(Failure.MALFORMED, "the answer's head holds a line that is no header field")
    if len(fields) > MAX_HEADER_FIELDS:
        raise NoReplyError(Failure.MALFORMED, f"the answer has more than {MAX_HEADER_FIELDS} header fields")
    version, status = line.groups()
    return Head(int(version), int(status), Headers(fields))


def check_beginning(begun: bytearray, seen: int) -> None:
    """Refuse at once what can no longer become a head, instead of waiting for the end of one that never comes.

    ``seen`` bytes of it were checked before.
    """
    line, ended, _ = bytes(begun[: len(_ANY_STATUS_LINE)]).partition(b"\r")
    if not ended:
        line += _ANY_STATUS_LINE[len(line) :]
    if _STATUS_LINE_BEGUN.fullmatch(line) is None:
        raise NoReplyError(Failure.MALFORMED, "the answer is not HTTP/1.1")
    if _STRAY.search(begun, max(0, seen - 1)) is not None:
        raise NoReplyError(Failure.MALFORMED, "the answer's head holds a stray line break or a null byte")


def keeps_connection(head: Head) -> bool:
    """Whether the server will answer again on this connection (RFC 9112 §9.3)."""
    text = head.headers.get("connection")
    if text is None:
        return head.version == 1
    if text == "keep-alive":
        return True
    options = [option.strip(" \t") for option in text.lower().split(",")]
    if "close" in options or not all(_OPTION.fullmatch(option) for option in options):
        return False
    return head.version == 1 or "keep-alive" in options


# Empty members of a list are to be passed over (RFC 9110 §5.6.1.2).
_OPTION: Final = re.compile(rf"(?:{TCHARS})?")
