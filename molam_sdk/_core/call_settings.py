"""What all calls of a client go by: when another attempt may follow, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .report import retry_after_of
from .retry import RetryBudget, RetryPolicy
from .rules import Retry, Rule
from .wire import NoReply, Reply


@dataclass(frozen=True, slots=True)
class CallSettings:
    """``cost``, ``cost_timeout``: tokens of the budget that a retry takes; ``resolving``: a refusing breaker is waited
    for; ``trace``: told of each attempt as operation, number, label."""

    policy: RetryPolicy
    budget: RetryBudget | None
    cost: int
    cost_timeout: int
    clock: Callable[[], float]
    resolving: bool = False
    trace: Callable[[str, int, str], None] | None = None

    def pause_after(self, answer: Reply | NoReply, rule: Rule, retries: int, time_left: float) -> float | None:
        """Seconds to wait for another attempt after so many retries; None where that is not worth it."""
        retry_after = retry_after_of(answer)
        pause = 0.0 if rule.retry is Retry.AT_ONCE else self.policy.pause(retries, retry_after, time_left)
        return pause if self.policy.worth_waiting(pause, retry_after, time_left) else None

    def pay_for(self, rule: Rule) -> bool:
        """Take what a retry costs from the budget; False where too little is left."""
        cost = self.cost_timeout if rule.label == "timeout" else self.cost
        return self.budget is None or self.budget.take(cost)
