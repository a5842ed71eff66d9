"""The one TLS context of a client, and what it trusts."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import certifi

from .._forks import renew_after_fork
from ..config import ClientConfig
from ..exceptions import ConfigurationError

_CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class TlsSettings:
    """Reads what it trusts once, at construction; builds the context at the first TLS connection and keeps it.

    Parsing a CA bundle takes some 15 ms: once per client, not once per connection.
    """

    def __init__(self, config: ClientConfig, environ: Mapping[str, str] = os.environ) -> None:
        self._verify = config.verify_ssl
        self._ca_bundle = config.ca_bundle or _from_environment(environ) or certifi.where()
        self._cert, self._key = config.mtls_cert, config.mtls_key
        self._context: ssl.SSLContext | None = None
        self._inherited: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        renew_after_fork(self)
        if config.mtls_cert is not None or self._ca_bundle != certifi.where():
            self.context()  # files of the merchant's own: say now what is wrong with them, not in a payment

    @property
    def ca_bundle(self) -> str:
        """The file or folder of the CAs that are trusted."""
        return self._ca_bundle

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 at least; the hostname is checked unless ``verify_ssl`` is off."""
        if self._context is None:
            with self._lock:
                if self._context is None:
                    self._context = self._renew() if self._inherited is not None else self._build()
        return self._context

    def after_fork(self) -> None:
        """A thread of the parent may have held our lock, or one inside the context, in mid-handshake."""
        self._lock = threading.Lock()
        self._inherited, self._context = self._context or self._inherited, None

    def _renew(self) -> ssl.SSLContext:
        try:
            return self._build()
        except ConfigurationError:
            # A worker that has dropped its privileges may not read the key: better the parent's context than none.
            assert self._inherited is not None  # noqa: S101 - the caller checked; tells the type checker
            return self._inherited

    def _build(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if not self._verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        try:
            if self._verify:
                self._trust(context)
            if self._cert is not None:
                context.load_cert_chain(self._cert, self._key, password=_refuse_passphrase)
        except (OSError, ValueError) as problem:
            raise ConfigurationError(f"ca_bundle, mtls_cert or mtls_key cannot be loaded: {problem}") from problem
        return context

    def _trust(self, context: ssl.SSLContext) -> None:
        is_folder = Path(self._ca_bundle).is_dir()
        context.load_verify_locations(
            cafile=None if is_folder else self._ca_bundle, capath=self._ca_bundle if is_folder else None
        )


def _from_environment(environ: Mapping[str, str]) -> str | None:
    for name in _CA_VARIABLES:
        path = environ.get(name)
        if path and Path(path).exists():
            return path
    return None


def _refuse_passphrase() -> str:
    """An encrypted key would make OpenSSL ask on the terminal, and a worker hang there."""
    raise ValueError("mtls_key is encrypted: store it without a passphrase, readable by this process only")
