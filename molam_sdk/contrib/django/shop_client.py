"""The client of the shop, for commands and pages of the app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS
from django.utils.module_loading import import_string

from ..._journalling.blocking.journal import Journal
from ..._journalling.looking import journal_alone
from ...client import MolamClient
from ...config import ClientConfig
from ...sync_client import MolamSyncClient
from .journal import DjangoJournal

CLIENT_SETTING: Final = "MOLAM_CLIENT"


def shop_client(path: str | None = None, using: str = DEFAULT_DB_ALIAS) -> MolamClient:
    """The client at a dotted path (``MOLAM_CLIENT`` in the settings), or of what makes it there; else one of the
    environment's settings. ``ImproperlyConfigured`` where the path names none."""
    path = path or getattr(settings, CLIENT_SETTING, None)
    if path is None:
        return MolamSyncClient(ClientConfig.from_env(), journal=DjangoJournal(using))
    try:
        found: Any = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"{path} names no client: {error}") from error
    client: Any = found if isinstance(found, MolamClient) else found() if callable(found) else found
    if not isinstance(client, MolamClient):
        raise ImproperlyConfigured(f"{path} gives a {type(client).__name__}, no blocking client")
    return client


@contextmanager
def shop_journal(using: str = DEFAULT_DB_ALIAS) -> Iterator[Journal]:
    """The journal in this database, with the shop's own key to what is encrypted where ``MOLAM_CLIENT`` names a client,
    else with the environment's; no API key is needed to look at it."""
    store = DjangoJournal(using)
    if getattr(settings, CLIENT_SETTING, None) is None:
        with journal_alone(store) as journal:
            yield journal
        return
    store.seal = getattr(shop_client().journal.store, "seal", None)
    with journal_alone(store, key=None) as journal:
        yield journal
