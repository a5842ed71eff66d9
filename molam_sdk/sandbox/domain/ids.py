"""The ids of everything the sandbox makes: a prefix that says what it is, and 24 hexadecimal digits."""

import secrets


def new_id(prefix: str) -> str:
    """`pi` gives `pi_4f…`."""
    return f"{prefix}_{secrets.token_hex(12)}"
