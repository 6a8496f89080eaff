"""`mba top`: one frame of a file or a server, and frames that follow each other."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command_line import done, mba
from memory_commands import database, said
from served_commands import answering

from mba_integrations.commands.printing.output import SafeConsole
from mba_integrations.commands.serving import top
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.api.app import create_app
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.jobs import JobState

__all__ = ["database"]  # a fixture
HOSTILE = "[red]k\u202eate[red]"


@pytest.fixture
def filled(database: Path) -> Path:
    with MemoryService.open(database, background=False) as service:
        for name in ("quiet", HOSTILE):
            service.create_workspace(name)
        service.remember(HOSTILE, ["Kate skis.", "Bread needs salt."])
        for _ in range(5):
            service.recall(HOSTILE, "Kate?", budget_tokens=40)
    return database


def test_a_frame_shows_what_was_asked_in_the_last_hour(filled: Path) -> None:
    quiet, kate = sorted(said("top")["frame"]["workspaces"], key=lambda one: one["recalls"])
    assert (quiet["recalls"], quiet["utilisation"], quiet["omitted"]) == (0, None, {})
    assert (kate["recalls"], kate["recalls_per_minute"]) == (5, 1.0)
    assert kate["memories"]["long_term"] == 2
    assert kate["tokens"]["long_term"] > 0
    assert 0.0 < kate["utilisation"] <= 1.0
    assert kate["p95_ms"] >= kate["p50_ms"] > 0.0
    assert kate["phases"].keys() >= {"choose", "load"}
    assert (kate["stable_tokens"], quiet["saved_tokens"]) == (0, 0)
    one = said("top", "-w", "quiet")["frame"]
    assert ([row["workspace_id"] for row in one["workspaces"]], one["more"]) == (["quiet"], 0)


def test_a_frame_is_printed_with_hostile_names_made_harmless(filled: Path) -> None:
    shown = done("top", "--once")
    assert "[red]k\ufffdate[red]" in "".join(shown.split())
    assert "\u202e" not in shown
    assert "\x1b" not in shown
    assert str(filled) in "".join(shown.split())  # a long path goes on in the next line
    assert done("top").splitlines()[1:] == shown.splitlines()[1:]  # not a terminal: once


def test_a_frame_has_the_figures_of_the_overview(filled: Path) -> None:
    with MemoryService.open(filled, background=False) as service:
        for _ in range(2):
            service.recall(HOSTILE, "Kate?", budget_tokens=2, session_id="s")
        hour = service.statistics(HOSTILE, time_window_hours=1.0)
    (kate,) = said("top", "-w", HOSTILE)["frame"]["workspaces"]
    assert kate["tokens"] == {tier.value: one.used for tier, one in hour.tier_tokens.items()}
    assert kate["stable_tokens"] == hour.stable_prefix_tokens
    assert kate["saved_tokens"] == hour.saved_tokens
    assert kate["omitted"] == dict(hour.omission_counts)
    assert kate["phases"]["load"] == hour.phases["load"].p50_ms


def test_each_figure_stands_below_its_name_on_80_columns(database: Path) -> None:
    one = top.Standing(
        workspace_id="kate",
        memories={MemoryTier.PROJECT: 1_001},
        recalls_per_minute=2.5,
        recalls=13,
        tokens=dict(zip(MemoryTier, (10_001, 20_002, 30_003, 40_004), strict=True)),
        utilisation=0.62,
        p50_ms=3.4,
        p95_ms=105.6,
        phases={"choose": 3.4, "load": 7.8},
        stable_tokens=50_005,
        saved_tokens=6_000_006,
        omitted={"outranked": 77, "duplicate": 8},
        jobs={JobState.QUEUED: 9},
    )
    screen = io.StringIO()
    frame = top.Frame(at=datetime.now(UTC), place="memory.db", workspaces=[one])
    SafeConsole(file=screen, width=80).print(top.drawn(frame))
    lines = screen.getvalue().splitlines()
    expected = {
        **{"memories": "1,001", "recalls/min": "2.5", "used": "62%", "p50 ms": "3.4"},
        **{"p95 ms": "105.6", "jobs": "9 queued", "working": "10,001", "project": "20,002"},
        **{"long_term": "30,003", "rag": "40,004", "stable": "50,005", "saved": "6,000,006"},
        **{"left out": "77 outranked, 8 duplicate", "median ms by phase": "choose 3.4, load 7.8"},
    }
    for name, value in expected.items():
        head = next(place for place, line in enumerate(lines) if f" {name}" in line)
        row = next(line for line in lines[head:] if "kate" in line)
        start, end = (
            lines[head].index(f" {name}") + 1,
            lines[head].index(f" {name}") + len(name) + 1,
        )
        assert row.index(value) == start or row.index(value) + len(value) == end, name


def test_codes_of_a_terminal_in_a_name_do_nothing(database: Path) -> None:
    name = "\x1b[31m\x1b]0;x\x07[bold]kate[/bold]"
    one = top.Standing(
        workspace_id=name,
        memories={},
        recalls_per_minute=0.0,
        recalls=0,
        tokens={},
        utilisation=None,
        p50_ms=None,
        p95_ms=None,
        phases={name: 1.0},
        stable_tokens=0,
        saved_tokens=0,
        omitted={name: 1},
        jobs={},
    )
    screen = io.StringIO()
    frame = top.Frame(at=datetime.now(UTC), place=str(database), workspaces=[one])
    SafeConsole(file=screen, width=200).print(top.drawn(frame))
    shown = screen.getvalue()
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[bold]kate[/bold]" in "".join(shown.split())


def test_many_workspaces_are_counted(filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top, "_MOST_WORKSPACES", 1)
    assert "1 workspaces, and 1 more" in done("top", "--once")


def test_a_server_shows_the_same_as_its_file(filled: Path) -> None:
    here = said("top")["frame"]["workspaces"]
    with (
        MemoryService.open(filled, background=False) as service,
        answering(create_app(service)) as url,
    ):
        service.create_workspace("no/path")
        assert said("top", "--url", url)["frame"]["workspaces"] == here
        found = mba("top", "--once", "-w", "nowhere", "--url", url)
    assert (found.exit_code, "no workspace" in found.stderr) == (1, True)
    assert mba("top", "--once", "--url", "http://127.0.0.1:1").exit_code == 3


def test_frames_follow_each_other_until_ctrl_c_whatever_fails(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(
        top, "results", lambda: SafeConsole(file=screen, force_terminal=True, width=150)
    )
    passed: list[float] = []
    then: list[Callable[[], Any]] = [
        lambda: monkeypatch.setenv("MBA_DB", str(filled)),
        lambda: filled.rename(filled.with_name("away.db")),
    ]

    def sleep(seconds: float) -> None:
        passed.append(seconds)
        if len(passed) > len(then):
            raise KeyboardInterrupt
        then[len(passed) - 1]()

    monkeypatch.setattr("time.sleep", sleep)
    assert mba("top").exit_code == 0
    assert passed == [1.0] * 3
    assert screen.getvalue().count("UTC") >= 2
    assert "there is no database" in screen.getvalue()
