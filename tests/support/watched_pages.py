"""Pages of a browser, watched for what must not happen while a test clicks about.

What counts as a fault: an error in the console, which a refusal of the content security policy is
too, an exception that nothing catches, and a request to any other host than the server's.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from repository import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, Request, ViewportSize

Theme = Literal["light", "dark"]
PATIENCE_MS = 15_000
"""How long a page is waited for; a machine that does much else is slow."""
AXE = ROOT / "tests" / "vendor" / "axe-core"
_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
_ARGUMENTS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def chromium_path() -> str | None:
    """Where chromium is; None for nowhere."""
    named = os.environ.get("PLAYWRIGHT_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass(frozen=True)
class Chromium:
    """A browser without a window.

    Attributes:
        browser: It.
        loop: What drives it. It counts as running between the calls of playwright's synchronous
            pages, and then no test that awaits something could start.
    """

    browser: Browser
    loop: asyncio.AbstractEventLoop

    @classmethod
    @contextmanager
    def started(cls, path: str) -> Iterator[Chromium]:
        """The browser from a path, until the block ends."""
        from playwright.sync_api import sync_playwright

        as_root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=path, args=[*_ARGUMENTS, *as_root], chromium_sandbox=not as_root
            )
            started = cls(browser, asyncio.get_running_loop())
            asyncio._set_running_loop(None)
            yield started
            asyncio._set_running_loop(started.loop)
            browser.close()

    @contextmanager
    def in_use(self) -> Iterator[Browser]:
        """Its loop runs for the block, and only then."""
        asyncio._set_running_loop(self.loop)
        try:
            yield self.browser
        finally:
            asyncio._set_running_loop(None)


@dataclass
class Watched:
    """A page, and what went wrong in it.

    Attributes:
        page: It.
        host: Host and port that it may ask.
        faults: What went wrong.
        expected: Parts of texts of faults that the test wants, such as `401 (Unauthorized)`.
    """

    page: Page
    host: str
    faults: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    @classmethod
    def opened(cls, browser: Browser, host: str, *, width: int, theme: Theme) -> Watched:
        """A page of a browser without cookies, with nothing in it yet."""
        size: ViewportSize = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, color_scheme=theme, reduced_motion="reduce")
        context.set_default_timeout(PATIENCE_MS)
        return cls(context.new_page(), host)

    def __post_init__(self) -> None:
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.faults.append(f"not caught: {error}"))
        self.page.on("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text}")

    def _on_request(self, request: Request) -> None:
        asked = urlsplit(request.url)
        if asked.scheme in ("http", "https", "ws", "wss") and asked.netloc != self.host:
            self.faults.append(f"asked another host: {request.url}")

    @property
    def unexpected(self) -> list[str]:
        """Faults that the test does not want."""
        return [one for one in self.faults if not any(text in one for text in self.expected)]


@cache
def _axe() -> str:
    manifest = json.loads((AXE / "manifest.json").read_text(encoding="utf-8"))
    content = (AXE / "axe.min.js").read_bytes()
    assert hashlib.sha256(content).hexdigest() == manifest["sha256"]["axe.min.js"]
    return content.decode("utf-8")


def serious_faults(page: Page, *, rules: tuple[str, ...] = ()) -> list[str]:
    """What axe-core finds in a page that keeps people out of it: rule, how bad, where.

    Args:
        page: Which page.
        rules: Only these rules; all of WCAG 2.2 AA and of good practice by default.
    """
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(_axe())
    options = _RULES if not rules else {**_RULES, "runOnly": {"type": "rule", "values": rules}}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:160]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


def assert_no_serious_faults(page: Page, *, rules: tuple[str, ...] = ()) -> None:
    """Raises `AssertionError` with what axe-core finds."""
    faults = serious_faults(page, rules=rules)
    assert not faults, "\n".join(faults)


def sideways_scroll(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    wide: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide
