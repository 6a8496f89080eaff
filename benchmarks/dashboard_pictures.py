"""Pictures of the dashboard over this repository's own documents, code and history.

    python -m benchmarks.dashboard_pictures

writes `docs/pictures/dashboard-*.png`: a day of recalls is made, the dashboard is served, and a
browser goes from page to page. It needs chromium and the dependency group `test`.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING
from urllib.parse import quote

from PIL import Image

from benchmarks.dashboard_made import MadeClock
from benchmarks.dashboard_server import serving
from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.commands.demo_sources import demo_memories
from mba_integrations.services import MemoryService

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

ROOT = Path(__file__).parent.parent
WORKSPACE = "repository"
RECALLS = 160
_MOST_CODE = 900
"""Pieces of code, so that the made day takes a minute."""
_BUDGETS = (400, 800, 1_200, 2_000)
_COLOURS = 128
"""Of a picture, which makes it a third as large."""
_QUESTIONS = (
    "How is the token budget kept?",
    "What does the packing algorithm guarantee?",
    "Which tier borrows tokens from another?",
    "How does the gateway count spending, and what is a shadow route?",
    "Why was a memory left out of the prompt?",
    "Explain in detail how erasures are applied again after a restore, step by step, and why an "
    "import cannot bring back what was erased.",
    "How do sessions keep the beginning of the prompt?",
    "What is token_price?",
    "Compare SQLite and Postgres for many writers and say which locks each one takes.",
)


def memories(until: float) -> list[MemoryItem]:
    """Those of this repository, none made later than *until* days ago."""
    latest = datetime.now(UTC) - timedelta(days=until)
    found = demo_memories(ROOT, now=latest).items
    code = [item for item in found if item.tier is MemoryTier.RAG][:_MOST_CODE]
    rest = [item for item in found if item.tier is not MemoryTier.RAG]
    return [
        replace(item, created_at=min(item.created_at or latest, latest)) for item in [*rest, *code]
    ]


@contextmanager
def served(path: Path) -> Iterator[str]:
    """A day of recalls, served; gives where."""
    clock, draw, present = MadeClock(), random.Random(3), datetime.now(UTC)
    with MemoryService.open(path, background=False, clock=clock) as service:
        clock.now = present - timedelta(days=1)
        service.create_workspace(
            WORKSPACE, template="conversation", logging={"include_text": True}, stability=0.5
        )
        items = memories(1.0)
        for first in range(0, len(items), 1_000):
            service.remember(WORKSPACE, items[first : first + 1_000])
        for minutes in sorted(draw.uniform(2, 1_380) for _ in range(RECALLS))[::-1]:
            clock.now = present - timedelta(minutes=minutes)
            service.recall(
                WORKSPACE,
                draw.choice(_QUESTIONS),
                budget_tokens=draw.choice(_BUDGETS),
                session_id=draw.choice(("plan", "review", None)),
            )
        clock.now = None
        with serving(service) as url:
            yield url


def save(page: Page, name: str, folder: Path) -> None:
    """A picture of what the window shows, with few colours."""
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    path = folder / f"dashboard-{name}.png"
    taken.quantize(_COLOURS).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size // 1024} kB")


def take(page: Page, url: str, folder: Path) -> None:
    """Go through the views."""
    place = f"{url}/dashboard/#/w/{quote(WORKSPACE)}"
    page.goto(f"{place}/overview")
    page.locator(".bars .tier").first.wait_for(timeout=120_000)  # the tiers were tried
    save(page, "overview", folder)
    page.goto(f"{place}/prompts")
    page.locator(".table tbody tr").first.wait_for()
    save(page, "prompts", folder)
    page.get_by_role("link", name="Explain in detail").first.click()
    page.locator(".item").first.wait_for(timeout=60_000)
    slider = page.get_by_label("Budget")
    slider.focus()
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    page.locator(".moves li").first.wait_for(timeout=120_000)
    save(page, "prompt", folder)
    page.get_by_role("button", name="Beside the one before").click()
    page.locator(".beside").wait_for(timeout=60_000)
    save(page, "beside", folder)


def main() -> None:
    """Make the pictures."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as made,
        served(Path(made) / "memory.db") as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=which("chromium"), args=["--no-sandbox"]
        )
        size: ViewportSize = {"width": 1_280, "height": 860}
        take(browser.new_page(viewport=size, color_scheme="light", locale="en-GB"), url, folder)
        dark = browser.new_page(viewport=size, color_scheme="dark", locale="en-GB")
        dark.goto(f"{url}/dashboard/#/w/{quote(WORKSPACE)}/overview")
        dark.locator(".bars .tier").first.wait_for(timeout=120_000)
        save(dark, "overview-dark", folder)
        browser.close()


if __name__ == "__main__":
    main()
