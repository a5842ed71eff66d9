"""The command that runs the sandbox until it is told to stop."""

import errno
import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

import click

from ..logging_setup import setup_structured_logger
from .contract.problems import ERROR_FORMATS
from .faults.rule import KINDS
from .faults.spec import read_fault
from .sandbox import DEFAULT_HOST, Sandbox
from .store.database import DatabaseInUseError

DEFAULT_PORT = 8642


class SandboxFailedError(click.ClickException):
    """Why the sandbox could not be started, in one line; exit code 2."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        click.echo(self.message, err=True)


class _OneLineCommand(click.Command):
    """Says a wrong option in one line, as it says everything else that keeps it from starting."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _failed(ctx, error.format_message()) from None


def _failed(context: click.Context, reason: str) -> SandboxFailedError:
    return SandboxFailedError(f"{context.command_path}: {reason}")


@click.command(
    cls=_OneLineCommand,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "show_default": True,
        "auto_envvar_prefix": "MOLAM_SANDBOX",
    },
)
@click.option("--host", default=DEFAULT_HOST, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, help="0 takes a free one.")
@click.option("--db", metavar="FILE", help="Keep everything in this file (memory if left out).")
@click.option("--rate", type=float, metavar="N", help="Requests a second per key (no limit if left out).")
@click.option("--seed", type=int, help="Decides faults, jitter and the API key (the key is random if left out).")
@click.option("--api-key", metavar="KEY", help="The key to accept, which begins with sk_test_.")
@click.option("--error-format", type=click.Choice(list(ERROR_FORMATS)), default="standard")
@click.option("--cors", multiple=True, metavar="ORIGIN", help="May be repeated.")
@click.option(
    "--fault", "faults", multiple=True, metavar="KIND:NAME=VALUE,...", help=f"May be repeated; {', '.join(KINDS)}."
)
@click.option("--overdraft", is_flag=True, help="Let payouts exceed the balance.")
@click.option("--durable", is_flag=True, help="Lose nothing in a power cut either (slower, with --db).")
@click.option("--grace", type=float, default=5.0, help="Seconds to finish requests.")
@click.option("--allow-remote", is_flag=True, help="Permit a host that others can reach.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A name it may be called by. May be repeated.")
@click.option("--control-token", metavar="TOKEN", help="Opens the control paths to who sends it, and to nobody else.")
@click.option("--webhook-host", multiple=True, metavar="NAME", help="May be sent webhooks by http. May be repeated.")
@click.option("--quiet", is_flag=True, help="Log warnings only.")
@click.pass_context
def sandbox(
    context: click.Context,
    *,
    host: str,
    port: int,
    db: str | None,
    rate: float | None,
    seed: int | None,
    api_key: str | None,
    error_format: str,
    cors: tuple[str, ...],
    faults: tuple[str, ...],
    overdraft: bool,
    durable: bool,
    grace: float,
    allow_remote: bool,
    allow_host: tuple[str, ...],
    control_token: str | None,
    webhook_host: tuple[str, ...],
    quiet: bool,
) -> None:
    """Run the offline Molam until SIGTERM or Ctrl-C; running requests finish. Its log is JSON on standard error.

    Every option may be given as a variable too: --control-token as MOLAM_SANDBOX_CONTROL_TOKEN.
    """
    try:
        made = Sandbox(
            port,
            db,
            rate,
            seed,
            host=host,
            allow_remote=allow_remote,
            allow_hosts=allow_host,
            control_token=control_token,
            webhook_hosts=webhook_host,
            api_key=api_key,
            error_format=error_format,
            cors_origins=cors,
            overdraft=overdraft,
            durable=durable,
            grace=grace,
        )
        for spec in faults:
            made.faults.add(**read_fault(spec))
        setup_structured_logger(logging.WARNING if quiet else logging.INFO, name="molam_sdk.sandbox")
        setup_structured_logger(logging.WARNING, name="uvicorn.error")
        _run(made, db or "memory")
    except (ValueError, TypeError, DatabaseInUseError) as error:
        raise _failed(context, _with_option(str(error))) from None
    except OSError as error:
        raise _failed(context, _why_not_listening(error, host, port)) from None


def _with_option(sentence: str) -> str:
    """The sentences of Sandbox name its arguments; here they are options."""
    return sentence.replace("pass allow_remote=True", "pass --allow-remote")


def _why_not_listening(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is taken; choose another with --port, or --port 0 for a free one"
    if error.errno == errno.EACCES and port:
        return f"port {port} of {host} is not permitted; choose another with --port"
    if error.errno in (errno.EADDRNOTAVAIL, None) or error.strerror is None:
        return str(error)
    return f"{host}: {error.strerror}"


def _run(made: Sandbox, place: str) -> None:
    over = threading.Event()
    _on_signals(over.set)
    with made:
        lines = (
            f"Molam sandbox: {made.url}",
            f"API key:       {made.api_key}",
            f"Documents:     {made.url}/docs",
            f"Database:      {place}",
            "",
            f"export MOLAM_BASE_URL={made.url} MOLAM_API_KEY={made.api_key}",
        )
        click.echo("\n".join(lines))
        # In short waits, since on Windows a signal does not end a long one.
        while not over.wait(0.5):
            pass


def _on_signals(leave: Callable[[], None]) -> None:
    def on_signal(_number: int, _frame: FrameType | None) -> None:
        leave()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
