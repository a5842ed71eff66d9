"""A multiprocessing pool, by fork or by spawn."""

import multiprocessing
import os
import sys

from shop import ORDER, make_client

client = make_client()


def pay(_: int) -> int:
    client.create_payment_intent(ORDER)
    return os.getpid()


if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(3) as pool:
        pids = pool.map(pay, range(60), chunksize=1)
    sys.exit(os.getpid() in pids)
