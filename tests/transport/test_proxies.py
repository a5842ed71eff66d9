"""Which proxy a call goes through, and when there is none."""

from __future__ import annotations

import pytest

from molam_sdk import ClientConfig, ConfigurationError
from molam_sdk._transport.proxies import ProxySettings

PROXY = "http://proxy.test:3128"


@pytest.fixture
def environment(no_environment: None, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    return monkeypatch


@pytest.mark.parametrize(
    ("no_proxy", "url", "through"),
    [
        ("", "https://api.molam.io", True),
        ("molam.io", "https://api.molam.io", False),
        ("*", "https://api.molam.io", False),
        ("10.0.0.0/8", "https://10.1.2.3", False),
        ("10.0.0.0/8", "https://11.1.2.3", True),
        ("example.test, 10.1.0.0/16", "https://10.1.2.3:8443", False),
        ("192.168.0.0/16,10.0.0.0/8", "https://10.1.2.3", False),
        ("10.1.2.3", "https://10.1.2.3", False),
        ("10.1.2.3/8", "https://10.9.9.9", False),
        ("fd00::/8", "https://[fd00::1]", False),
        ("fd00::/8", "https://10.1.2.3", True),
        ("[fd00::1]", "https://[fd00::1]:8443", False),
        ("10.0.0.0/99,nonsense/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://api.molam.io", True),
    ],
)
def test_no_proxy_names_hosts_and_networks(
    no_proxy: str, url: str, through: bool, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("NO_PROXY", no_proxy)
    found = ProxySettings(ClientConfig(api_key="sk_live_1")).proxy_for(url)
    assert found == (PROXY if through else None)


def test_clear_text_goes_through_no_proxy_of_another_machine(no_environment: None) -> None:
    with pytest.raises(ConfigurationError, match="the key would be sent in clear"):
        ProxySettings(ClientConfig(api_key="sk_live_1", base_url="http://localhost:1", proxy=PROXY))


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"])
def test_a_proxy_on_this_machine_may_see_what_goes_to_this_machine(proxy: str, no_environment: None) -> None:
    config = ClientConfig(api_key="sk_live_1", base_url="http://localhost:1", proxy=proxy)
    assert ProxySettings(config).proxy_for(config.url) == proxy


def test_a_given_proxy_counts_for_https_wherever_it_stands(environment: pytest.MonkeyPatch) -> None:
    config = ClientConfig(api_key="sk_live_1", proxy="http://other.test:1")
    assert ProxySettings(config).proxy_for(config.url) == "http://other.test:1"
