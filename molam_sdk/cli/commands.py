"""The commands of `molam`, each of which lives in a file of its own."""

import click

from .control import advance, events, faults, trigger
from .demo import demo
from .doctor import doctor


class _MolamGroup(click.Group):
    """Loads the sandbox's own command when it is asked for, since its libraries are an extra."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name == "sandbox":
            from ..sandbox.command import sandbox

            command = sandbox
        return name, command, rest


@click.group(cls=_MolamGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="molam-python-sdk", prog_name="molam")
def molam() -> None:
    """Build and test with Molam: an offline sandbox, a demo, and a look at your set-up."""


molam.add_command(click.Command("sandbox", help="Run the offline Molam until SIGTERM or Ctrl-C."))
for command in (advance, demo, doctor, events, faults, trigger):
    molam.add_command(command)
