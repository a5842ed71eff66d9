"""Importing the SDK costs little more than importing what it stands on."""

import subprocess
import sys

import pytest

# CPU time: other work on the machine must not count.
CLOCK = "import time; start = time.process_time(); {statement}; print(time.process_time() - start)"
# What whoever uses the four loads of them: `import pydantic` alone loads next to nothing.
FOUNDATION = "import requests, pybreaker, prometheus_client; from pydantic import BaseModel, Field, BeforeValidator"
CONFIG = "import molam_sdk; config = molam_sdk.ClientConfig(api_key='sk_live_x', ca_bundle=None)"
PLAIN = f"{CONFIG}; molam_sdk.MolamClient(config)"
FULL = f"{CONFIG}; molam_sdk.MolamSyncClient(config)"
NEVER = set("aiohttp sqlalchemy starlette uvicorn click django flask fastapi redis opentelemetry".split())

REDIS_STORAGE = """
import redis
class Down:
    def setnx(self, *_): pass
    def get(self, *_): raise redis.ConnectionError("down")
storage = pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, Down())
print(storage.state, pybreaker.HAS_REDIS_SUPPORT)
"""

MISSING = """
try:
    pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, None)
except ImportError as error:
    print(error)
"""


def seconds(statement: str) -> float:
    """CPU seconds in the best of five fresh interpreters."""
    command = [sys.executable, "-c", CLOCK.format(statement=statement)]
    return min(float(subprocess.check_output(command)) for _ in range(5))


@pytest.mark.alone
@pytest.mark.parametrize("first_client", [PLAIN, FULL], ids=["plain", "guarded"])
def test_a_first_client_costs_little_more_than_its_four_libraries(first_client: str) -> None:
    assert seconds(first_client) < 1.3 * seconds(FOUNDATION)


@pytest.mark.parametrize("first_client", [PLAIN, FULL], ids=["plain", "guarded"])
def test_a_first_client_loads_no_extra(first_client: str) -> None:
    assert NEVER & (modules(first_client) - modules("pass")) == set()


def test_a_plain_client_loads_no_metrics_and_no_event_loop() -> None:
    assert {"prometheus_client", "asyncio"} & (modules(PLAIN) - modules("pass")) == set()


@pytest.mark.parametrize(
    "imports",
    ["import molam_sdk, pybreaker", "import pybreaker, molam_sdk", "import redis, molam_sdk, pybreaker"],
)
def test_a_breaker_may_still_keep_its_state_in_redis(imports: str) -> None:
    done = subprocess.run([sys.executable, "-c", imports + REDIS_STORAGE], capture_output=True, text=True)
    assert done.stdout == "closed True\n", done.stderr


def test_pybreaker_without_redis_says_so() -> None:
    program = f"import sys; sys.modules['redis'] = None; import molam_sdk, pybreaker{MISSING}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "required dependencies" in done.stdout, done.stderr


def test_what_pybreaker_never_had_is_missing_by_its_usual_name() -> None:
    program = "import molam_sdk, pybreaker; print(hasattr(pybreaker, 'nothing'), hasattr(pybreaker, 'RedisError'))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == "False True\n"


def modules(statement: str) -> set[str]:
    """What a fresh interpreter has loaded after a statement."""
    command = [sys.executable, "-c", f"{statement}; import sys; print(*sys.modules)"]
    return set(subprocess.check_output(command, text=True).split())
