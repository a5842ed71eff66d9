"""`molam listen`: the webhooks of a running sandbox, forwarded to a shop on this machine and shown."""

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import click

from ..exceptions import WebhookVerificationError
from ..webhooks import parse_event, sign
from .control import DEFAULT_URL, url_option
from .forward import ShopAnswer, forward
from .told import as_told

if TYPE_CHECKING:
    from ..models import WebhookEndpoint

_HELP = "Keys: r sends the last event again, q ends."


@dataclass(frozen=True, slots=True)
class _Heard:
    """A delivery as it came."""

    body: bytes
    headers: Mapping[str, str]


class Forwarder:
    """Takes deliveries on a free loopback port and posts them to a shop with the bytes that were signed."""

    def __init__(self, shop: str) -> None:
        self._shop = shop
        self._last: _Heard | None = None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _request_class(self))
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def forward(self, heard: _Heard) -> ShopAnswer:
        """Post it to the shop and show how that went."""
        self._last = heard
        answer = forward(self._shop, heard.body, heard.headers)
        _show(heard, answer)
        return answer

    def send_again(self, secret: str, kid: str) -> None:
        """The last event once more, signed anew: the shop would refuse a signature that is five minutes old."""
        last = self._last
        if last is None:
            click.echo("nothing came yet")
            return
        headers = {name: value for name, value in last.headers.items() if name.lower() != "molam-signature"}
        self.forward(_Heard(last.body, {**headers, "Molam-Signature": sign(last.body, secret, kid)}))


def _request_class(forwarder: Forwarder) -> type[BaseHTTPRequestHandler]:
    class Delivery(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = forwarder.forward(_Heard(body, dict(self.headers.items())))
            # Molam is told what the shop said, so that it sends again what the shop did not take.
            content = answer.text.encode()
            self.send_response(answer.status or 502)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            """Nothing: each delivery is shown with its answer."""

    return Delivery


def _show(heard: _Heard, answer: ShopAnswer) -> None:
    try:
        event = parse_event(heard.body)
        what = f"{event.type:<20} {event.id}"
    except WebhookVerificationError:
        what = f"{len(heard.body)} bytes that are no event"
    now = datetime.now(timezone.utc).astimezone()
    click.secho(f"{now:%H:%M:%S}  {what}  {answer}", fg=None if answer.taken else "red")


@click.command()
@click.option("--forward-to", "shop", metavar="URL", required=True, help="The shop's webhook route.")
@click.option(
    "--events", "types", multiple=True, metavar="TYPE", help="May be repeated; payment.*, say. All if left out."
)
@click.option("--api-key", envvar="MOLAM_API_KEY", metavar="KEY", help="MOLAM_API_KEY; the sandbox prints its own.")
@url_option
def listen(shop: str, types: tuple[str, ...], api_key: str | None, url: str) -> None:
    """Forward a running sandbox's webhooks to a shop on this machine, until q or Ctrl-C. Press r to send one again."""
    if not api_key:
        raise click.UsageError("no key: set MOLAM_API_KEY to the one that `molam sandbox` prints")
    from .. import ClientConfig, MolamClient, MolamError
    from ..receiver.event_types import spelt_out

    try:
        events = spelt_out(types)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--events") from None
    try:
        config = ClientConfig(api_key=api_key, base_url=url)
    except MolamError as error:
        raise click.ClickException(error.message) from None
    forwarder = Forwarder(shop)
    wanted = {"tenant_type": "merchant", "tenant_id": "listen", "url": forwarder.url, "events": events}
    with forwarder.running(), MolamClient(config) as client:
        try:
            endpoint = client.create_webhook_endpoint(wanted)  # type: ignore[arg-type]  # a dict of its fields
        except MolamError as error:
            told = as_told(f"no endpoint could be made at {url} (default {DEFAULT_URL}): {error}")
            raise click.ClickException(told) from None
        try:
            _tell(endpoint, shop)
            _follow_keys(forwarder, endpoint)
        finally:
            client.delete_webhook_endpoint(endpoint.id)


def _tell(endpoint: "WebhookEndpoint", shop: str) -> None:
    click.echo(f"Webhooks go to {shop}. The shop verifies them with:")
    click.echo(f"export MOLAM_WEBHOOK_SECRET_{(endpoint.kid or 'v1').upper()}={endpoint.secret}")
    click.echo(_HELP)


def _follow_keys(forwarder: Forwarder, endpoint: "WebhookEndpoint") -> None:
    try:
        for key in _keys():
            if key == "q":
                return
            if key == "r":
                forwarder.send_again(endpoint.secret or "", endpoint.kid or "v1")
        threading.Event().wait()  # nobody types: until Ctrl-C
    except (KeyboardInterrupt, EOFError):
        return


def _keys() -> Iterator[str]:
    """Each key as it is pressed; where this is no terminal, the letters of each line."""
    if sys.stdin.isatty():
        while True:
            yield click.getchar()
    for line in sys.stdin:
        yield from line.strip()
