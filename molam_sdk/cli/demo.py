"""`molam demo`: the SDK's main job from end to end, against an offline Molam in the same process."""

import logging
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..sandbox import Sandbox
    from ..sync_client import MolamSyncClient
    from .receiver import Receiver

_ORDER = "A-1001"


@click.command()
def demo() -> None:
    """Pay, lose an answer, refund, receive signed webhooks, kill a process: no account, no network, a few seconds."""
    from .. import ClientConfig, MolamSyncClient
    from ..logging_setup import setup_structured_logger
    from ..sandbox import Sandbox
    from .demo_journal import kill_and_find
    from .receiver import Receiver

    setup_structured_logger(stream=sys.stdout)
    logging.getLogger("molam_sdk.sandbox").setLevel(logging.WARNING)
    with Sandbox() as sandbox, Receiver() as receiver:
        _say(f"An offline Molam listens at {sandbox.url}, its documents at {sandbox.url}/docs")
        config = ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url, retry_backoff_factor=0.05)
        with MolamSyncClient(config) as client:
            _subscribe(client, receiver)
            payment_id = _pay(client, sandbox)
            _refund(client, payment_id)
            _look_up(client, payment_id)
        sandbox.webhooks.wait()
        _report(sandbox, receiver)
        found = kill_and_find(sandbox, config, _say)
        sound = found and sandbox.ledger.balanced() and sandbox.ledger.executions(order=_ORDER) == 1
    if receiver.refused or not sound:
        raise click.ClickException("; ".join(receiver.refused) or "the ledger is not what it should be")


def _say(text: str) -> None:
    click.secho(f"\n» {text}", bold=True)


def _subscribe(client: "MolamSyncClient", receiver: "Receiver") -> None:
    _say(f"A webhook receiver listens at {receiver.url}; Molam is told of it")
    endpoint = client.create_webhook_endpoint(
        {"tenant_type": "merchant", "tenant_id": "demo", "url": receiver.url, "events": ["*"]}
    )
    receiver.trust(endpoint.kid or "v1", endpoint.secret or "")


def _pay(client: "MolamSyncClient", sandbox: "Sandbox") -> str:
    _say("A payment of 5,000 XOF is created, and its answer gets lost on the way; the client retries by itself")
    sandbox.faults.drop_after_commit(times=1, operation="create_payment_intent")
    intent = client.create_payment_intent(
        {"amount": 5000, "currency": "XOF", "capture": True, "metadata": {"order_id": _ORDER}}
    )
    times = sandbox.ledger.executions(order=_ORDER)
    click.echo(f"{intent.id} is {intent.status}; created for order {_ORDER}: {times} time, by Molam's own ledger")
    _say("It is confirmed")
    paid = client.confirm_payment_intent(intent.id)
    click.echo(f"{paid.id} is {paid.status}: {paid.amount} {paid.currency}")
    return paid.id


def _refund(client: "MolamSyncClient", payment_id: str) -> None:
    _say("1,500 XOF of it are given back")
    refund = client.create_refund({"payment_id": payment_id, "amount": 1500, "reason": "one item returned"})
    click.echo(f"{refund.id} is {refund.status}: {refund.amount} {refund.currency}")


def _look_up(client: "MolamSyncClient", payment_id: str) -> None:
    _say("The payment is looked up")
    intent = client.retrieve_payment_intent(payment_id)
    click.echo(f"{intent.id} is {intent.status}, of order {intent.metadata['order_id']}")


def _report(sandbox: "Sandbox", receiver: "Receiver") -> None:
    from prometheus_client import generate_latest

    _say(f"{len(receiver.events)} webhooks came, each with a signature that was verified")
    for event in receiver.events:
        click.echo(f"{event.type:<20} {event.id}")
    _say("The ledger's two sides" + (" balance" if sandbox.ledger.balanced() else " DO NOT BALANCE"))
    for account, sums in sandbox.ledger.balances().items():
        click.echo(f"{account:<20} {', '.join(f'{amount:>8} {currency}' for currency, amount in sums.items())}")
    _say("What Prometheus would scrape (all but the zeros)")
    for line in generate_latest().decode().splitlines():
        if line.startswith(("molam_sdk_requests_total", "molam_sdk_retries_total")) and not line.endswith(" 0.0"):
            click.echo(line)
