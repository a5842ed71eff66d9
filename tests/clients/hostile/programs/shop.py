"""What the programs share: a client whose every request says which process sent it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from molam_sdk import ClientConfig, MolamSyncClient

ORDER = {"amount": 5, "currency": "USD"}


class SaysPid:
    """An observer that adds the process id to every request."""

    def call_started(self, start: Any) -> Mapping[str, str]:
        return {"X-Pid": str(os.getpid())}

    def call_ended(self, record: Any) -> None:
        pass


def make_client(**settings: Any) -> MolamSyncClient:
    """A client for the server that the environment names, used once so that it holds an idle connection."""
    config = ClientConfig(
        api_key="sk_test_fork",
        base_url=os.environ["HOSTILE_URL"],
        ca_bundle=os.environ.get("HOSTILE_CA") or None,
        timeout_connect=10,
        **settings,
    )
    client = MolamSyncClient(config, observers=[SaysPid()], cb_fail_max=10**6)
    client.create_payment_intent(ORDER)
    return client
