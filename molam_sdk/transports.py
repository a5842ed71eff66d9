"""The transports that a client can be given: ``MolamSyncClient(config, transport=RequestsTransport(config, …))``.

``RequestsTransport(config, adapter=requests.adapters.HTTPAdapter())`` is the ordinary road: requests and urllib3 open
the connections, so that SOCKS and TLS proxies, vcrpy, httpretty and pook work. Doubles for tests are in
``molam_sdk.testing``.
"""

from __future__ import annotations

from ._transport.blocking.transport import RequestsTransport

__all__ = ["RequestsTransport"]
