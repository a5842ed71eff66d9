"""A worker of the outbox in a process of its own: killed with -9 around a request, or not."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.transports import RequestsTransport


class Deadly(RequestsTransport):
    """Kills its process before it sends a request, or when it has the answer."""

    moment = "never"

    def send(self, request: Any) -> Any:
        if self.moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = super().send(request)
        if self.moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


def main(url: str, api_key: str, journal: str, moment: str) -> None:
    config = ClientConfig(api_key=api_key, base_url=url)
    transport = Deadly(config)
    transport.moment = moment
    with MolamClient(config, transport=transport, journal=journal) as client:
        print(client.journal.worker().run_until_empty())


if __name__ == "__main__":
    main(*sys.argv[1:])
