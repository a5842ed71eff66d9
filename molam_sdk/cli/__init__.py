"""The command line `molam`; says which extra is missing where one is."""

import sys


def missing_extra(error: ImportError) -> str | None:
    """The sentence for a missing optional library, or None where something else is wrong."""
    from molam_sdk.sandbox.extra import missing_library

    if (error.name or "").partition(".")[0] == "click":
        return "click is missing; run: pip install 'molam-python-sdk[cli]'"
    return missing_library(error)


def main() -> None:
    """Entry point of the program; exits with 2 where an extra is missing."""
    try:
        from molam_sdk.cli.commands import molam

        molam(prog_name="molam")
    except ImportError as error:
        sentence = missing_extra(error)
        if sentence is None:
            raise
        sys.stderr.write(f"molam: {sentence}\n")
        sys.exit(2)
