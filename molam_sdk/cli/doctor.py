"""`molam doctor`: looks at the set-up the way the client would use it, and says what is wrong."""

import json
import sys
import warnings
from dataclasses import asdict

import click

from ..config import ClientConfig
from ..exceptions import ConfigurationError
from .checks import CHECKS, Finding

_MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def examine(url: str | None = None) -> list[Finding]:
    """Every finding, `url` winning over the environment; one alone where the configuration itself is refused."""
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            config = ClientConfig.from_env(base_url=url) if url else ClientConfig.from_env()
    except ConfigurationError as error:
        return [Finding("config", "fail", str(error))]
    warned = [Finding("config", "warn", str(warning.message)) for warning in caught]
    return [Finding("config", "ok", config.url), *warned, *(found for check in CHECKS for found in check(config))]


@click.command()
@click.option("--url", help="The base URL instead of the one from MOLAM_BASE_URL, MOLAM_ENVIRONMENT or MOLAM_REGION.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per finding.")
@click.option("--strict", is_flag=True, help="Let warnings fail too.")
def doctor(url: str | None, as_json: bool, strict: bool) -> None:
    """Check configuration, key, proxy, DNS, TLS, clock, retries and breaker.

    Settings come from the MOLAM_… variables of the environment. Exit code: 0 all is well, 1 something failed.
    """
    findings = examine(url)
    for finding in findings:
        line = f"{_MARKS[finding.level]}  {finding.name:<10} {finding.text}"
        click.echo(json.dumps(asdict(finding)) if as_json else line)
    bad = ("fail", "warn") if strict else ("fail",)
    sys.exit(1 if any(finding.level in bad for finding in findings) else 0)
