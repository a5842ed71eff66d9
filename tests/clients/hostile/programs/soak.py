"""Thousands of calls, a part of which break; prints how much memory and how many descriptors they left behind."""

import gc
import resource
import sys
from pathlib import Path

from shop import ORDER, make_client

from molam_sdk import MolamError


def rss_kib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def calls(count: int) -> int:
    failed = 0
    for _ in range(count):
        try:
            client.create_payment_intent(ORDER)
        except MolamError:
            failed += 1
    gc.collect()
    return failed


client = make_client(max_retries=0)
calls(1000)
before = rss_kib(), descriptors()
failed = calls(int(sys.argv[1]))
print(failed, rss_kib() - before[0], descriptors() - before[1])
