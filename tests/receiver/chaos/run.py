"""One run: deliveries twice and shuffled, workers and servers killed in the middle, and the verdict."""

from __future__ import annotations

import http.client
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

import redis
from sqlalchemy import create_engine, text

from molam_sdk.store.events import EventClaims
from molam_sdk.store.sql import SqlStore
from tests.receiver.chaos.django_shop import DJANGO_TABLE, PREFIX
from tests.receiver.chaos.shop import QUEUE, TYPES, Settings, close_store, prepare, store_of
from tests.support.servers import MAKERS, OwnRedis, Server, free_port
from tests.support.tally import Tally
from tests.support.webhooks.deliveries import body_of, delivery_of

SERVERS: Final = {"asyncpg": "postgresql", "django": "postgresql"}
"""What the stores run on that are not called like it."""
ROOT: Final = Path(__file__).parents[3]
KINDS: Final = ("threads", "asyncio", "gevent")
_SENDERS: Final = 8
_LONGEST_RETRY: Final = 0.5


@dataclass(frozen=True)
class Plan:
    """How much, on which store, answered when handled (``now``) or when stored (``later``)."""

    store: str
    mode: str
    events: int
    seed: int
    seconds: float
    kills: int
    restarts: int = 1


class Workers:
    """A process of each kind, with clocks that are 60 s apart; one that dies is replaced, on its port."""

    def __init__(self, plan: Plan, store: str, effects: str, broker: str) -> None:
        self._settings = [
            Settings(kind, plan.mode, store, effects, broker, free_port(), (number - 1) * 60.0)
            for number, kind in enumerate(KINDS)
        ]
        self._running = [self._start(settings) for settings in self._settings]
        self.killed = 0

    @property
    def ports(self) -> list[int]:
        return [settings.port for settings in self._settings]

    def kill_one(self, chance: random.Random) -> None:
        """SIGKILL, and another one in its place."""
        number = chance.randrange(len(self._running))
        self._end(number)
        self.killed += 1
        self._running[number] = self._start(self._settings[number])

    def close(self) -> None:
        """End all."""
        for number in range(len(self._running)):
            self._end(number)

    def _end(self, number: int) -> None:
        self._running[number].kill()
        self._running[number].wait()

    def _start(self, settings: Settings) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-m", "tests.receiver.chaos.worker", json.dumps(asdict(settings))]
        return subprocess.Popen(program, cwd=ROOT)


class Senders:
    """Deliver as Molam does, only more impatiently: again after anything but a 200."""

    def __init__(self, plan: Plan, ports: list[int], chance: random.Random) -> None:
        wanted = list(range(plan.events))
        wanted += chance.sample(wanted, plan.events * 3 // 10)
        chance.shuffle(wanted)
        self._work: SimpleQueue[int] = SimpleQueue()
        for number in wanted:
            self._work.put(number)
        self._ports, self.answers, self.left = ports, Tally(), len(wanted)
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._send_all, daemon=True) for _ in range(_SENDERS)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Have no more sent."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _send_all(self) -> None:
        while not self._stop.is_set():
            try:
                number = self._work.get_nowait()
            except Empty:
                return
            pause = 0.02
            while not self._stop.is_set() and not self._sent(number):
                self._stop.wait(pause * random.uniform(0.5, 1.0))
                pause = min(2 * pause, _LONGEST_RETRY)
            with self._lock:
                self.left -= 1

    def _sent(self, number: int) -> bool:
        event_type = TYPES[number % len(TYPES)]
        data = {"id": f"obj_{number}", "status": "succeeded", "amount": 1, "currency": "XOF"}
        headers, body = delivery_of(body_of(event_type, data, id=f"evt_{number}"), now=time.time())
        connection = http.client.HTTPConnection("127.0.0.1", random.choice(self._ports), timeout=60)
        try:
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            self.answers.count(str(json.loads(answer.read())["result"]))
        except (OSError, http.client.HTTPException, ValueError):
            self.answers.count("no answer")
            return False
        finally:
            connection.close()
        return answer.status == 200


def run(plan: Plan, say: Callable[[str], None] = print) -> tuple[dict[str, Any], list[str]]:
    """The figures, and what was wrong. ``TimeoutError`` if it does not come to an end."""
    chance, began = random.Random(plan.seed), time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        folder.chmod(0o755)  # PostgreSQL has a user of its own
        broker = _started(stack, OwnRedis.made(folder / "broker"))
        server = (
            None
            if plan.store == "sqlite"
            else _started(stack, MAKERS[SERVERS.get(plan.store, plan.store)](folder / "store"))
        )
        store = server.url if server is not None else f"sqlite:///{folder}/shop.sqlite3"
        effects = f"sqlite:///{folder}/effects.sqlite3" if plan.store == "redis" else store
        prepare(effects)
        of_workers = _as_workers_have_it(plan.store, store)
        look = store_of(store) if plan.store != "django" else SqlStore(create_engine(store), table=DJANGO_TABLE)
        stack.callback(close_store, look)
        workers = Workers(plan, of_workers, effects, broker.url)
        stack.callback(workers.close)
        senders = Senders(plan, workers.ports, chance)
        stack.callback(senders.close)
        try:
            _disturb(plan, chance, workers, senders, server, broker, look, say)
        finally:
            took = time.monotonic() - began
        figures = {**asdict(plan), "took": round(took, 1), "killed": workers.killed}
        figures["answers"] = senders.answers.counts()
        return figures, list(_lies(plan, look, effects, broker.url, figures))


def _as_workers_have_it(store: str, url: str) -> str:
    """The URL of the workers' store, on a database that has a URL."""
    if store == "asyncpg":
        return url.replace("+psycopg:", "+asyncpg:")
    if store == "django":
        migrate = [sys.executable, "-m", "tests.receiver.chaos.django_shop", url]
        subprocess.run(migrate, cwd=ROOT, check=True)
        return PREFIX + url
    return url


def _started(stack: ExitStack, server: Server) -> Server:
    stack.callback(server.kill)
    server.start()
    return server


def _disturb(
    plan: Plan,
    chance: random.Random,
    workers: Workers,
    senders: Senders,
    server: Server | None,
    broker: Server,
    look: Any,
    say: Callable[[str], None],
) -> None:
    """Kill workers, connections, the broker and the database, each time some more is done, until all is."""
    began, deliveries = time.monotonic(), senders.left
    steps, revived = _steps(plan), None
    while senders.left or _unsettled(look):
        if time.monotonic() - began > plan.seconds:
            raise TimeoutError(f"seed {plan.seed}: {senders.left} deliveries, {_unsettled(look)} events left")
        done = 1 - senders.left / deliveries
        while steps and steps[0][0] <= done:
            _, what = steps.pop(0)
            say(f"{time.monotonic() - began:6.1f} s  {senders.left:6d} left  {what}")
            if what == "kill a worker":
                workers.kill_one(chance)
            elif what == "kill the broker":
                broker.kill()
                revived = time.monotonic() + chance.uniform(0.5, 2.0)
            elif server is not None and what == "restart the database":
                server.kill()
                time.sleep(chance.uniform(0, 1))
                server.start()
            elif server is not None:
                with suppress(Exception):
                    server.terminate_connections()
        if revived is not None and time.monotonic() >= revived:
            broker.start()
            revived = None
        time.sleep(0.1)
    if revived is not None:
        broker.start()


def _steps(plan: Plan) -> list[tuple[float, str]]:
    """What happens when which part of the deliveries is through."""
    often = [((number + 1) / (plan.kills + 2), number) for number in range(plan.kills)]
    steps = [(part, "kill a worker") for part, _ in often]
    steps += [(part + 0.005, "terminate connections") for part, number in often if number % 2]
    steps += [((number + 1) / (plan.restarts + 1), "restart the database") for number in range(plan.restarts)]
    steps += [(part, "kill the broker") for part in (0.3, 0.7)]
    return sorted(steps)


def _unsettled(look: Any) -> int:
    """How many events are not done; -1 where the store does not say now."""
    try:
        if isinstance(look, EventClaims):
            [[count]] = look._database.execute(look._filled('SELECT count(*) FROM "@table" WHERE NOT done')).rows
            return int(count)
        client = look._client
        return sum(client.hget(key, "done") != b"1" for key in client.scan_iter("*:event:*", 1000))
    except Exception:
        return -1


def _lies(plan: Plan, look: Any, effects: str, broker: str, figures: dict[str, Any]) -> Iterator[str]:
    """Whatever is not as it should be: shipped twice, never, not told, not queued, not settled."""
    wanted = {number: TYPES[number % len(TYPES)] for number in range(plan.events)}
    shipped, keyed = _effects(effects)
    with redis.Redis.from_url(broker) as client:
        queued = {event.decode() for event in client.lrange(QUEUE, 0, -1)}  # type: ignore[union-attr]
        figures["queued twice"] = int(client.llen(QUEUE)) - len(queued)  # type: ignore[arg-type]
    figures["shipments"] = sum(shipped.values())
    for number, event_type in wanted.items():
        event = f"evt_{number}"
        ships = shipped.get(event, 0) + (f"ship {event}" in keyed)
        if ships != (event_type != "refund.succeeded"):
            yield f"{event}: shipped {ships} times"
        if (event_type != "payment.failed") != (f"tell {event}" in keyed):
            yield f"{event}: not told"
        if (event_type == "payment.succeeded") != (event in queued):
            yield f"{event}: not queued"
    if unsettled := _unsettled(look):
        yield f"{unsettled} events are not settled"


def _effects(url: str) -> tuple[dict[str, int], set[str]]:
    engine = create_engine(url)
    with engine.connect() as connection:
        shipped = connection.execute(text("SELECT event, count(*) FROM shipments GROUP BY event")).all()
        keyed = connection.execute(text("SELECT event FROM keyed")).scalars().all()
    engine.dispose()
    return {event: int(count) for event, count in shipped}, set(keyed)
