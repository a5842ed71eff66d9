"""The commands of `molam`, each of which lives in a file of its own."""

import sys

import click

from .control import advance, events, faults, trigger
from .demo import demo
from .doctor import doctor

_PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="molam-python-sdk", prog_name="molam")
def molam() -> None:
    """Build and test with Molam: an offline sandbox, a demo, and a look at your set-up."""


@molam.command(context_settings=_PASSED_ON, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run the offline Molam (molam sandbox --help lists its options)."""
    from ..sandbox.__main__ import main

    sys.exit(main(arguments, "molam sandbox"))


for command in (advance, demo, doctor, events, faults, trigger):
    molam.add_command(command)
