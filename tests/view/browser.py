"""A browser for tests: chromium driven by selenium; skips with the reason without them.

Enters: a file, a width, light or dark.  Leaves: `Page`: what the page shows, and its buttons and
keys.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_LONGEST = 30.0  # seconds; a page is slow on a busy machine, not broken


def driver(width: int, dark: bool = False, height: int = 1000) -> Any:
    """A browser of a width that can only open files."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    control = shutil.which("chromedriver")
    if chromium is None or control is None:
        pytest.skip("chromium and chromium-driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--disable-background-networking",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=control)
    browser = webdriver.Chrome(options=options, service=service)
    # A window has a least width; what the page sees is set here.
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
    return browser


class Page:
    """An open page. At its end nothing may stand in the console, nor stick out to the right.

    `opens`: a script opens it, and says so.
    """

    def __init__(self, path: Path, width: int, dark: bool = False, opens: bool = True) -> None:
        self._width, self._opens = width, opens
        self._browser = driver(width, dark)
        self._browser.get(path.as_uri())

    def __enter__(self) -> Page:
        if self._opens:
            self.wait(self._is_open)
        return self

    def _is_open(self) -> bool:
        return bool(self.script("return document.body.dataset.opened"))

    def wait(self, done: Callable[[], bool]) -> None:
        """Until it is done, or has taken too long: what is asked next says so."""
        end = time.monotonic() + _LONGEST
        while not done() and time.monotonic() < end:
            time.sleep(0.05)

    def enter_frame(self) -> None:
        """From here on what is asked is asked of the page in the first frame."""
        self._browser.switch_to.frame(0)
        self.wait(self._is_open)

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            said = self._browser.get_log("browser")
            wide = self.script("return document.documentElement.scrollWidth")
        finally:
            self._browser.quit()
        assert said == []
        if kind is None:
            assert wide <= self._width

    def script(self, text: str, *arguments: Any) -> Any:
        return self._browser.execute_script(text, *arguments)

    def text(self, name: str) -> str:
        """What the element of an id shows; empty where it is not there."""
        found = self.script("return document.getElementById(arguments[0])?.textContent", name)
        return str(found or "")

    def texts(self, selector: str) -> list[str]:
        """What each element shows, its parts apart."""
        script = """return [...document.querySelectorAll(arguments[0])].map((element) =>
            [...element.childNodes].map((part) => part.textContent).join(" ").trim())"""
        return [str(text) for text in self.script(script, selector)]

    def press(self, selector: str) -> None:
        """A click of the mouse where the element is."""
        from selenium.webdriver.common.by import By

        self._browser.find_element(By.CSS_SELECTOR, selector).click()

    def key(self, name: str) -> None:
        """A key of the keyboard: a letter, or a name that selenium knows."""
        from selenium.webdriver.common.action_chains import ActionChains
        from selenium.webdriver.common.keys import Keys

        key = getattr(Keys, name) if len(name) > 1 else name
        ActionChains(self._browser).send_keys(key).perform()

    def write(self, selector: str, text: str) -> None:
        """Into a field, and Enter."""
        from selenium.webdriver.common.by import By
        from selenium.webdriver.common.keys import Keys

        field = self._browser.find_element(By.CSS_SELECTOR, selector)
        field.clear()
        field.send_keys(text, Keys.ENTER)
        self.script("arguments[0].blur()", field)
