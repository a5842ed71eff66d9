"""What `molam doctor` looks at beside the calls: the webhooks' secrets, and the journal's file or database."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from .._journalling.opening import first_line, journal_store_of, opened_here
from ..config import ClientConfig
from ..exceptions import ConfigurationError
from ..journal.entry import End
from ..journal.seam import Wanted
from ..secrets.found import secrets_of
from ..store.sealing import Seal, SealError, seal_of
from ..webhooks import EnvironmentSecrets
from .finding import Finding

_PREFIX: Final = "MOLAM_WEBHOOK_SECRET_"
_SQLITE: Final = "sqlite:///"
_KEYS: Final = "set every key that entries were encrypted by, the newest first, or run `molam journal rotate-key`"
_WANTED: Final = "give it the secret exactly as Molam showed it, whsec_ included"


def check_webhooks(_config: ClientConfig) -> list[Finding]:
    """Each webhook secret of the environment: whether it is one."""
    variables = sorted(name for name in os.environ if name.startswith(_PREFIX))
    if not variables:
        advice = f"set {_PREFIX}V1 where this process receives any, or say --no-webhooks"
        return [Finding("webhooks", "warn", f"no {_PREFIX}…: every webhook would be refused: {advice}")]
    return [Finding("webhooks", "fail", text) for text in _wrong_secrets(variables)] or [
        Finding("webhooks", "ok", f"{', '.join(variables)}")
    ]


def _wrong_secrets(variables: list[str]) -> Iterator[str]:
    for variable in variables:
        kid = variable.removeprefix(_PREFIX).removesuffix("_FILE").lower()
        try:
            found = secrets_of(EnvironmentSecrets(), kid)
        except ConfigurationError as problem:
            yield problem.message
            continue
        except (OSError, ValueError) as problem:
            why = problem.strerror if isinstance(problem, OSError) else problem
            yield f"{variable} cannot be read: {why}: correct the path, or let this user read the file"
            continue
        if not found:
            yield f"{variable} holds no secret: {_WANTED}"
        elif not all(secret.startswith(b"whsec_") for secret in found):
            yield f"{variable} holds what does not begin with whsec_: {_WANTED}"


def check_journal(config: ClientConfig) -> list[Finding]:
    """Whether the journal can be written, and read by its key. A file that is not there is left to the client, whose
    user it must be; one that only the code names is not known here, and its key alone is looked at."""
    try:
        seal = None if callable(config.journal_key) else seal_of(config.journal_key)
        if config.journal is None:
            return []
        path = config.journal.removeprefix(_SQLITE)
        is_file = "://" not in path and path != ":memory:" and bool(path.strip())
        if not is_file or _check_file(Path(path)):
            _try_store(config.journal, seal)
    except ConfigurationError as problem:
        return [_unwritable(problem.message)]
    except SealError as problem:
        return [Finding("journal", "fail", f"{problem}: {_KEYS}")]
    except Exception as problem:  # noqa: BLE001 - whatever a driver raises; its first line holds no values
        return [_unwritable(first_line(problem))]
    return [Finding("journal", "ok", "can be written")]


def _unwritable(why: str) -> Finding:
    advice = "no call that moves money would be sent: correct MOLAM_JOURNAL, or let this user write there"
    return Finding("journal", "fail", f"{why}: {advice}")


def _try_store(source: str, seal: Seal | None) -> None:
    """As the client opens it, which makes its table, with a statement that writes to no row, and with a look at the
    first entry, which is perhaps sealed by another key than the others."""
    store = journal_store_of(source)
    entries = opened_here(source, store)
    try:
        store.end("molam doctor", uuid.uuid4().hex, End("open", None, ""))
        if entries is not None:
            entries.seal = seal
            entries.page(Wanted(limit=1))
    finally:
        if entries is not None:
            entries.close()


def _check_file(path: Path) -> bool:
    """Whether the file is there. ``ConfigurationError`` where SQLite could not write it, or the files beside it."""
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ConfigurationError(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError(f"the folder {folder} cannot be written by this user")
    if path.is_dir():
        raise ConfigurationError(f"{path} is a folder, not a file")
    if path.exists() and not os.access(path, os.W_OK):
        raise ConfigurationError(f"{path} cannot be written by this user")
    return path.exists()
