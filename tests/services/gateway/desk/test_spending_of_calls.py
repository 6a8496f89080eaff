"""What calls may spend: reserved before, settled after, refused, shrunk or warned of beyond."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anyio
import pytest
from desk_calls import (
    CHAT,
    FACTS,
    MEMORY,
    REPLY,
    USED,
    ask,
    asked,
    fill,
    gateway,
    said,
)
from gateway_calls import request_of
from scripted_upstreams import events, plain, scripted_upstream

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.budgets.standing import budget_states
from mba_integrations.services.spending.usage.telling import gateway_usage


async def settled(service: MemoryService, spent: int) -> None:
    """Wait until calls that were answered are written down, which nobody else waits for."""
    with anyio.fail_after(30):
        while [one.used for one in budget_states(service, "default")] != [spent]:
            await anyio.sleep(0.005)


async def test_what_is_reserved_is_settled_by_what_the_reply_says(service: MemoryService) -> None:
    fill(service, spend=[{"unit": "tokens", "amount": 130, "period": "day"}])
    body = asked("Hi.", max_tokens=50)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        for spent in (60, 120):
            assert (await ask(url, body)).status == 200
            await settled(service, spent)
        refused = await ask(url, body)
    assert refused.status == 429
    error = json.loads(refused.body)["error"]
    assert error["type"] == "rate_limit_error"
    assert "120 tokens are spent" in error["message"]
    assert 0 < int(said(refused)["retry-after"]) <= 86_400
    assert len(upstream.seen) == 2
    figures = gateway_usage(service, "default").figures
    assert (figures.requests, figures.refused) == (3, 1)
    assert (figures.input_tokens, figures.output_tokens) == (100, 20)


async def test_several_replies_may_spend_as_often(service: MemoryService) -> None:
    fill(service, spend=[{"unit": "tokens", "amount": 400, "period": "day"}])
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answers = [await ask(url, asked("Hi.", max_tokens=90, n=n)) for n in (5, 4)]
    assert [answer.status for answer in answers] == [429, 200]


@pytest.mark.parametrize(
    ("on_exceed", "status", "has_memory", "warned"),
    [
        pytest.param("block", 429, None, None, id="block"),
        pytest.param("shrink", 200, False, None, id="shrink-goes-without-its-memory"),
        pytest.param("warn", 200, True, "1", id="warn-says-so"),
    ],
)
async def test_a_call_beyond_its_budget_is_refused_shrunk_or_warned_of(
    service: MemoryService,
    on_exceed: str,
    status: int,
    has_memory: bool | None,
    warned: str | None,
) -> None:
    budget = {"unit": "tokens", "amount": 80, "period": "day", "on_exceed": on_exceed}
    fill(service, spend=[budget], **MEMORY)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answer = await ask(url, asked("Where does Kate ski?", max_tokens=55))
    assert answer.status == status
    assert said(answer).get("x-mba-budgets-exceeded") == warned
    sent_on = [FACTS["skis"] in seen.body.decode() for seen in upstream.seen]
    assert sent_on == ([] if has_memory is None else [has_memory])


async def test_of_calls_at_once_no_more_are_admitted_than_fit(service: MemoryService) -> None:
    fill(service, spend=[{"unit": "tokens", "amount": 300, "period": "day"}])
    body = asked("Hi.", max_tokens=90)
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY)
        answers = await asyncio.gather(*(ask(url, body) for _ in range(12)))
    admitted = [answer for answer in answers if answer.status == 200]
    assert len(admitted) == len(upstream.seen)
    assert 1 <= len(admitted) <= 5  # each spends 60 in the end


@pytest.mark.parametrize(
    ("status", "spent"),
    [
        pytest.param(b"500 Sorry", 0, id="an-error-costs-nothing"),
        pytest.param(b"200 OK", 60, id="ok"),
    ],
)
async def test_what_a_provider_refuses_is_not_spent(
    service: MemoryService, status: bytes, spent: int
) -> None:
    fill(service, spend=[{"unit": "tokens", "amount": 1_000, "period": "day"}])
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = plain(REPLY, b"HTTP/1.1 %b\r\n" % status)
        await ask(url, asked("Hi.", max_tokens=50))
    figures = gateway_usage(service, "default").figures
    assert figures.input_tokens + figures.output_tokens == spent
    [budget] = budget_states(service, "default")
    assert (budget.used, budget.reserved) == (spent, 0)


async def test_a_client_that_goes_is_charged_for_what_came(service: MemoryService) -> None:
    fill(service, spend=[{"unit": "tokens", "amount": 1_000, "period": "day"}])
    body = asked("Hi.", stream=True, max_tokens=50)

    async def half(seen: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        writer.write(
            b'data: {"choices": [{"index": 0, "delta": {"content": "one two three"}}]}\n\n'
        )
        await writer.drain()
        await asyncio.sleep(60)

    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = half
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request_of(CHAT, body, "Authorization: Bearer sk"))
        await reader.readuntil(b"three")
        writer.close()
        await upstream.until(lambda server: server.left > 0)
    figures = gateway_usage(service, "default").figures
    assert figures.output_tokens == 3
    assert 0 < figures.input_tokens < 20


async def test_usage_that_was_asked_for_here_is_not_shown_to_the_client(
    service: MemoryService,
) -> None:
    fill(service, prices={"large": {"input": 1, "output": 2}})
    word = b'data: {"choices": [{"index": 0, "delta": {"content": "Oslo"}}]}\n\n'
    last = b'data: {"choices": [], %b}\n\n' % USED
    async with scripted_upstream() as upstream, gateway(service, upstream) as url:
        upstream.script = events(word, last, b"data: [DONE]\n\n")
        answer = await ask(url, asked("Hi.", stream=True))
        own = await ask(url, asked("Hi.", stream=True, stream_options={"include_usage": True}))
    assert json.loads(upstream.seen[0].body)["stream_options"] == {"include_usage": True}
    assert answer.body == word + b"data: [DONE]\n\n"
    assert own.body == word + last + b"data: [DONE]\n\n"
    figures = gateway_usage(service, "default").figures
    assert (figures.input_tokens, figures.output_tokens, figures.cost) == (100, 20, 140)
