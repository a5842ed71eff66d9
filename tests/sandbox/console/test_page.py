"""The console in a real browser: what a developer does with it, and that nothing foreign gets in or out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from molam_sdk import ClientConfig, MolamClient
from molam_sdk.sandbox import Sandbox
from tests.support.browser import CHROMIUM, DRIVER, WHY_NONE, browser, until
from tests.support.sandbox_api import Api
from tests.support.sandbox_receiver import Receiver

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=WHY_NONE)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser() as driver:
        yield driver


@pytest.fixture
def page(chromium: Chrome, sandbox: Sandbox) -> Iterator[Chrome]:
    """The console of this test's sandbox; at the end the page must have complained of nothing and asked nobody else."""
    chromium.get_log("performance"), chromium.get_log("browser")
    chromium.get(sandbox.url)
    until(chromium, lambda d: "127.0.0.1" in d.find_element("id", "status").text)
    yield chromium
    complaints = [entry for entry in chromium.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
    assert complaints == []
    assert asked(chromium) <= {urlsplit(sandbox.url).netloc}
    chromium.get("about:blank")


def asked(driver: Chrome) -> set[str]:
    """The hosts that the page sent requests to."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    return {urlsplit(url).netloc for url in urls if not url.startswith(("data:", "about:"))}


def text(driver: Chrome, place: str) -> str:
    return str(driver.find_element("id", place).text)


def see(driver: Chrome, place: str, *words: str) -> None:
    until(driver, lambda d: all(word in text(d, place) for word in words))


def press(driver: Chrome, label: str, place: str = "detail") -> None:
    click(driver, "xpath", f"//*[@id='{place}']//button[normalize-space()='{label}']")


def open_first(driver: Chrome) -> None:
    click(driver, "css selector", "#items li a")


def click(driver: Chrome, by: str, which: str) -> None:
    """Click it as soon as it is there; one that is drawn anew in between is looked for again."""

    def clicked(d: Chrome) -> bool:
        d.find_element(by, which).click()
        return True

    until(driver, clicked)


def go(driver: Chrome, view: str) -> None:
    driver.find_element("css selector", f"#views a[href='#/{view}']").click()


def take_payment(sandbox: Sandbox, **metadata: str) -> str:
    with MolamClient(ClientConfig(api_key=sandbox.api_key, base_url=sandbox.url)) as client:
        order = {"amount": 5000, "currency": "XOF", "capture": True, "metadata": metadata}
        intent = client.create_payment_intent(order)
        return client.confirm_payment_intent(intent.id).id


def test_a_payment_taken_through_the_sdk_appears_by_itself_with_its_life(page: Chrome, sandbox: Sandbox) -> None:
    see(page, "items", "No payments yet", "export MOLAM_BASE_URL", sandbox.api_key)
    take_payment(sandbox, order_id="order-7")
    see(page, "items", "5,000", "succeeded", "order-7")
    open_first(page)
    see(page, "detail", "create_payment_intent", "confirm_payment_intent", "payment.succeeded", "capture")
    press(page, "Refund")
    see(page, "detail", "refund paid", "refund.succeeded")
    assert sandbox.ledger.balanced()
    go(page, "ledger")
    see(page, "items", "Merchant Balance", "balanced", "5,000")


def test_markup_in_metadata_stays_text(page: Chrome, sandbox: Sandbox) -> None:
    markup = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    take_payment(sandbox, order_id=markup)
    see(page, "items", "<img src=x onerror")
    open_first(page)
    see(page, "detail", "<script>document.title='owned'</script>")
    go(page, "requests")
    open_first(page)
    see(page, "detail", "confirm_payment_intent")
    assert "owned" not in page.title


def test_a_fault_is_put_in_force_from_the_page_and_its_attempts_stand_together(page: Chrome, sandbox: Sandbox) -> None:
    go(page, "faults")
    press(page, "Answer lost once", "items")
    see(page, "items", "drop_after_commit", "met 0 of 0")
    assert [rule["kind"] for rule in sandbox.faults.list()] == ["drop_after_commit"]
    take_payment(sandbox, order_id="order-8")
    see(page, "items", "met 1 of")
    go(page, "requests")
    see(page, "items", "drop_after_commit", "replayed", "attempt 1 of 2", "attempt 2 of 2")
    page.find_element("xpath", "//*[@id='items']//a[contains(., 'attempt 1 of 2')]").click()
    see(page, "detail", "2 attempts under", "no answer")


def test_a_fault_is_made_by_form(page: Chrome, sandbox: Sandbox) -> None:
    go(page, "faults")
    form = until(page, lambda d: d.find_element("id", "new-fault"))
    form.find_element("css selector", "select[name=kind] option[value=status]").click()
    form.find_element("name", "status").send_keys("429")
    form.find_element("css selector", "select[name=operation] option[value=create_refund]").click()
    form.find_element("css selector", "button").click()
    see(page, "items", "status 429", "operation create_refund")
    (rule,) = sandbox.faults.list()
    assert (rule["status"], rule["operation"]) == (429, "create_refund")


def test_an_event_is_redelivered_and_a_failed_signature_explained(
    page: Chrome, sandbox: Sandbox, api: Api, receiver: Receiver
) -> None:
    secret = api.subscribe(receiver.url, "payment.succeeded")["secret"]
    receiver.statuses = [400]
    take_payment(sandbox)
    sandbox.webhooks.wait()
    go(page, "deliveries")
    see(page, "items", "payment.succeeded", "failed")
    open_first(page)
    see(page, "detail", "400", "Molam-Signature", "Retry ladder")
    press(page, "Redeliver")
    see(page, "detail", "delivered", "Try 2")
    explain = page.find_element("css selector", "details.explain")
    explain.find_element("tag name", "summary").click()
    for given, told in ((secret + " ", "white space around it"), ("whsec_wrong", "no secret of this endpoint")):
        field = explain.find_element("name", "secret")
        field.clear()
        field.send_keys(given)
        explain.find_element("css selector", "form button").click()
        see(page, "detail", told)
    assert len(receiver.arrivals) == 2


def test_the_clock_is_moved_and_keys_are_made(page: Chrome, sandbox: Sandbox, api: Api) -> None:
    api.pay_out()
    press(page, "+1 h", "status")
    until(page, lambda _: sandbox.clock.offset > 3500)
    go(page, "keys")
    form = until(page, lambda d: d.find_element("id", "new-key"))
    form.find_element("name", "scopes").send_keys("payments:read")
    form.find_element("css selector", "button.primary").click()
    see(page, "items", "sk_test_", "payments:read")
    assert sandbox.keys.list()[-1]["scopes"] == ["payments:read"]


def test_it_is_used_with_the_keyboard_in_the_dark_and_on_a_phone(page: Chrome, sandbox: Sandbox) -> None:
    for n in range(3):
        take_payment(sandbox, order_id=f"order-{n}")
    see(page, "items", "order-0", "order-2")
    body = page.find_element("tag name", "body")
    for key in "jjk":
        body.send_keys(key)
    until(page, lambda d: d.find_elements("css selector", "#items a[aria-current]"))
    before = ground(page)
    body.send_keys("t")
    assert ground(page) != before
    body.send_keys("t")
    body.send_keys("2")
    see(page, "items", "confirm")
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    )
    try:
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390
        open_first(page)
        until(
            page,
            lambda d: d.find_element("id", "detail").is_displayed() and not d.find_element("id", "list").is_displayed(),
        )
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def ground(driver: Chrome) -> str:
    return str(driver.execute_script("return getComputedStyle(document.body).backgroundColor"))


def test_every_control_has_a_name(page: Chrome, sandbox: Sandbox) -> None:
    take_payment(sandbox)
    for view in ("payments", "requests", "deliveries", "ledger", "faults", "keys"):
        go(page, view)
        until(page, lambda d: text(d, "items"))
        nodes = page.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
        assert [role_of(node) for node in nodes if role_of(node) in NAMED and not name_of(node)] == []


NAMED = {"button", "link", "textbox", "searchbox", "combobox", "checkbox", "spinbutton", "region", "navigation"}


def role_of(node: dict[str, Any]) -> str:
    return "" if node.get("ignored") else str(node.get("role", {}).get("value", ""))


def name_of(node: dict[str, Any]) -> str:
    return str(node.get("name", {}).get("value", ""))
