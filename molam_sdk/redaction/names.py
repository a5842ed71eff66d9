"""Which names are those of secrets, and which are those that support needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from typing import Final

REDACTED: Final = "***REDACTED***"

# A name is compared in small letters, without what joins its words.
_SECRET: Final = frozenset(
    "authorization proxyauthorization connectsid aspnetsessionid "
    "apikey xapikey secret clientsecret webhooksecret secretkey privatekey mtlskey "
    "password passwd passphrase passcode pwd pass dbpass dbpwd userpass storepass keypass sshpass token jwt auth oauth "
    "credential credentials cookie cookies setcookie session sessionid sessid sid jsessionid phpsessid sessionkey "
    "pan cardnumber cardno cardnum primaryaccountnumber accountnumber iban cvv cvv2 cvc cvc2 cvn csc cid securitycode "
    "pin pinblock otp totp onetimepassword otpcode mfacode recoverycodes backupcodes mnemonic seedphrase "
    "track1 track2 trackdata track1data track2data magstripe signature sig hmac dsn clientassertion codeverifier "
    "motdepasse depasse mdp codesecret codepin clesecrete cleapi jeton identified passwort kennwort "
    "contrasena senha".split()
)
_SECRET_ENDINGS: Final = tuple(
    "secret secrets password passwords passwd passphrase passcode pwd token accesstokens refreshtokens authtokens "
    "apikey apikeys privatekey secretkey signingkey encryptionkey accesskey masterkey sharedkey authkey sessionkey "
    "journalkey fernetkey hmackey sshkey webhookkey accountkey subscriptionkey tokenhint secretid "
    "2facode smscode verificationcode "
    "credential credentials cookie cookies cardnumber signature authorization pinblock otpcode securitycode "
    "passwordconfirm passwordconfirmation phpsessid jsessionid mnemonic recoverycodes backupcodes track1 track2".split()
)
# Too short to be sought as the end of any name: "pin" also ends "spin".
_SECRET_WORDS: Final = frozenset(
    "bearer pass pwd pw mdp pin mpin otp totp pan cvv cvv2 cvc cvc2 cvn csc auth jwt session sig hmac iban dsn".split()
)
# What may follow the word that says it: otp_code, password_hash, card_cvc_value, password2, gunicorn's {cookie}i.
_AFTER: Final = frozenset(
    "hash value text raw plain plaintext confirm confirmation again repeat encrypted b64 base64 str string bytes "
    "code block data header number no num i o".split()
)
_OPEN: Final = frozenset("pagetoken nextpagetoken nexttoken continuationtoken nextsession".split())
# What support needs to find a payment again.
_KEPT: Final = frozenset("idempotencykey requestid eventid deliveryid paymentid id traceid spanid ts".split())
_OF_TRACES: Final = ("traceid", "spanid")
_LONGEST: Final = 64

# A part of every name above, and of what else gives a secret away: a text without any of these names none.
_STEMS: Final = (
    "pass pw secret token auth cookie sess sid cred cvv cvc cvn csc cid pin otp sig jwt pan card account track "
    "magstripe iban api priv mtls encryption access master shared journal fernet ssh webhook "
    "subscription security mfa recovery backup mnemonic seed hmac "
    "dsn assertion verif 2fa sms bearer basic identified mdp secret cle jeton kennwort contrasena senha"
).split()


@dataclass(frozen=True, slots=True)
class Name:
    """A field's name, what it says about its value, and how it may be shown itself (where that was asked for)."""

    plain: str
    secret: bool
    kept: bool
    of_trace: bool


def read_name(text: str) -> Name:
    """What a name in any spelling says: ``db_password``, ``db-password``, ``dbPassword``, ``DB.PASSWORD``."""
    return _known(text if len(text) <= _LONGEST else text[-_LONGEST:])


def _read(text: str) -> Name:
    words = [word.lower() for word in _words().findall(text)]
    plain = "".join(words)
    while not (secret := _is_secret(words)) and len(words) > 1 and (words[-1] in _AFTER or words[-1].isdigit()):
        words.pop()
    of_trace = plain.endswith(_OF_TRACES)
    return Name(plain, secret and plain not in _OPEN, of_trace or plain in _KEPT, of_trace)


_known = lru_cache(maxsize=1024)(_read)  # the same few names come with every line


@cache
def stems() -> re.Pattern[str]:
    """What a text in small letters must hold to name a secret."""
    return re.compile(any_of(_STEMS))


def any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words, by their first letters: such a pattern is searched for quickly."""
    by_first = groupby(sorted(words), key=lambda word: word[0])
    return "|".join(
        f"{re.escape(first)}(?:{'|'.join(re.escape(word[1:]) for word in words)})" for first, words in by_first
    )


@cache
def _words() -> re.Pattern[str]:
    return re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def _is_secret(words: list[str]) -> bool:
    plain = "".join(words)
    return plain in _SECRET or plain.endswith(_SECRET_ENDINGS) or (words != [] and words[-1] in _SECRET_WORDS)
