"""Which calls are decided on the event loop, and that nothing is missed by it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest
from desk_calls import (
    CHAT,
    FACTS,
    MEMORY,
    REPLY,
    ask,
    asked,
    fill,
    gateway,
    opened,
)
from scripted_upstreams import plain, scripted_upstream

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.usage import noting
from mba_integrations.services.spending.usage.telling import gateway_usage


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is done in threads: the names of the functions, as they come."""
    done: list[str] = []
    run = anyio.to_thread.run_sync

    async def noted(act: Any, *given: Any, **options: Any) -> Any:
        done.append(getattr(act, "func", act).__name__)
        return await run(act, *given, **options)

    monkeypatch.setattr(anyio.to_thread, "run_sync", noted)
    return done


@pytest.mark.parametrize(
    ("settings", "at", "body", "expected"),
    [
        pytest.param({}, CHAT, asked("Hi."), [], id="as-it-came"),
        pytest.param({}, "/gateway/openai/v1/embeddings", b"{}", [], id="unread"),
        pytest.param(MEMORY, "/gateway/openai/v1/embeddings", b"{}", [], id="unread-with-memory"),
        pytest.param({}, CHAT, asked("Hi. " * 5_000), ["_prepared"], id="large"),
        pytest.param(MEMORY, CHAT, asked("Hi."), ["_prepared", "noted"], id="memory"),
        pytest.param({"remember": True}, CHAT, asked("Hi."), ["noted"], id="remembered"),
        pytest.param(
            {"route": "shadow", "models": {"simple": "s"}},
            *(CHAT, asked("Hi."), ["_prepared", "noted"]),
            id="routed",
        ),
        pytest.param({"request_tokens": 90}, CHAT, asked("Hi."), ["_prepared", "noted"], id="held"),
        pytest.param(
            {"spend": [{"unit": "tokens", "amount": 9_000, "period": "day"}]},
            *(CHAT, asked("Hi."), ["_prepared", "noted"]),
            id="spent",
        ),
    ],
)
async def test_only_what_takes_long_or_needs_the_store_has_a_thread(
    service: MemoryService,
    threads: list[str],
    settings: dict[str, Any],
    at: str,
    body: bytes,
    expected: list[str],
) -> None:
    fill(service, **settings)
    service.workspaces.config("default")
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        threads.clear()
        assert (await ask(url, body, path=at)).status == 200
        await asyncio.sleep(0)
        found = list(threads)
    assert found == expected


async def test_settings_that_another_process_changes_hold_for_the_next_call(
    service: MemoryService, path: Path
) -> None:
    fill(service)
    with opened(path) as other:
        async with scripted_upstream() as upstream, gateway(service, upstream) as url:
            upstream.script = plain(REPLY)
            await ask(url, asked("Where does Kate ski?"))
            other.workspaces.change("default", gateway=MEMORY)
            await ask(url, asked("Where does Kate ski?"))
            assert FACTS["skis"] in upstream.seen[1].body.decode()
            other.workspaces.delete("default")
            assert (await ask(url, asked("Hi."))).status == 404


async def test_calls_that_need_no_thread_are_written_down_too(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "MOST_WAITING", 2)
    fill(service)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        for expected in (0, 2):
            await ask(url, asked("Hi."))
            for _ in range(100):
                await asyncio.sleep(0.01)
                found = gateway_usage(service, "default").figures
                if found.requests == expected:
                    break
            assert found.requests == expected
    assert found.input_tokens == 100
