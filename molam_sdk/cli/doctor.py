"""`molam doctor`: looks at the set-up the way the client would use it, and says what is wrong."""

import json
import sys
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace

import click

from ..config import ClientConfig
from ..exceptions import ConfigurationError
from .beside import check_journal, check_webhooks
from .called import check_call
from .checks import check_breaker, check_expiry, check_key, check_netrc, check_proxies, check_retries
from .finding import Finding
from .reached import check_network, check_verification
from .told import as_told

_MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def examine(url: str | None = None, *, webhooks: bool = True) -> list[Finding]:
    """Every finding, `url` winning over the environment; one alone where the configuration itself is refused."""
    return [replace(found, text=as_told(found.text)) for found in _found(url, webhooks=webhooks)]


def _found(url: str | None, *, webhooks: bool) -> Iterator[Finding]:
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            config = ClientConfig.from_env(base_url=url) if url else ClientConfig.from_env()
    except ConfigurationError as error:
        yield Finding("config", "fail", error.message)
        return
    yield Finding("config", "ok", config.url)
    yield from (Finding("config", "warn", f"{warning.message}{_advice(warning)}") for warning in caught)
    yield from _of_calls(config)
    for check in (check_netrc, check_journal, *([check_webhooks] if webhooks else []), check_retries, check_breaker):
        yield from check(config)


def _of_calls(config: ClientConfig) -> Iterator[Finding]:
    """Key, way and answer; what comes later is asked only where it can say more."""
    of_key = [*check_key(config), *check_expiry(config), *check_verification(config), *check_proxies(config)]
    yield from of_key
    of_way = check_network(config)
    yield from of_way
    if _all_stand(of_way):
        yield from check_call(config, with_key=_all_stand(of_key))


def _all_stand(findings: list[Finding]) -> bool:
    return all(found.level != "fail" for found in findings)


def _advice(warning: warnings.WarningMessage) -> str:
    return ": correct the name, or unset it" if str(warning.message).startswith("Nothing reads") else ""


@click.command()
@click.option("--url", help="The base URL instead of the one from MOLAM_BASE_URL, MOLAM_ENVIRONMENT or MOLAM_REGION.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per finding.")
@click.option("--strict", is_flag=True, help="Let warnings fail too.")
@click.option("--webhooks/--no-webhooks", default=True, help="Whether this process receives webhooks (by default yes).")
def doctor(url: str | None, as_json: bool, strict: bool, webhooks: bool) -> None:
    """Read the balance with the key, as a client would, and check all that stands around it.

    Configuration, key, proxy, DNS, TLS, clock, journal, webhook secrets, retries and breaker. Settings come from the
    MOLAM_… variables of the environment. Exit code: 0 all is well, 1 something failed (with --strict: or is doubtful).
    """
    findings = examine(url, webhooks=webhooks)
    for finding in findings:
        line = f"{_MARKS[finding.level]}  {finding.name:<10} {finding.text}"
        click.echo(json.dumps(asdict(finding)) if as_json else line)
    bad = ("fail", "warn") if strict else ("fail",)
    sys.exit(1 if any(finding.level in bad for finding in findings) else 0)
