"""`python -m molam_sdk.cli`, where the program `molam` is not on the path."""

from molam_sdk.cli import main

main()
