"""A server that carries payments out, or does not, and says something else; its own record is the truth."""

from __future__ import annotations

from typing import Any

from tests.support.http_server import MOLAMS, HostileServer, Seen, Serve, Turn, Wire, answer

INTENT = {"id": "pi_1", "amount": 5, "currency": "USD"}


class Bank:
    """``executed`` holds every request that was carried out, in order: more than one of an order is paid twice."""

    def __init__(self, serve: Serve) -> None:
        self.server: HostileServer = serve()
        self.executed: list[Seen] = []

    @property
    def url(self) -> str:
        """What clients call."""
        return self.server.url

    def play(self, *turns: Turn) -> None:
        """Answer the next requests so."""
        self.server.script.extend(turns)

    def carry_out(self, then: Turn) -> Turn:
        """Carry the request out, then answer with ``then``, whatever that says."""

        def turn(wire: Wire) -> bool:
            self.executed.append(self.server.requests[-1])
            return then(wire)

        return turn

    def says_the_truth(self, outcome: str | None) -> bool:
        """Whether an outcome is true of the payment."""
        if self.executed:
            return outcome in ("unknown", "accepted")
        return outcome in ("not_sent", "rejected", "unknown")


def intent(status: str = "succeeded", **fields: Any) -> Turn:
    """The answer of Molam that everybody hopes for."""
    return answer(200, INTENT | {"status": status} | fields, [MOLAMS])
