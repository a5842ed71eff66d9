"""`python -m molam_sdk.sandbox`, which is also `molam sandbox`; says which library is missing where one is."""

import sys

from .extra import missing_library

PROGRAM = "python -m molam_sdk.sandbox"


def main() -> None:
    """Entry point of the program; exits with 2 where a library is missing."""
    try:
        from .command import sandbox

        sandbox(prog_name=PROGRAM)
    except ImportError as error:
        sentence = missing_library(error)
        if sentence is None:
            raise
        sys.stderr.write(f"{PROGRAM}: {sentence}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
