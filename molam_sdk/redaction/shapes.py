"""What is a secret by its own look, whatever name it has: one row for each kind."""

from __future__ import annotations

import re
from functools import cache
from itertools import chain
from typing import Final

from .names import REDACTED, any_of

# kind, its rarest parts (a text that holds none of them holds no such secret), its whole look
SHAPES: Final[tuple[tuple[str, tuple[str, ...], str], ...]] = (
    ("keys of Molam and Stripe", ("sk_", "rk_", "pk_", "whsec_"), r"(?:sk|rk|whsec|pk_live|pk_test)_[\w.\-+/=]{3,}"),
    ("tokens of Molam", ("jwt_",), r"jwt_(?=[\w.\-+/=]*[0-9A-Z]|[\w\-]+\.[\w\-]+\.)[\w.\-+/=]{3,}"),
    ("JWT (RFC 7519)", ("yJ",), r"eyJ[\w\-]{6,}(?:\.[\w\-=]*){1,4}"),
    ("GitHub", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), r"(?:gh[pousr]|github_pat)_\w{16,}"),
    ("GitLab", ("glpat-", "gldt-", "glrt-", "glptt-"), r"gl(?:pat|dt|rt|ptt)-[\w\-]{16,}"),
    ("Slack", ("xox", "xapp-"), r"(?:xox[a-z]|xapp)-[\w\-]{10,}"),
    ("AWS", ("AKIA", "ASIA", "ABIA", "ACCA"), r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("Google", ("AIza", "ya29", "GOCSPX-"), r"(?:AIza[\w\-]{30,}|ya29\.[\w\-]{16,}|GOCSPX-[\w\-]{16,})"),
    ("OpenAI, Anthropic", ("sk-",), r"sk-(?=[\w\-]*\d)[\w\-]{20,}"),
    ("SendGrid", ("SG.",), r"SG\.[\w\-]{16,}\.[\w\-]{16,}"),
    ("Twilio", ("SK",), r"SK[0-9a-f]{32}"),
    ("Vault", ("hvs.", "hvb.", "hvr."), r"hv[sbr]\.[\w\-]{20,}"),
    ("npm, Hugging Face", ("npm_", "hf_"), r"(?:npm|hf)_[A-Za-z0-9]{30,}"),
    ("PyPI", ("pypi-",), r"pypi-[\w\-]{16,}"),
    ("DigitalOcean", ("_v1_",), r"do[opr]_v1_[0-9a-f]{32,}"),
    ("Shopify", ("shp",), r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    ("Square", ("sq0", "EAAA"), r"(?:sq0[a-z]{3}-[\w\-]{20,}|EAAA[\w\-]{50,})"),
    ("Flutterwave", ("FLWSECK",), r"FLWSECK[_\-][\w\-]{8,}"),
    ("Braintree", ("token$",), r"access_token\$[\w$]{16,}"),
    ("Mailgun", ("key-",), r"key-[0-9a-f]{32}(?![0-9a-f])"),
    ("age", ("AGE-SECRET-KEY-",), r"AGE-SECRET-KEY-1[A-Z0-9]{20,}"),
    ("signatures of webhooks", ("v1=", "v0="), r"v[01]=[0-9a-f]{32,}"),
)  # fmt: skip
# What begins in the middle of anything, and what of it goes.
_PRIVATE_KEY: Final = (
    r"-----BEGIN(?:\+|%20| )(?:[A-Z0-9]{1,20}(?:\+|%20| )){0,4}PRIVATE(?:\+|%20| )KEY(?:(?:\+|%20| )BLOCK)?-----"
    r"(?:(?s:.)*?-----END[A-Z0-9 +%]{0,80}-----|(?s:.)*)"
)
# Keys that stand at the end of a word, or behind the colour of a terminal: no word goes on like this.
_GLUED: Final = (
    r"(?:(?:sk|rk)_(?:live|test)_(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9][\w+/=\-]{2,})"
)
# A key that a line's end cuts off goes on at the next line's begin.
_CUT: Final = r"(?:(?:\r?\n|\\+n)(?=[A-Za-z]*[0-9])(?=[a-z0-9]*[A-Z])(?=[A-Z0-9]*[a-z])[A-Za-z0-9]{6,}(?![\w.:\-]))?"
# ISO/IEC 7813: track 1, track 2.
_TRACKS: Final = r"%?[Bb]\d{12,19}\^[^^\n]{2,26}\^\d{4,}[^?\s]*\??|;?(?<!\d)\d{12,19}[=D]\d{7,40}(?![A-Za-z0-9])\??"


PARTS: Final = ("PRIVATE", *chain.from_iterable(parts for _, parts, _ in SHAPES))

# A secret begins after no letter or digit but the last one of an escape.
AFTER_WORD: Final = (
    r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbfv])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})|(?<=\\x[0-9A-Fa-f]{2}))"
)


@cache
def _parts() -> re.Pattern[str]:
    return re.compile(any_of(PARTS))


@cache
def _shapes() -> re.Pattern[str]:
    looks = "|".join(look for _, _, look in SHAPES)
    return re.compile(f"(?:{AFTER_WORD}(?:(?:sk|rk)_(?:live|test)_[\\w.\\-+/=]*{_CUT}|{looks})|{_GLUED})", re.ASCII)


@cache
def _sign_of_track() -> re.Pattern[str]:
    return re.compile(r"[0-9](?:\^|[=D][0-9]{7})")


@cache
def _private_key() -> re.Pattern[str]:
    return re.compile(_PRIVATE_KEY)


@cache
def _tracks() -> re.Pattern[str]:
    return re.compile(_TRACKS, re.ASCII)


def redact_shapes(text: str) -> str:
    """The text without keys, tokens, signatures and private keys."""
    if _parts().search(text) is None:
        return text
    return _private_key().sub(REDACTED, _shapes().sub(REDACTED, text))


def redact_tracks(text: str) -> str:
    """The text without the tracks of magnetic stripes, card number and all."""
    return text if _sign_of_track().search(text) is None else _tracks().sub(REDACTED, text)
