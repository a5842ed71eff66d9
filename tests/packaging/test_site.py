"""The site: every public name and every operation stands on it, it asks nobody else, and it reads well in a browser."""

from __future__ import annotations

import functools
import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import browser as browsers

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytest.importorskip("mkdocstrings", reason="mkdocs is in the dependency group docs: make .venv/dev.stamp")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "ci"))
import public_api  # noqa: E402

OPERATIONS = re.findall(r"(?m)^\| `(\w+)` \|", (ROOT / "docs" / "contract.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` does: a broken link, or a name that is not there, ends it."""
    built = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(built)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return built


def test_every_public_name_is_on_the_site(site: Path) -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in (site / "reference").rglob("*.html"))
    anchors = {name.rpartition(".")[2] for name in re.findall(r'id="(molam_sdk\.[\w.]+)"', text)}
    names = {
        name for _, modules in public_api.PAGES.values() for each in modules for name in public_api.public_names(each)
    }
    assert names - anchors == set()
    assert len(names) > 100


def test_every_operation_is_used_in_a_block_that_runs() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    blocks = [re.findall(r"(?ms)^```python\n(.*?)^```", page.read_text(encoding="utf-8")) for page in pages]
    code = "\n".join(block for found in blocks for block in found)
    assert len(OPERATIONS) >= 19
    assert [name for name in OPERATIONS if not re.search(rf"\.{name}\(", code)] == []


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    fetched = r'<(?:script|img|iframe|source)[^>]*\ssrc="(https?:[^"]+)|<link[^>]*\shref="(https?:[^"]+)'
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    assert {found for page in pages for found in re.findall(fetched, page.read_text(encoding="utf-8"))} == set()


def test_nothing_that_merchants_use_has_gone() -> None:
    held = set(public_api.LISTING.read_text(encoding="utf-8").splitlines())
    gone = held - set(public_api.listing().splitlines())
    assert gone == set(), "merchants use these: deprecate them first (docs/support.md), then: python ci/public_api.py"


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.skipif(not (browsers.CHROMIUM and browsers.DRIVER), reason=browsers.WHY_NONE)
def test_it_is_searched_and_read_on_a_phone_and_complains_of_nothing(site: Path) -> None:
    with _served(site) as url, browsers.browser(390, 844) as driver:
        driver.get(url)
        for page in ("/", "/start/", "/outcomes/", "/reference/clients/", "/settings/"):
            driver.get(url + page)
            assert driver.find_element("css selector", "h1").text
            beyond = driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
            assert beyond <= 0, page
        driver.set_window_size(1400, 900)
        driver.get(url)
        _search(driver, "resolve")
        browsers.until(driver, lambda here: "resolve" in here.find_element("css selector", "article").text.lower())
        assert [line for line in driver.get_log("browser") if line["level"] == "SEVERE"] == []
        assert _hosts_asked(driver) == {url.removeprefix("http://")}


def _search(driver: Chrome, words: str) -> None:
    field = browsers.until(driver, lambda here: here.find_element("css selector", ".md-search__input"))
    field.click()
    field.send_keys(words)
    found = browsers.until(driver, lambda here: here.find_elements("css selector", ".md-search-result__link"))
    driver.execute_script("arguments[0].click()", found[0])


def _hosts_asked(driver: Chrome) -> set[str]:
    told = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    asked = [each["params"]["request"]["url"] for each in told if each["method"] == "Network.requestWillBeSent"]
    return {address.split("/")[2] for address in asked if address.startswith("http")}
