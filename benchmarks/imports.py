"""What importing costs, and the first client: time, memory and modules, each in a fresh interpreter."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from statistics import median

from .figures import Figures, Options

_WITH_REDIS = "molam, everything on, redis installed"
_CLIENTS = {
    "requests": ("import requests", "requests.Session()"),
    "stripe": ("import stripe", "stripe.StripeClient('sk_test_x').v1.payment_intents"),
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
    "molam, plain client": ("import molam_sdk", "molam_sdk.MolamClient(molam_sdk.ClientConfig(api_key='sk_live_x'))"),
    "molam, everything on": ("import molam_sdk",
                             "molam_sdk.MolamSyncClient(molam_sdk.ClientConfig(api_key='sk_live_x'))"),
}  # fmt: skip
_CLIENTS[_WITH_REDIS] = _CLIENTS["molam, everything on"]

# Under these an editable install is compiled anew every time, and a CA bundle is read before there is a connection.
_MISLEADING = {"PYTHONDONTWRITEBYTECODE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}

# argv: the import, the first client, modules to do without. VmRSS is in kB; only Linux tells it.
# pybreaker imports redis and tornado where they happen to be installed; nobody has them by our doing. Who has redis
# must not pay for it either: that is a row of its own.
_PROBE = """
import sys, time
statement, client, without = sys.argv[1:]
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
print((imported - began) * 1000, (time.process_time() - began) * 1000, (memory_then - memory) / 1024,
      (resident() - memory) / 1024, len(sys.modules) - modules)
"""
_COLUMNS = ("import CPU ms", "with first client CPU ms", "import MB", "with first client MB", "modules")


def measure(options: Options) -> Figures:
    """Medians over fresh interpreters, in random order, all of them with their bytecode ready."""
    rounds = max(5, options.rounds // 3)
    with tempfile.TemporaryDirectory() as bytecode:
        environment = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
        environment["PYTHONPYCACHEPREFIX"] = bytecode
        taken: dict[str, list[list[float]]] = {name: [] for name in _CLIENTS if _installed(name, environment)}
        for _ in range(rounds):
            for name in random.sample(tuple(taken), len(taken)):
                taken[name].append(_probe(name, environment))
    rows = {name: _medians(runs) | _best(runs) for name, runs in taken.items()}
    return Figures("imports", "Import and first client", rows, (f"medians of {rounds} fresh interpreters each",))


def _medians(runs: list[list[float]]) -> dict[str, float]:
    return {column: round(median(values), 1) for column, values in zip(_COLUMNS, zip(*runs, strict=True), strict=True)}


def _best(runs: list[list[float]]) -> dict[str, float]:
    """What other work on the machine disturbs least."""
    return {f"{_COLUMNS[1]}, least": round(min(run[1] for run in runs), 1)}


def _installed(name: str, environment: dict[str, str]) -> bool:
    if name == _WITH_REDIS and find_spec("redis") is None:
        return False
    return subprocess.run(_command(name), capture_output=True, env=environment).returncode == 0


def _probe(name: str, environment: dict[str, str]) -> list[float]:
    return [float(number) for number in subprocess.check_output(_command(name), text=True, env=environment).split()]


def _command(name: str) -> list[str]:
    without = "tornado" if name == _WITH_REDIS else "redis tornado"
    return [sys.executable, "-c", _PROBE, *_CLIENTS[name], without]
