"""Forks while other threads are in the middle of calls; each child makes a call before an alarm ends it."""

import os
import signal
import stat
import sys
import threading

from shop import ORDER, make_client

THREADS = 6
client = make_client()
over = threading.Event()


def is_socket(descriptor: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def keep_calling() -> None:
    while not over.is_set():
        client.create_payment_intent(ORDER)


threads = [threading.Thread(target=keep_calling) for _ in range(THREADS)]
for thread in threads:
    thread.start()
failed = 0
for _ in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)  # a child that waits for a lock of the parent is killed, and seen
        client.create_payment_intent(ORDER)
        inherited = [descriptor for descriptor in range(3, 64) if is_socket(descriptor)]
        os._exit(0 if len(inherited) <= 1 + THREADS else 1)  # its own, and at most what was being opened at the fork
    failed += os.waitpid(pid, 0)[1] != 0
over.set()
for thread in threads:
    thread.join()
sys.exit(failed)
