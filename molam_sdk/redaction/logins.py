"""Finds the password of ``user:password@host``, in URLs and without one, and of ``-u user:password``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from .spans import Span, named_parts


def passwords_of_logins(text: str) -> Iterator[Span]:
    """Where in the text they stand; a token alone (``https://<token>@host``) is one too."""
    parts = named_parts((_in_url(), _in_escaped_url(), _without_url(), _after_u()), text)
    return (part for part in parts if not text.startswith("***", part[0]))


@cache
def _in_url() -> re.Pattern[str]:
    return re.compile(
        r":\\{0,8}/\\{0,8}/(?:[^\s/?#\"'<>@:\\]*:(?P<password>[^\s/?\"'<>]+)"
        r"|(?=[^\s/?#\"'<>@:]*\d)(?P<token>[^\s/?#\"'<>@:]{16,}))(?=@)"
    )


@cache
def _in_escaped_url() -> re.Pattern[str]:
    return re.compile(
        r"(?i)%3A%2F%2F[\w.\-]{0,128}%3A(?P<password>[^\s&%]{1,128}(?:%(?!40|2F)[^\s&%]{1,128}){0,16})(?=%40)"
    )


@cache
def _without_url() -> re.Pattern[str]:
    """No mail address after a label such as ``mailto:``, and no tag of an image (``app:1.2@sha256:…``)."""
    return re.compile(
        r"(?i)(?<![\w@./:+%\-])(?!(?:mailto|e-?mail|mail|to|from|cc|bcc|user|username|login|acct|account|sips?|xmpp|by|for|"
        r"contact|customer|sender|recipient|reply-to|owner|author|subject|address)"
        r":[\w.+\-]{1,64}@[\w.\-]{1,128}\.[a-z]{2,24}(?![\w:/\-]|\.\w))"
        r"[A-Za-z_][\w.\-]{0,63}:(?P<password>[^\s@/:\"'<>,;(){}\[\]\\]{2,128})(?=@(?!sha\d+:)[A-Za-z0-9\[])"
    )


@cache
def _after_u() -> re.Pattern[str]:
    return re.compile(
        r"(?<![\w\-])(?:-u|--user|--proxy-user)[ =\"',]{1,4}[^\s:\"'@/]{1,64}:(?!//)(?P<password>[^\s\"']+)"
    )
