"""Forks while another thread holds every lock that the SDK has; the child makes calls that need them all."""

import gc
import logging
import os
import signal
import sys
import threading
from typing import Any

from shop import ORDER, make_client

from molam_sdk import MolamError
from molam_sdk._transport import dns

LOCK_TYPES = (type(threading.Lock()), type(threading.RLock()))


def locks_of_the_sdk() -> list[Any]:
    """Every lock that an object of the SDK or of its breaker holds in an attribute."""
    ours = [thing for thing in gc.get_objects() if str(type(thing).__module__).startswith(("molam_sdk", "pybreaker"))]
    names = [(thing, name) for thing in ours for name in (*getattr(thing, "__dict__", ()), "_lock", "lock")]
    found = {id(lock): lock for thing, name in names if isinstance(lock := getattr(thing, name, None), LOCK_TYPES)}
    return list(found.values())


client = make_client(max_retries=2, retry_backoff_factor=0.0, bulkheads={"payments": 3})
logging.getLogger("molam_sdk").setLevel(logging.ERROR)
held, done = threading.Event(), threading.Event()
locks = locks_of_the_sdk()


def hold() -> None:
    for lock in locks:
        lock.acquire()
    held.set()
    done.wait()
    for lock in locks:
        lock.release()


threading.Thread(target=hold).start()
held.wait()
pid = os.fork()
if pid == 0:
    signal.alarm(10)
    for _ in range(6):
        try:
            client.create_payment_intent(ORDER)
        except MolamError as error:
            if error.outcome != "unknown":
                raise
    dns.resolve("localhost", 80, 5)
    os._exit(0)
status = os.waitpid(pid, 0)[1]
done.set()
print(len(locks))
sys.exit(status != 0)
