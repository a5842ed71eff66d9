"""The API key that a call waited for, or why the call cannot go on."""

from __future__ import annotations

from collections.abc import Mapping

from .._aside import Aside
from ..exceptions import ConfigurationError, MolamError, RequestValidationError
from .account import account_of
from .doubts import another_account
from .wire import Failure, NoReply


def authorization_of(
    asking: Aside[str] | None, headers: Mapping[str, str], account: str | None, *, in_time: bool
) -> str | NoReply | MolamError:
    """The Authorization that was asked for. ``account``: whose it must be, where that matters."""
    if asking is None or not in_time:
        return NoReply(Failure.NO_TIME, "no API key came in time")
    if asking.problem is not None:  # looked at, not raised: what is raised here is no fault of the merchant's source
        return _no_key(asking.problem)
    authorization = asking.result()
    found = account_of({**headers, "Authorization": authorization})
    if account not in (None, found):
        return RequestValidationError(another_account(account, found))
    return authorization


def _no_key(problem: BaseException) -> ConfigurationError:
    said = problem.message if isinstance(problem, ConfigurationError) else f"its source raised {type(problem).__name__}"
    error = ConfigurationError(f"no API key: {said}")
    error.__cause__ = problem
    return error
