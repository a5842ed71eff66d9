"""The command line `molam`; says which extra is missing where one is."""

import sys

_EXTRAS = {
    "click": "cli",
    "starlette": "sandbox",
    "uvicorn": "sandbox",
    "sqlalchemy": "sandbox",
    "aiohttp": "sandbox",
    "httptools": "sandbox",
}


def missing_extra(error: ImportError) -> str | None:
    """The sentence for a missing optional library, or None where something else is wrong."""
    library = (error.name or "").partition(".")[0]
    extra = _EXTRAS.get(library)
    return extra and f"molam: {library} is missing; run: pip install 'molam-python-sdk[{extra}]'"


def main() -> None:
    """Entry point of the program; exits with 2 where an extra is missing."""
    try:
        from molam_sdk.cli.commands import molam

        molam(prog_name="molam")
    except ImportError as error:
        sentence = missing_extra(error)
        if sentence is None:
            raise
        sys.stderr.write(sentence + "\n")
        sys.exit(2)
