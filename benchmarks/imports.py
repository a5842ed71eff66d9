"""What importing costs, the first client, and its first call: time, memory and modules, each in a fresh interpreter."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from statistics import median

from .figures import Figures, Options
from .loopback import serve
from .payload import ANSWERS, PATH, PAYMENT

_WITH_REDIS = "molam, everything on, redis installed"
_CONFIG = "molam_sdk.ClientConfig(api_key='sk_test_x', base_url=url)"
_CLIENTS = {
    "requests": ("import requests", "requests.Session()"),
    "stripe": ("import stripe", "stripe.StripeClient('sk_test_x', base_addresses={'api': url}).v1.payment_intents"),
    "openai": ("import openai", "openai.OpenAI(api_key='x').chat.completions"),
    "square": ("import square", "square.Square(token='x').payments"),
    "adyen": ("import Adyen", "Adyen.Adyen(xapikey='x', platform='test').checkout.payments_api"),
    "braintree": ("import braintree", "braintree.BraintreeGateway(braintree.Configuration("
                  "braintree.Environment.Sandbox, 'm', 'p', 'k')).transaction"),
    "gocardless": ("import gocardless_pro", "gocardless_pro.Client(access_token='x', environment='live').payments"),
    "razorpay": ("import razorpay", "razorpay.Client(auth=('x', 'y')).order"),
    # `import pydantic` alone loads next to nothing: what everybody uses of it is named.
    "molam's four libraries": ("import requests, pybreaker, prometheus_client; "
                               "from pydantic import BaseModel, Field, BeforeValidator", "None"),
    "molam, plain client": ("import molam_sdk", f"molam_sdk.MolamClient({_CONFIG})"),
    "molam, everything on": ("import molam_sdk", f"molam_sdk.MolamSyncClient({_CONFIG})"),
}  # fmt: skip
_CLIENTS[_WITH_REDIS] = _CLIENTS["molam, everything on"]
# What is loaded when it is first used is paid for here: nothing can be hidden by putting it off.
_FIRST_CALLS = {
    "requests": f"client.post(url + {PATH!r}, json={PAYMENT!r}).json()",
    "stripe": "client.create({'amount': 10050, 'currency': 'usd', 'metadata': {'order_id': 'A1'}})",
} | {name: f"client.create_payment_intent({PAYMENT!r})" for name in _CLIENTS if "client" in name or "every" in name}

# Under these an editable install is compiled anew every time, and a CA bundle is read before there is a connection.
_MISLEADING = {"PYTHONDONTWRITEBYTECODE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}

# argv: the import, the first client, its first call, modules to do without, the server. VmRSS is in kB; only Linux
# tells it.
# pybreaker imports redis and tornado where they happen to be installed; nobody has them by our doing. Who has redis
# must not pay for it either: that is a row of its own.
_PROBE = """
import sys, time
statement, client, call, without, url = sys.argv[1:]
sys.modules.update(dict.fromkeys(without.split()))
def resident():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    except OSError:
        return 0
modules, memory, began = len(sys.modules), resident(), time.process_time()
exec(statement)
imported, memory_then = time.process_time(), resident()
client = eval(client)
made, memory_at_last = time.process_time(), resident()
loaded = len(sys.modules) - modules
eval(call)
called = time.process_time()
print((imported - began) * 1000, (made - began) * 1000, (called - began) * 1000, (memory_then - memory) / 1024,
      (memory_at_last - memory) / 1024, loaded)
"""
_WITH_FIRST_CALL = "with first call CPU ms"
_COLUMNS = (
    "import CPU ms",
    "with first client CPU ms",
    _WITH_FIRST_CALL,
    "import MB",
    "with first client MB",
    "modules",
)


def measure(options: Options) -> Figures:
    """Medians over fresh interpreters, in random order, all of them with their bytecode ready."""
    rounds = max(5, options.rounds // 3)
    with tempfile.TemporaryDirectory() as bytecode, serve(ANSWERS) as server:
        environment = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
        environment["PYTHONPYCACHEPREFIX"] = bytecode
        taken: dict[str, list[list[float]]] = {
            name: [] for name in _CLIENTS if _installed(name, environment, server.url)
        }
        for _ in range(rounds):
            for name in random.sample(tuple(taken), len(taken)):
                taken[name].append(_probe(name, environment, server.url))
    rows = {name: _medians(name, runs) | _best(runs) for name, runs in taken.items()}
    return Figures("imports", "Import and first client", rows, (f"medians of {rounds} fresh interpreters each",))


def _medians(name: str, runs: list[list[float]]) -> dict[str, float]:
    columns = zip(_COLUMNS, zip(*runs, strict=True), strict=True)
    return {
        column: round(median(values), 1)
        for column, values in columns
        if column != _WITH_FIRST_CALL or name in _FIRST_CALLS
    }


def _best(runs: list[list[float]]) -> dict[str, float]:
    """What other work on the machine disturbs least."""
    return {f"{_COLUMNS[1]}, least": round(min(run[1] for run in runs), 1)}


def _installed(name: str, environment: dict[str, str], url: str) -> bool:
    if name == _WITH_REDIS and find_spec("redis") is None:
        return False
    return subprocess.run(_command(name, url), capture_output=True, env=environment).returncode == 0


def _probe(name: str, environment: dict[str, str], url: str) -> list[float]:
    printed = subprocess.check_output(_command(name, url), text=True, env=environment)
    return [float(number) for number in printed.split()]


def _command(name: str, url: str) -> list[str]:
    without = "tornado" if name == _WITH_REDIS else "redis tornado"
    return [sys.executable, "-c", _PROBE, *_CLIENTS[name], _FIRST_CALLS.get(name, "None"), without, url]
