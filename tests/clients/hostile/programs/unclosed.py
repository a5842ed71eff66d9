"""Ends in every careless way: nothing closed, a lookup and a call under way in daemon threads."""

import sys
import threading
import time

from shop import ORDER, make_client

from molam_sdk import ClientConfig, MolamError, MolamSyncClient

client = make_client()
if sys.argv[1] == "closed":
    client.close()
if sys.argv[1] == "busy":

    def keep_calling() -> None:
        while True:
            client.create_payment_intent(ORDER)

    for _ in range(4):
        threading.Thread(target=keep_calling, daemon=True).start()
    time.sleep(0.2)
if sys.argv[1] == "collected":
    del client
if sys.argv[1] == "refused":
    try:
        MolamSyncClient(ClientConfig(api_key="sk_test_x", base_url="http://127.0.0.1:1")).get("/v1/x", timeout=0.2)
    except MolamError as error:
        if error.outcome != "not_sent":
            raise
