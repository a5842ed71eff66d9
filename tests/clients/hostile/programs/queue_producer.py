"""Queues payments and waits for them."""

import sys

from queue_app import fail, pay

from molam_sdk import MolamTimeoutError

pids = {result.get(timeout=60) for result in [pay.delay() for _ in range(20)]}
try:
    fail.delay().get(timeout=60)
except MolamTimeoutError as error:
    if error.outcome != "not_sent":
        raise
else:
    sys.exit("no error came back")
print(*sorted(pids))
