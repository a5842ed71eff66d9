"""OpenFeature as the source of a client's switches (extra ``flags``)."""

from __future__ import annotations

from collections.abc import Callable

from openfeature import api
from openfeature.evaluation_context import EvaluationContext  # pyright: ignore[reportMissingTypeStubs]  # typed inside
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

__all__ = ["OpenFeatureSwitches"]


class OpenFeatureSwitches:
    """Asks the provider of ``domain`` for ``molam.<group or operation>.enabled``: ``ClientConfig(switches=…)``.

    ``context``: called before each question, for what the flag is targeted by: country, merchant, customer. What the
    process and the transaction have set counts anyway. A flag that the provider does not know is on; where the provider
    fails, what it last said of the flag counts.
    """

    def __init__(
        self, domain: str | None = None, *, context: Callable[[], EvaluationContext | None] = lambda: None
    ) -> None:
        self._client = api.get_client(domain)
        self._context = context

    def __call__(self, flag: str) -> bool:
        """Whether it is on; raises where the provider cannot say."""
        answer = self._client.get_boolean_details(flag, True, self._context())
        if answer.reason == Reason.ERROR and answer.error_code != ErrorCode.FLAG_NOT_FOUND:
            raise RuntimeError(f"the provider of {flag} failed: {answer.error_code}")
        return answer.value
