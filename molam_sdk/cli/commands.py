"""The commands of `molam`, each of which lives in a file of its own."""

import click

from .control import advance, events, faults
from .demo import demo
from .doctor import doctor
from .journal import journal
from .journal_reconcile import reconcile
from .journal_work import rotate_key, work
from .listen import listen
from .objects import endpoints, get, payments, payouts, refunds, resolve
from .ops import ops
from .smoke import smoke
from .snapshot import reset, snapshot
from .store import store
from .trigger import trigger
from .webhooks import webhooks


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
    """Build, test and operate with Molam: an offline sandbox, a demo, a look at your set-up, and the API by hand."""


molam.add_command(click.Command("sandbox", help="Run the offline Molam until SIGTERM or Ctrl-C."))
_TOOLS = (advance, demo, doctor, events, faults, journal, listen, ops, reset, snapshot, store, trigger, webhooks)
_API = (payments, refunds, payouts, endpoints, get, resolve, smoke)
for command in (*_TOOLS, *_API):
    molam.add_command(command)
for command in (work, rotate_key, reconcile):
    journal.add_command(command)
