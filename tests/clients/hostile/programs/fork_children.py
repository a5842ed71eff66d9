"""Parent and children use one client at the same time, over and over."""

import os
import sys

from shop import ORDER, make_client

client = make_client()
children = []
for _ in range(4):
    pid = os.fork()
    if pid == 0:
        for _ in range(25):
            client.create_payment_intent(ORDER)
        os._exit(0)
    children.append(pid)
for _ in range(100):
    client.create_payment_intent(ORDER)
sys.exit(any(os.waitpid(pid, 0)[1] for pid in children))
