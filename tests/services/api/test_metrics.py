"""Metrics: recalls and events are in them, and whatever callers send makes no series for good."""

from __future__ import annotations

import httpx2
from fastapi import FastAPI

from mba_integrations.services.api.errand import Errand
from mba_integrations.services.api.metrics.registry import METHODS
from mba_integrations.services.api.routes.table import ROUTERS
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tallies import Event
from mba_integrations.services.store.statements import jobs

MOST_SERIES = 2_000


def series(text: str) -> list[str]:
    """The lines that are one series each."""
    return [line for line in text.splitlines() if not line.startswith("#")]


async def test_all_that_routes_can_answer_stays_below_the_most(
    app: FastAPI, http: httpx2.AsyncClient
) -> None:
    metrics = app.state.ground.metrics
    errand = Errand(request_id="r", phases=dict.fromkeys(("auth", "queue", "work", "junk"), 0.1))
    for route in [*(route for router in ROUTERS for route in router.routes), *app.routes, None]:
        for method in sorted({*METHODS, "VERB", "get"}):
            for status in (101, 200, 302, 404, 503, None):
                metrics.note({"route": route, "method": method}, errand, status)
    text = (await http.get("/metrics")).text
    assert 700 < len(series(text)) < MOST_SERIES
    assert "VERB" not in text
    assert "junk" not in text
    assert "_created" not in text


async def test_names_of_workspaces_paths_and_jobs_make_no_series(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    async def ask(number: int) -> None:
        await http.get(f"/v1/workspaces/w{number}/statistics")
        await http.get(f"/nothing/{number}")
        await http.post("/v1/allocate", json={"query": "x", "settings": {"model": f"m{number}"}})
        service._equipment.store.write(
            "kate", lambda writing: jobs.enqueue(writing, f"j{number}", f"k{number}", {})
        )

    await ask(0)
    first = series((await http.get("/metrics")).text)
    for number in range(1, 8):
        await ask(number)
    later = series((await http.get("/metrics")).text)
    assert len(later) <= len(first) + 14  # the route of /metrics itself came
    assert 'mba_jobs{kind="other",state="queued"} 8.0' in later


async def test_recalls_and_events_are_counted(
    http: httpx2.AsyncClient, service: MemoryService
) -> None:
    service.remember("kate", [f"Kate did thing {number}." for number in range(40)])
    reply = service.recall("kate", "What did Kate do?", budget_tokens=30)
    service.recall("kate", "What did Kate do?", budget_tokens=30)
    service.erasures.erase("kate", memory_ids=[reply.selected[0].item.id])
    service.tallies.count(Event.TOOL, "recall", "ok")
    lines = series((await http.get("/metrics")).text)
    for line in (
        'mba_allocations_total{complexity="simple"} 2.0',
        'mba_recall_phase_seconds_count{phase="choose"} 2.0',
        "mba_budget_utilization_ratio_count 2.0",
        f'mba_tokens_total{{decision="used",tier="long_term"}} {2.0 * reply.used_tokens}',
        f'mba_items_dropped_total{{reason="outranked"}} {2.0 * (40 - len(reply.selected))}',
        'mba_pool_cache_events_total{event="load"} 1.0',
        'mba_pool_cache_events_total{event="hit"} 1.0',
        "mba_erasures_total 1.0",
        'mba_mcp_calls_total{outcome="ok",tool="recall"} 1.0',
    ):
        assert line in lines, line
