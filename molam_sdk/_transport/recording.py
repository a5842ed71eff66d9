"""Says so where vcrpy is recording: it looks at urllib3's connections, and ours are not among them."""

from __future__ import annotations

import http.client
import sys
import warnings

from ..config import MolamConfigurationWarning


class RecorderCheck:
    """Warns once per client, when a connection is opened while a cassette is in use."""

    def __init__(self) -> None:
        self._warned = False

    def before_opening(self) -> None:
        """Cheap where vcrpy is not even imported."""
        if sys.modules.get("vcr") is None or self._warned:
            return
        if getattr(http.client.HTTPConnection, "cassette", None) is None:  # vcrpy's own class, while one is in use
            return
        self._warned = True
        warnings.warn(
            "vcrpy has a cassette in use, but this client opens its own sockets: the call goes to the real network and "
            "is neither recorded nor replayed. Make the client inside molam_sdk.testing.ordinary_transport(), or in a "
            "test with the fixture molam_ordinary_transport",
            MolamConfigurationWarning,
            stacklevel=2,
        )
