"""Debian's Chromium without a window, for the sandbox's console."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
WHY_NONE = "no chromium and chromedriver: apt-get install --no-install-recommends chromium chromium-driver"
PATIENCE = 30.0


@contextmanager
def browser(width: int = 1440, height: int = 900) -> Iterator[Chrome]:
    """A browser of its own; what it asks for and complains of is in its logs."""
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = CHROMIUM or ""
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")
    for flag in (*flags, f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def until(driver: Chrome, wanted: Callable[[Chrome], Any]) -> Any:
    """What `wanted` finds, as soon as it does; elements that go while it looks are looked for again."""
    from selenium.common.exceptions import StaleElementReferenceException
    from selenium.webdriver.support.ui import WebDriverWait

    patience = WebDriverWait(driver, PATIENCE, 0.05, ignored_exceptions=[StaleElementReferenceException])
    return patience.until(wanted)
