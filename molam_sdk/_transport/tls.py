"""The one TLS context of a client, and what it trusts."""

from __future__ import annotations

import logging
import os
import ssl
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import certifi

from .._forks import renew_after_fork
from .._quiet_log import log
from ..config import ClientConfig, refuse_unverified
from ..exceptions import ConfigurationError
from .origin import clock
from .watched_files import WatchedFiles, check_whole

_CA_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_LOOK_SECONDS: Final = 5.0


class TlsSettings:
    """The context that new connections use: built when it is first needed, and anew once its files have changed.

    Parsing a CA bundle takes some 15 ms, so it is done per change, not per connection; a connection costs a ``stat`` of
    each file. Files that cannot be used, such as half of a new pair, leave the last good context in force.
    """

    def __init__(self, config: ClientConfig, environ: Mapping[str, str] = os.environ) -> None:
        self.verifies = config.verify_ssl
        self._ca_bundle = config.ca_bundle or _from_environment(environ) or certifi.where()
        self._cert, self._key = config.mtls_cert, config.mtls_key
        self._files = WatchedFiles(self._ca_bundle if self.verifies else None, self._cert, self._key)
        self._context: ssl.SSLContext | None = None
        self._inherited: ssl.SSLContext | None = None
        self._lock = threading.Lock()
        self._look_again_at = 0.0
        renew_after_fork(self)
        if config.mtls_cert is not None or self._ca_bundle != certifi.where():
            self.context()  # files of the merchant's own: say now what is wrong with them, not in a payment

    @property
    def ca_bundle(self) -> str:
        """The file or folder of the CAs that are trusted."""
        return self._ca_bundle

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 at least; the hostname is checked unless ``verify_ssl`` is off."""
        context = self._context
        if context is not None and not self._files.changed():
            return context
        if not self._lock.acquire(blocking=context is None):
            assert context is not None  # noqa: S101 - else it would have waited; tells the type checker
            return context  # another thread is reading the new files
        try:
            self._context = self._newest(self._context)
            return self._context
        finally:
            self._lock.release()

    def still_uses(self, context: ssl.SSLContext) -> bool:
        """Whether a connection of this context may carry another call; looks at the files every few seconds."""
        now = clock()
        if now >= self._look_again_at:
            self._look_again_at = now + _LOOK_SECONDS
            self.context()
        return context is self._context

    def after_fork(self) -> None:
        """A thread of the parent may have held our lock, or one inside the context, in mid-handshake."""
        self._lock = threading.Lock()
        self._inherited, self._context = self._context or self._inherited, None

    def _newest(self, present: ssl.SSLContext | None) -> ssl.SSLContext:
        """What the files say now; where they cannot be used, what was good before."""
        good = present or self._inherited
        if present is not None and not self._files.changed():
            return present  # another thread has read them meanwhile
        stamp = self._files.stamp()
        try:
            context = self._build()
        except ConfigurationError as problem:
            # A new pair may be half written; a worker that has dropped its privileges may not read the key.
            if good is None:
                raise
            _count_refused_files()
            if self._files.refuse(stamp):
                log(logging.WARNING, "%s: what was loaded before stays in use", problem.message)
            return good
        self._files.take(stamp)
        return context

    def _build(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        if not self.verifies:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        try:
            if self.verifies:
                self._trust(context)
            if self._cert is not None:
                check_whole(self._cert)
                context.load_cert_chain(self._cert, self._key, password=_refuse_passphrase)
        except (OSError, ValueError) as problem:
            raise ConfigurationError(f"ca_bundle, mtls_cert or mtls_key cannot be loaded: {problem}") from problem
        return context

    def _trust(self, context: ssl.SSLContext) -> None:
        if Path(self._ca_bundle).is_dir():
            context.load_verify_locations(capath=self._ca_bundle)
        else:
            check_whole(self._ca_bundle)
            context.load_verify_locations(cafile=self._ca_bundle)


def refuse_live_key(headers: Iterable[tuple[str, str]]) -> None:
    """Where nothing is verified, only a test key is sent, whichever way it came: ``ConfigurationError``."""
    for name, value in headers:
        if name.lower() == "authorization":
            refuse_unverified(value.removeprefix("Bearer "))


def _count_refused_files() -> None:
    """Metrics tell of each try, as long as there is something to mend; the log only of the first."""
    from ..secrets.tally import TALLY

    TALLY.count_refused_files()


def _from_environment(environ: Mapping[str, str]) -> str | None:
    for name in _CA_VARIABLES:
        path = environ.get(name)
        if path and Path(path).exists():
            return path
    return None


def _refuse_passphrase() -> str:
    """An encrypted key would make OpenSSL ask on the terminal, and a worker hang there."""
    raise ValueError("mtls_key is encrypted: store it without a passphrase, readable by this process only")
