"""A configuration is checked once, completely, and shows no secret."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from molam_sdk import ClientConfig, ConfigurationError, MolamConfigurationWarning
from molam_sdk.config import ENVIRONMENTS, REGIONS


def test_the_defaults_are_those_of_the_documentation() -> None:
    config = ClientConfig(api_key="sk_live_1")
    assert config.url == "https://api.molam.io"
    assert (config.timeout_connect, config.timeout_read, config.timeout_total) == (1.0, 10.0, 30.0)
    assert (config.max_retries, config.retry_backoff_factor) == (3, 0.3)
    assert (config.default_currency, config.default_locale, config.verify_ssl) == (None, "en", True)


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"environment": "sandbox", "api_key": "sk_test_1"}, ENVIRONMENTS["sandbox"]),
        ({"environment": "staging", "api_key": "sk_test_1"}, ENVIRONMENTS["staging"]),
        ({"base_url": "sandbox", "api_key": "sk_test_1"}, ENVIRONMENTS["sandbox"]),
        ({"region": "eu-west"}, REGIONS["eu-west"]),
        ({"base_url": "https://pay.example/"}, "https://pay.example"),
        ({"base_url": "http://127.0.0.1:8080"}, "http://127.0.0.1:8080"),
        ({"base_url": "http://[::1]:80"}, "http://[::1]:80"),
        ({"base_url": "http://localhost"}, "http://localhost"),
        ({"base_url": ENVIRONMENTS["production"], "environment": "production"}, ENVIRONMENTS["production"]),
    ],
)
def test_where_calls_go(settings: dict[str, Any], url: str) -> None:
    assert ClientConfig(**({"api_key": "jwt_1"} | settings)).url == url


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"base_url": ""}, "base_url is empty"),
        ({"base_url": "  "}, "base_url is empty"),
        ({"base_url": "http://api.molam.io"}, "must be https"),
        ({"base_url": "http://127.0.0.1.evil.example"}, "must be https"),
        ({"base_url": "ftp://x"}, "must be an https URL"),
        ({"base_url": "https://"}, "must be an https URL"),
        ({"base_url": "https://x:port"}, "not a URL"),
        ({"base_url": "https://user:pw@x"}, "credentials"),
        ({"base_url": "https://x?a=b"}, "query"),
        ({"base_url": "https://x y"}, "must be an https URL"),
        ({"environment": "moon"}, "Unknown environment"),
        ({"environment": "sandbox", "base_url": "https://x"}, "not both"),
        ({"region": "moon"}, "Unknown region"),
        ({"api_key": "pk_1"}, "must begin with"),
        ({"api_key": ""}, "must begin with"),
        ({"api_key": "sk_1\r\nX: y"}, "printable ASCII"),
        ({"api_key": 7}, "must begin with"),
        ({"api_key": "sk_live_ab cd"}, "api_key must not hold a blank"),
        ({"api_key": "sk_live_1 sk_live_2"}, "api_key must not hold a blank"),
        ({"api_key": b"sk_live_1"}, "not bytes: decode it"),
        ({"api_key": bytearray(b"sk_live_1")}, "not bytes: decode it"),
        ({"timeout_total": 0}, "timeout_total must be a positive number"),
        ({"timeout_connect": -1}, "timeout_connect must be a positive number"),
        ({"timeout_read": "10"}, "timeout_read must be a number"),
        ({"timeout_read": True}, "timeout_read must be a number"),
        ({"timeout_read": float("nan")}, "timeout_read"),
        ({"timeout_read": float("inf")}, "timeout_read"),
        ({"timeout_total": 10**400}, "timeout_total must be a positive number up to 1e"),
        ({"timeout_connect": 10**5000}, "timeout_connect must be a positive number up to 1e"),
        ({"retry_backoff_max": 10**400}, "retry_backoff_max must be a positive number up to 1e"),
        ({"max_retries": -1}, "max_retries"),
        ({"pool_size": 0}, "pool_size"),
        ({"default_currency": "ZZZ"}, "default_currency"),
        ({"default_locale": "en\n"}, "default_locale"),
        ({"ca_bundle": "/no/such/file.pem"}, "ca_bundle: no such file"),
        ({"mtls_cert": "/no/such/file.pem"}, "mtls_cert: no such file"),
        ({"mtls_key": __file__}, "mtls_key without mtls_cert"),
        ({"bulkheads": {"payouts": 0}}, "bulkheads"),
        ({"verify_ssl": False, "api_key": "sk_live_1"}, "verify_ssl=False with a live key"),
        ({"verify_ssl": False, "api_key": "jwt_1"}, "verify_ssl=False with a live key"),
        ({"verify_ssl": False, "api_key": "sk_1"}, "verify_ssl=False with a live key"),
        ({"verify_ssl": "no"}, "verify_ssl must be True or False, not a value of type str"),
        ({"debug": 1}, "debug must be True or False"),
        ({"base_url": 7}, "base_url must be a text, not a value of type int"),
        ({"region": ["eu-west"]}, "region must be a text"),
        ({"region": "eu-wset"}, "Unknown region: did you mean 'eu-west'"),
        ({"proxy": 7}, "proxy must be a text"),
        ({"proxy": "sk_live_1"}, "proxy must be a URL"),
        ({"default_currency": 7}, "default_currency must be a text"),
        ({"default_locale": 7}, "default_locale must be printable"),
        ({"ca_bundle": 7}, "ca_bundle must be the path of a file, not a value of type int"),
        ({"ca_bundle": b"/x"}, "ca_bundle must be the path of a file, not a value of type bytes"),
        ({"mtls_key": "-----BEGIN KEY-----\n" * 500}, "mtls_key: no such file: give the path of a file"),
        ({"mtls_cert": "a\0b"}, "mtls_cert: no such file"),
        ({"bulkheads": 7}, "bulkheads must map groups to limits"),
        ({"bulkheads": {"payouts": True}}, "must be a whole number from 1, not True"),
    ],
)
def test_what_is_wrong_is_named(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        ClientConfig(**({"api_key": "sk_live_1"} | settings))


@pytest.mark.parametrize("settings", [{"api_key": "secret-key-without-prefix"}, {"proxy": "socks://user:hunter2@x"}])
def test_no_error_repeats_a_secret(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ClientConfig(**({"api_key": "sk_live_1"} | settings))
    assert "hunter2" not in str(caught.value)
    assert "secret-key" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"api_key": None}, "No api_key"),
        ({"api_key": "sk_test_1"}, "test key .* production"),
        ({"api_key": "sk_test_1", "region": "us-east"}, "test key"),
        ({"api_key": "sk_live_1", "environment": "sandbox"}, "live key .* test URL"),
    ],
)
def test_what_is_probably_not_meant_is_warned_of_once_where_it_was_written(settings: dict[str, Any], says: str) -> None:
    with pytest.warns(MolamConfigurationWarning, match=says) as caught:
        ClientConfig(**settings)
    assert [Path(warning.filename) for warning in caught] == [Path(__file__)]


def test_a_right_configuration_warns_of_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ClientConfig(api_key="sk_test_1", environment="sandbox")
        ClientConfig(api_key=lambda: "sk_live_1")


def test_the_repr_shows_no_secret() -> None:
    shown = repr(ClientConfig(api_key="sk_live_topsecret", proxy="http://user:hunter2@proxy:3128"))
    assert "topsecret" not in shown
    assert "hunter2" not in shown
    assert "https://api.molam.io" in shown


def test_the_environment_is_read_by_field_name_and_arguments_win() -> None:
    environ = {
        "MOLAM_API_KEY": "sk_test_1",
        "MOLAM_ENVIRONMENT": "sandbox",
        "MOLAM_TIMEOUT_TOTAL": "12.5",
        "MOLAM_MAX_RETRIES": "5",
        "MOLAM_DEBUG": "yes",
        "MOLAM_REGION": "",
    }
    config = ClientConfig.from_env(environ, max_retries=1)
    assert (config.api_key, config.url) == ("sk_test_1", ENVIRONMENTS["sandbox"])
    assert (config.timeout_total, config.max_retries, config.debug, config.region) == (12.5, 1, True, None)


@pytest.mark.parametrize(
    ("name", "text"),
    [("MOLAM_TIMEOUT_TOTAL", "soon"), ("MOLAM_DEBUG", "maybe"), ("MOLAM_MAX_RETRIES", "1.5")],
)
def test_a_variable_that_is_no_number_is_named(name: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        ClientConfig.from_env({"MOLAM_API_KEY": "sk_live_1", name: text})


def test_a_changed_configuration_is_a_new_one_and_shows_what_counts_now() -> None:
    old = ClientConfig(api_key="sk_test_1", environment="sandbox", timeout_total=5)
    new = old.changed(api_key="sk_test_2", base_url=REGIONS["eu-west"], environment=None, region="eu-west")
    assert (new.api_key, new.url, new.region, new.timeout_total) == ("sk_test_2", REGIONS["eu-west"], "eu-west", 5)
    assert (old.api_key, old.url, old.region) == ("sk_test_1", ENVIRONMENTS["sandbox"], None)
    with pytest.raises(ConfigurationError, match="must begin with"):
        old.changed(api_key="nonsense")


def test_the_process_environment_counts_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOLAM_API_KEY", "sk_live_from_env")
    monkeypatch.delenv("MOLAM_BASE_URL", raising=False)
    assert ClientConfig.from_env().api_key == "sk_live_from_env"


def test_a_path_of_a_file_may_be_a_path(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.touch()
    assert ClientConfig(api_key="sk_live_1", ca_bundle=bundle).ca_bundle == str(bundle)  # type: ignore[arg-type]


def test_limits_are_read_from_the_environment() -> None:
    config = ClientConfig.from_env({"MOLAM_API_KEY": "sk_live_1", "MOLAM_BULKHEADS": "payouts=8, refunds = 4,"})
    assert config.bulkheads == {"payouts": 8, "refunds": 4}
    for text in ("payouts", "payouts=many", "=", "8", "payouts=-1", "payouts=" + "9" * 30):
        with pytest.raises(ConfigurationError, match=r"MOLAM_BULKHEADS must name groups and limits, such as payouts=8"):
            ClientConfig.from_env({"MOLAM_API_KEY": "sk_live_1", "MOLAM_BULKHEADS": text})


@pytest.mark.parametrize(
    ("environ", "arguments", "url"),
    [
        ({"MOLAM_ENVIRONMENT": "sandbox"}, {"base_url": "https://x.example"}, "https://x.example"),
        ({"MOLAM_REGION": "eu-west"}, {"base_url": "https://x.example"}, "https://x.example"),
        ({"MOLAM_BASE_URL": "https://x.example"}, {"environment": "sandbox"}, ENVIRONMENTS["sandbox"]),
        ({"MOLAM_BASE_URL": "https://x.example"}, {"region": "eu-west"}, REGIONS["eu-west"]),
        ({"MOLAM_REGION": "us-east"}, {"region": "eu-west"}, REGIONS["eu-west"]),
        ({"MOLAM_ENVIRONMENT": "sandbox"}, {"base_url": None}, ENVIRONMENTS["sandbox"]),
        ({"MOLAM_ENVIRONMENT": "sandbox"}, {"region": "eu-west"}, ENVIRONMENTS["sandbox"]),
        ({"MOLAM_BASE_URL": "nonsense"}, {"base_url": "https://x.example"}, "https://x.example"),
    ],
)
def test_an_argument_that_says_where_calls_go_wins_over_every_variable(
    environ: dict[str, str], arguments: dict[str, Any], url: str
) -> None:
    assert ClientConfig.from_env({"MOLAM_API_KEY": "jwt_1"} | environ, **arguments).url == url


def test_a_variable_that_nothing_reads_is_named_with_the_one_that_was_meant() -> None:
    environ = {"MOLAM_API_KEY": "sk_live_1", "MOLAM_TIMEOUT": "sk_live_2", "MOLAM_ZZ": "1"}
    with pytest.warns(MolamConfigurationWarning) as caught:
        ClientConfig.from_env(environ)
    (warning,) = caught
    text = "Nothing reads MOLAM_TIMEOUT (did you mean MOLAM_TIMEOUT_READ?), MOLAM_ZZ"
    assert str(warning.message) in (text, text.replace("READ", "TOTAL"))
    assert warning.filename == __file__


@pytest.mark.parametrize(
    "name",
    ["MOLAM_WEBHOOK_SECRET_V1", "MOLAM_WEBHOOK_SECRET_V1_FILE", "MOLAM_SANDBOX_URL",
     "MOLAM_SERVICE_HOST", "MOLAM_SERVICE_PORT_HTTPS", "MOLAM_PORT", "MOLAM_PORT_443_TCP_ADDR",
     "MOLAM_API_SERVICE_HOST"],
)  # fmt: skip
def test_variables_of_others_are_nobodys_mistake(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ClientConfig.from_env({"MOLAM_API_KEY": "sk_live_1", name: "x"})


def test_equal_configurations_have_one_hash() -> None:
    one, other = (ClientConfig(api_key="sk_live_1", bulkheads={"payouts": 1, "refunds": 2}) for _ in range(2))
    assert hash(one) == hash(other)
    assert len({one, other, ClientConfig(api_key="sk_live_2")}) == 2


def test_a_limit_that_is_changed_afterwards_is_not_in_force() -> None:
    limits = {"payouts": 1}
    config = ClientConfig(api_key="sk_live_1", bulkheads=limits)
    limits["payouts"] = 99
    assert config.bulkheads == {"payouts": 1}
