"""Metrics: recalls and events are in them, and whatever callers send makes no series for good."""

from __future__ import annotations

import threading
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from mba_integrations.services.access.principal import LOCAL
from mba_integrations.services.api.errand import Errand
from mba_integrations.services.api.metrics.registry import METHODS
from mba_integrations.services.api.routes.table import ROUTERS
from mba_integrations.services.mcp.tools.caller import Caller
from mba_integrations.services.mcp.tools.recall import RecentRecalls, recall
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.tallies import BOUNDS, Event, Times
from mba_integrations.services.store.errors import StoreBusyError
from mba_integrations.services.store.statements import jobs
from mba_integrations.testing import Clock

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
            for status in (200, 302, 404, 503, None):
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


async def test_a_busy_store_lost_workers_and_times_are_counted(
    http: httpx2.AsyncClient,
    service: MemoryService,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held, go_on = threading.Event(), threading.Event()

    def hold(writing: Any) -> None:
        held.set()
        go_on.wait(10)

    store = service.equipment.store
    blocking = threading.Thread(target=store.write, args=("tom", hold))
    blocking.start()
    held.wait(10)
    with monkeypatch.context() as patch:
        patch.setattr("mba_integrations.services.store.store.PATIENCE_S", 0.0)
        with pytest.raises(StoreBusyError):
            service.remember("kate", "Kate skis.")
    go_on.set()
    blocking.join()

    service.organisation.start("kate")
    claimed = store.write_all(lambda writing: jobs.claim(writing, "a worker that died"))
    assert claimed is not None
    clock.pass_seconds(3_600)
    service.jobs.run()

    lines = series((await http.get("/metrics")).text)
    for line in (
        'mba_store_busy_total{op="write"} 1.0',
        'mba_job_lease_expired_total{kind="organise"} 1.0',
        "mba_erasure_pending 0.0",
    ):
        assert line in lines, line
    [written] = [one for one in lines if one.startswith('mba_store_operation_seconds_count{op="wr')]
    writes = float(written.split()[-1])
    service.remember("kate", "Kate sails.")
    lines = series((await http.get("/metrics")).text)
    assert f'mba_store_operation_seconds_count{{op="write"}} {writes + 1}' in lines
    assert {one.split("op=")[1].split(chr(34))[1] for one in lines if "op=" in one} == {
        *("read", "write")
    }


def test_an_erasure_is_pending_until_its_bytes_are_gone(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending: list[int] = []
    store = service.equipment.store
    scrub = type(store).scrub

    def looked(own: Any, workspace_id: str | None = None) -> str:
        pending.append(sum(service.tallies.of(Event.ERASING).values()))
        return scrub(own, workspace_id)

    monkeypatch.setattr(type(store), "scrub", looked)
    service.remember("kate", "Kate skis.", subject="kate")
    service.erasures.erase("kate", subjects="kate")
    assert (pending, sum(service.tallies.of(Event.ERASING).values())) == ([1], 0)


def test_tokens_of_replies_to_agents_are_counted(service: MemoryService) -> None:
    service.remember("kate", "Kate skis.")
    caller = Caller(principal=LOCAL, workspace_id="kate")
    reply = recall(service, RecentRecalls(), caller, {"query": "What does Kate do?"})
    tokens = sum(service.tallies.of(Event.REPLY_TOKENS).values())
    assert tokens == reply.receipt["used_tokens"] > 0


@pytest.mark.parametrize(
    ("seconds", "place"),
    [
        pytest.param(0.0, 0, id="nothing"),
        pytest.param(0.001, 0, id="at-a-bound"),
        pytest.param(0.0011, 1, id="over-a-bound"),
        pytest.param(5.0, len(BOUNDS), id="over-all"),
    ],
)
def test_a_time_is_counted_in_its_class(seconds: float, place: int) -> None:
    times = Times()
    times.add(seconds)
    assert (times.counts[place], sum(times.counts), times.seconds) == (1, 1, seconds)
