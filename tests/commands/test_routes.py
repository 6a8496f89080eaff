"""`mba routes`: what routes cost, and a threshold for a wanted share; on a file and a server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command_line import mba
from served_commands import answering, use_service

from mba_integrations.core.model import QueryComplexity
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.costs import CallTokens
from mba_integrations.services.spending.routing.choosing import (
    Reason,
    Route,
    level_of_query,
    model_of,
)
from mba_integrations.services.spending.usage.noting import CallUsage, UsageLog
from mba_integrations.testing import Clock, WordCounter

HARD = "Compare both designs, explain why one is slower, and analyze trade-offs step by step."
QUERIES = [HARD, "Why is the sky blue?", "How does a cache work?", "List three fruits.", "Paris?"]
GATEWAY: dict[str, Any] = {
    "models": {"simple": "small", "complex": "large"},
    "unknown": "simple",
    "prices": {"small": {"input": 1, "output": 2}, "large": {"input": 10, "output": 20}},
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryService]:
    path, clock = tmp_path_factory.mktemp("routes") / "memory.db", Clock()
    with MemoryService.open(
        path, token_counter=WordCounter(), background=False, clock=clock
    ) as made:
        made.create_workspace("default", gateway=GATEWAY, logging={"include_text": True})
        made.create_workspace("silent")
        for query in QUERIES:
            made.recall("default", query)
        made.recall("silent", HARD)
        made.create_workspace("later", logging={"include_text": True})
        made.recall("later", HARD)
        clock.pass_seconds(2 * 86_400)
        made.recall("later", HARD)
        _note(made)
        yield made


def _note(service: MemoryService) -> None:
    """Three calls: two that routes sent to the small model, one to the large one."""
    log, settings = UsageLog(service), service.workspaces.config("default").gateway
    tokens = CallTokens(input=100, output=50)
    for model, level in (("small", "simple"), ("small", "simple"), ("large", "complex")):
        route = Route(model=model, level=QueryComplexity(level), reason=Reason.LEVEL)
        log.note("default", settings, CallUsage(route=route, asked="mba/auto", tokens=tokens))
    log.flush()


@pytest.fixture(scope="module")
def url(service: MemoryService) -> Iterator[str]:
    with answering(create_app(service, ServerSettings(token="owner"))) as found:
        yield found


@pytest.fixture(autouse=True)
def same_service(service: MemoryService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_service(monkeypatch, service, tmp_path)
    service.workspaces.change("default", gateway={"strong_points": None})


@pytest.fixture(params=["file", "server"])
def where(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options that name the file or the server."""
    return () if request.param == "file" else ("--url", request.getfixturevalue("url"))


def done(*arguments: str) -> str:
    result = mba("routes", *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def calibrated(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done("calibrate", "--json", *arguments))["calibration"]
    return found


def strong_points(service: MemoryService) -> float | None:
    return service.workspaces.config("default").gateway.strong_points


def test_a_share_becomes_a_threshold_that_is_set_only_where_that_is_asked(
    service: MemoryService, where: tuple[str, ...]
) -> None:
    found = calibrated("--share", "0.4", *where)
    assert (found["queries"], found["share"], found["applied"]) == (5, 0.4, False)
    assert strong_points(service) is None
    assert calibrated("--share", "0.4", "--apply", *where)["applied"]
    assert strong_points(service) == found["strong_points"]
    settings = service.workspaces.config("default").gateway
    assert settings.models[QueryComplexity.SIMPLE] == "small"  # all but the threshold stays
    estimated = service.equipment.allocator.estimate_query_complexity
    sent = [model_of(settings, level_of_query(estimated(one), settings)) for one in QUERIES]
    assert sent.count("large") == 2


def test_queries_may_come_from_a_file(tmp_path: Path, where: tuple[str, ...]) -> None:
    path = tmp_path / "queries.txt"
    path.write_text("\n\n".join(QUERIES[:4]), encoding="utf-8")
    of_log = calibrated("--share", "0.4", *where)
    of_file = calibrated("--share", "0.5", "--queries", str(path), *where)
    assert of_file["queries"] == 4
    assert of_file["strong_points"] == of_log["strong_points"]


def test_a_calibration_is_told_in_words() -> None:
    table = done("calibrate", "--share", "0.4")
    for told in ("5 queries", "wanted for the strong model", "40%", "gateway.strong_points"):
        assert told in table
    assert "no query has so many" in done("calibrate", "--share", "0")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(("--share", "1.5"), "--share must be in [0, 1], got 1.5", id="share"),
        pytest.param(
            ("--share", "0.5", "-w", "silent"), "has no query with its text", id="no-texts"
        ),
        pytest.param(
            ("--share", "0.5", "--window", "-1h"), "must be like 30m, 24h or 7d", id="window"
        ),
        pytest.param(
            ("--share", "0.5", "--window", "1h", "--queries", "x"), "Leave one out", id="both"
        ),
        pytest.param(("--share", "0.5", "--queries", "none.txt"), "none.txt", id="no-file"),
        pytest.param(("--share", "0.5", "-w", "nobody"), "no workspace 'nobody'", id="nobody"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_and_changes_nothing(
    service: MemoryService, where: tuple[str, ...], arguments: tuple[str, ...], says: str
) -> None:
    result = mba("routes", "calibrate", "--apply", *arguments, *where)
    assert (result.exit_code, result.stdout) == (1, "")
    assert says in result.stderr
    assert strong_points(service) is None


def test_queries_from_before_the_window_are_not_looked_at(where: tuple[str, ...]) -> None:
    of_all, of_a_day = (
        calibrated("--share", "1", "-w", "later", *more, *where)
        for more in ((), ("--window", "24h"))
    )
    assert (of_all["queries"], of_a_day["queries"]) == (2, 1)


def test_routes_are_shown_beside_the_strong_model_and_a_coin(where: tuple[str, ...]) -> None:
    told = json.loads(done("show", "--json", *where))
    assert {one["key"]: one["usage"]["requests"] for one in told["groups"]} == {
        "large": 1,
        "small": 2,
    }
    assert told["routes"]["single_cost"] == pytest.approx(3 * 0.002)
    assert told["routes"]["random_share"] == pytest.approx(1 / 3)
    table = done("show", "--by", "level", *where)
    for shown in ("simple", "complex", "$0.0024", "$0.006", "the strong model alone", "33%"):
        assert shown in table
