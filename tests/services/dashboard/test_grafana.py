"""The boards for Grafana load, and ask only for metrics and labels that `/metrics` has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

import mba_integrations
from mba_integrations.core.model import MemoryTier, OmissionReason
from mba_integrations.services.memory.organising.plan import OrganisationPlan
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tallies import Event

BOARDS = Path(mba_integrations.__file__).parent / "services" / "dashboard" / "grafana"
NAMES = ["allocation", "gateway", "service"]
OF_PROMETHEUS = {"job", "le"}
_COUNTED = {
    Event.BUSY: ["read"],
    Event.GATEWAY: ["simple", "done"],
    Event.GATEWAY_ROUTE: ["simple", "routed"],
    Event.LAPSED: ["embed"],
    Event.LET_GO: ["forget"],
    Event.MOVE: ["project"],
    Event.POOL: ["hit"],
    Event.SPEND: ["admitted"],
    Event.TOOL: ["recall", "ok"],
}

Labels = dict[str, dict[str, set[str]]]


def board(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((BOARDS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def targets(of: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Title, query and legend of each query of a board."""
    for panel in of["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"], target["legendFormat"]


@pytest.fixture
async def asked(browser: httpx2.AsyncClient, service: MemoryService) -> Labels:
    """Each series of `/metrics` with its labels and their values, once all was counted."""
    service.remember("kate", [f"Kate did thing {number}." for number in range(40)])
    service.recall("kate", "What did Kate do?", budget_tokens=30)
    service.equipment.trail.flush()
    service.organisation.start("kate", OrganisationPlan())
    for event, labels in _COUNTED.items():
        service.tallies.count(event, *labels)
    for kind in ("input", "output", "cached", "memory", "saved"):
        service.tallies.count(Event.GATEWAY_TOKENS, kind)
    for outcome in ("failed", "refused"):
        service.tallies.count(Event.GATEWAY, "simple", outcome)
    await browser.get("/v1/workspaces")
    found: Labels = {}
    for family in text_string_to_metric_families((await browser.get("/metrics")).text):
        for sample in family.samples:
            values = found.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                values.setdefault(label, set()).add(value)
    return found


async def test_queries_name_what_metrics_have(asked: Labels) -> None:
    for title, query, legend in (one for name in NAMES for one in targets(board(name))):
        metrics = re.findall(r"\bmba_\w+", query)
        assert metrics, title
        assert set(metrics) <= asked.keys(), title
        known = set().union(*(asked[metric] for metric in metrics)) | OF_PROMETHEUS
        grouped = {one for by in re.findall(r"by \(([^)]+)\)", query) for one in by.split(", ")}
        assert grouped <= known, title
        assert set(re.findall(r"{{(\w+)}}", legend)) <= grouped, title
        for metric, matchers in re.findall(r"\b(mba_\w+){([^}]+)}", query):
            check_matchers(title, matchers, asked[metric])


def check_matchers(title: str, matchers: str, labels: dict[str, set[str]]) -> None:
    """Each label is there; a value that is asked for as it is, is one that there is."""
    for label, operator, value in re.findall(r'(\w+)(=~|!=|=)"([^"]*)"', matchers):
        if label != "job":
            assert label in labels, (title, label)
        if operator == "=" and label != "status":
            assert value in labels[label], (title, value)


async def test_names_that_are_not_there_would_be_found(asked: Labels) -> None:
    assert "mba_allocations" not in asked  # as the code names the family, without its suffix
    assert asked["mba_tokens_total"] == {
        "tier": {tier.value for tier in MemoryTier},
        "decision": {"available", "used"},
    }
    assert asked["mba_items_dropped_total"]["reason"] == {one.value for one in OmissionReason}


async def test_boards_leave_no_metric_out(asked: Labels) -> None:
    shown = {
        re.sub(r"_(bucket|count|sum)$", "", metric)
        for name in NAMES
        for _, query, _ in targets(board(name))
        for metric in re.findall(r"\bmba_\w+", query)
    }
    assert {re.sub(r"_(bucket|count|sum)$", "", metric) for metric in asked} - shown == set()


def test_there_are_three_boards_that_do_not_replace_each_other() -> None:
    assert sorted(one.stem for one in BOARDS.glob("*.json")) == NAMES
    boards = [board(name) for name in NAMES]
    assert len({one["uid"] for one in boards}) == len({one["title"] for one in boards}) == 3


@pytest.mark.parametrize("name", NAMES)
def test_panels_have_ids_and_places_of_their_own(name: str) -> None:
    panels = board(name)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("name", NAMES)
def test_a_board_asks_the_data_source_that_its_reader_chooses(name: str) -> None:
    found = board(name)
    assert [one["name"] for one in found["templating"]["list"]] == ["datasource", "job"]
    sources = [
        holder["datasource"]["uid"]
        for panel in found["panels"]
        for holder in (panel, *panel["targets"])
    ]
    assert set(sources) == {"${datasource}"}
    assert "id" not in found
