"""A merchant that may die at any time: its orders stand in a table, and it acts on what errors claim."""

from __future__ import annotations

import random
import time
from collections.abc import Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from molam_sdk import (
    AuthenticationError,
    CircuitOpenError,
    ClientConfig,
    DeclinedError,
    MolamError,
    RequestValidationError,
)
from tests.chaos.orders import TENANTS, Kept, Order, Step, Table, order_of

current_call: ContextVar[str] = ContextVar("current_call", default="")


class OverdueError(Exception):
    """What a signal handler raises into whatever waits, as celery's and rq's do."""


class TornError(BaseException):
    """The same, as gevent's and dramatiq's do."""


class SaysCall:
    """An observer that names the merchant's call in every request of it."""

    def call_started(self, start: Any) -> Mapping[str, str]:
        return {"X-Call": current_call.get()}

    def call_ended(self, record: Any) -> None:
        pass


@dataclass(frozen=True)
class Settings:
    """What the merchant is told on its command line. ``api_keys``: of the tenants, in their order."""

    kind: str
    url: str
    api_keys: tuple[str, ...]
    seed: int
    table: str
    first: int
    last: int
    width: int

    def config(self, tenant: str) -> ClientConfig:
        """A client's configuration: patience is short, so that the run is."""
        api_key = self.api_keys[TENANTS.index(tenant)]
        return ClientConfig(api_key=api_key, base_url=self.url, timeout_connect=1, timeout_read=0.3,
                            timeout_total=1.5, max_retries=2, retry_backoff_factor=0.01,
                            bulkheads={"payments": max(2, self.width - 2)}, bulkhead_wait=0.02)  # fmt: skip

    def breaker(self, tenant: str) -> dict[str, Any]:
        """The other arguments of a client."""
        return {"cb_name": tenant, "cb_fail_max": 4, "cb_reset_timeout": 0.2, "observers": [SaysCall()]}


@dataclass(frozen=True, slots=True)
class Ask:
    """A call to be made with a tenant's client; ``call`` names it in the network's record."""

    call: str
    tenant: str
    method: str
    arguments: tuple[Any, ...]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds to wait."""

    seconds: float


Plan = Generator["Ask | Pause", Any, None]


@dataclass(slots=True)
class Course:
    """How a step goes in this process. ``inherited``: its error is another worker's; ``calls``: those that the error
    is about."""

    step: Step
    error: MolamError | None
    calls: list[str]
    inherited: bool
    nth: int = 0
    handed_over: bool = False


class Merchant:
    """What it does, decided without waiting: threads, tasks and a main thread with alarms carry it out."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.table = Table(Path(settings.table))
        self.handed_over = False

    def orders(self) -> list[Order]:
        """Those of both tenants that this merchant serves."""
        return [order_of(number) for number in range(self.settings.first, self.settings.last)]

    def serve(self, order: Order) -> Plan:
        """Every step of an order, until one ends it or is left to another worker."""
        for step in order.steps():
            if not self.table.of(step).done:
                yield from self._carry_out(step)
            if not self.table.of(step).done.startswith(("pi_", "po_")):
                return

    def _carry_out(self, step: Step) -> Plan:
        left = self.table.of(step).left
        error = MolamError.from_dict(left) if left else None
        course = Course(step, error, list(self.table.of(step).calls), error is not None)
        while not self.table.of(step).done and not course.handed_over:
            yield from self._call_once(course)
            course.inherited, course.nth = False, course.nth + 1

    def _call_once(self, course: Course) -> Plan:
        step, kept, error = course.step, self.table.of(course.step), course.error
        chance = random.Random(f"{self.settings.seed}:{step.name}:{kept.key}:{course.nth}")
        if error is not None and not (_in_doubt(error) and (course.inherited or chance.random() < 0.5)):
            error = None
        call = uuid4().hex
        course.calls = [*course.calls, call] if error is not None else [call]
        self.table.note(step, began=call)
        try:
            answer = yield self._ask(step, kept.key, call, error)
        except (OverdueError, TornError) as torn:
            course.error = torn.__cause__ if isinstance(torn.__cause__, MolamError) else None
            self.table.note(step, torn=call, told=course.error is not None)
        except MolamError as problem:
            course.error = problem
        else:
            course.error = None
            self._take_in(step, call, answer)
        if course.error is not None:
            self._note_claim(course, kept, course.error)
            yield from self._decide(course, kept, course.error, chance)

    def _ask(self, step: Step, key: str, call: str, error: MolamError | None) -> Ask:
        tenant = step.order.tenant
        if error is not None:
            return Ask(call, tenant, "resolve", (error,), {"timeout": 2})
        return Ask(call, tenant, step.operation, self._arguments(step), {"idempotency_key": key})

    def _arguments(self, step: Step) -> tuple[Any, ...]:
        order = step.order
        named = {"amount": order.amount, "currency": "USD", "metadata": {"order_id": order.name}}
        if step.operation == "create_payout":
            return (named | {"beneficiary": f"b{order.number}", "origin_module": "chaos", "origin_entity": "shop"},)
        if step.operation == "confirm_payment_intent":
            return (self.table.of(order.steps()[0]).done,)
        if order.has_bad_card:
            named["metadata"] = {"order_id": order.name, "sandbox": "card_declined"}
        return (named,)

    def _take_in(self, step: Step, call: str, answer: Any) -> None:
        if step.operation == "confirm_payment_intent" and answer.status == "requires_confirmation":
            self.table.note(step, earlier=call)  # of its create, come twice: ask again
        else:
            self.table.note(step, done=answer.id, call=call, replayed=answer.replayed)

    def _note_claim(self, course: Course, kept: Kept, error: MolamError) -> None:
        facts = error.to_dict() if _in_doubt(error) else None
        self.table.note(course.step, claim=error.outcome, error=type(error).__name__, calls=course.calls,
                        under=error.idempotency_key, attempts=error.attempts, text=str(error)[:200], at=time.time(),
                        facts=facts, orphaned=kept.orphaned)  # fmt: skip

    def _decide(self, course: Course, kept: Kept, error: MolamError, chance: random.Random) -> Plan:
        """What an honest merchant does after a claim; by it alone, whatever else it might suspect."""
        if isinstance(error, DeclinedError) and error.outcome == "rejected":
            self.table.note(course.step, done="declined")
            return
        if _in_doubt(error):
            if chance.random() < 0.1:
                yield from self._try_the_other_tenant(course.step, error)
            if not course.inherited and chance.random() < 0.05:
                self.table.note(course.step, handed_over=True)
                course.handed_over = self.handed_over = True
                return
        elif error.outcome == "rejected" and not _may_pass(error):
            self.table.note(course.step, done="refused", text=str(error))
            return
        elif not kept.orphaned:
            self._take_at_its_word(course, kept, chance)
        yield Pause(min(error.retry_after or 0.02, 0.3))

    def _take_at_its_word(self, course: Course, kept: Kept, chance: random.Random) -> None:
        """Nothing happened: go on under the same key, take a new one, or give the order up for good."""
        drawn = chance.random()
        if drawn < 0.1:
            self.table.note(course.step, done="given up")
        elif drawn < 0.5:
            generation = kept.generation + 1
            self.table.note(course.step, key=course.step.key(generation), generation=generation)
            course.error, course.calls = None, []

    def _try_the_other_tenant(self, step: Step, error: MolamError) -> Plan:
        """A careless worker resolves with the client of another account; that must be refused before it is sent."""
        other = next(tenant for tenant in TENANTS if tenant != step.order.tenant)
        call = uuid4().hex
        try:
            came = yield Ask(call, other, "resolve", (error,), {"timeout": 2})
        except RequestValidationError:
            self.table.note(step, other_tenant="refused", by=call)
        except (OverdueError, TornError):
            pass
        except MolamError as problem:
            self.table.note(step, other_tenant=repr(problem), by=call)
        else:
            self.table.note(step, other_tenant=repr(came), by=call)


def _in_doubt(error: MolamError) -> bool:
    return error.outcome in ("unknown", "accepted")


def _may_pass(error: MolamError) -> bool:
    code = getattr(error, "code", None)
    return code == "injected" or isinstance(error, CircuitOpenError | AuthenticationError) or _is_page(error)


def _is_page(error: MolamError) -> bool:
    return isinstance(getattr(error, "body", None), str) or getattr(error, "status_code", None) is None
