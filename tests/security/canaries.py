"""The secrets that are planted, twelve kinds of them, and the search for them in whatever came out."""

from __future__ import annotations

import base64
import re
from typing import Any, Final

LIVE_KEY: Final = "sk_live_CANARYlive01"
TEST_KEY: Final = "sk_test_CANARYtest02"
TOKEN: Final = "jwt_CANARYtoken03.eyJzdWIiOiJDQU5BUlkifQ.CANARYsignature"
KEYS: Final = [LIVE_KEY, TEST_KEY, TOKEN]
CALLABLE_KEY: Final = "sk_live_CANARYcallable04"
WEBHOOK_SECRET: Final = "whsec_CANARYwebhook05"
CARD: Final = "4242424242424242"
CODES: Final = {"cvc": "CANARYcvc07", "pin": "CANARYpin07", "otp": "CANARYotp07"}
PERSON: Final = {"name": "CANARYname08", "phone": "CANARYphone08", "email": "CANARY08@example.test"}
PROXY_USER: Final = "CANARYuser09:CANARYpassword09"
PEM: Final = "-----BEGIN PRIVATE KEY-----\nCANARYpem10\n-----END PRIVATE KEY-----\n"
MISPLACED: Final = "sk_live_CANARYmisplaced11"
OWN_FIELD: Final = "CANARYfield12"

PAYMENT: Final[dict[str, Any]] = {
    "amount": 5,
    "currency": "USD",
    "description": f"for {PERSON['name']}",
    "metadata": {"card": CARD, "number": 4242424242424242, **CODES, **PERSON},
}

_ENCODED: Final = [base64.b64encode(text.encode()).decode().rstrip("=")[:-2] for text in (PROXY_USER, LIVE_KEY)]
_SOUGHT: Final = re.compile("CANARY|" + CARD + "|" + "|".join(map(re.escape, _ENCODED)))


def found_in(text: str) -> list[str]:
    """Each canary in a text, with what stands around it."""
    return [text[max(0, hit.start() - 60) : hit.end() + 30] for hit in _SOUGHT.finditer(text)]
