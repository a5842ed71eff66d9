"""Certificates made for the run: whom to trust, whom not, and a client's own."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import trustme


@dataclass(frozen=True, slots=True)
class Certificates:
    """A CA of our own, a server context signed by it, a client's certificate, and a CA that signed none of them."""

    ca: trustme.CA
    ca_file: str
    stranger_ca_file: str
    client_file: str

    def server(self, *names: str, client_required: bool = False) -> ssl.SSLContext:
        """A server context for these names, loopback if none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
        if client_required:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context
