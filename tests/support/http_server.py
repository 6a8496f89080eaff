"""Callers of the server's app in the same process, without a socket."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from mba_integrations.services.memory.service import MemoryService

BASE_URL = "http://localhost:8377"
KATE = "/v1/workspaces/kate"
MakeKey = Callable[..., dict[str, str]]


def caller(app: FastAPI, **options: Any) -> httpx2.AsyncClient:
    """Somebody who calls the app."""
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url=BASE_URL, **options)


def key_of(service: MemoryService, name: str = "app", **options: Any) -> dict[str, str]:
    """Headers with a new key."""
    return {"X-API-Key": service.keys.create(name, **options).key}


def problem_in(reply: httpx2.Response) -> tuple[int, str]:
    """Status and kind of a problem, as both its parts say it."""
    assert reply.headers["content-type"] == "application/problem+json"
    written = reply.json()
    assert written["status"] == reply.status_code
    return reply.status_code, written["type"].rsplit(":", 1)[1]


async def remember(http: httpx2.AsyncClient, *memories: Any, **more: Any) -> list[str]:
    """Remember memories in the workspace of Kate; their ids."""
    reply = await http.post(f"{KATE}/memories", json={"memories": list(memories), **more})
    assert reply.status_code == 200, reply.text
    return [one["id"] for one in reply.json()["results"]]


async def ask(http: httpx2.AsyncClient, query: str = "Where does Kate live?", **more: Any) -> Any:
    """The reply to a recall in the workspace of Kate."""
    reply = await http.post(f"{KATE}/recall", json={"query": query, **more})
    assert reply.status_code == 200, reply.text
    return reply.json()


def held_search(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> tuple[threading.Event, threading.Event, list[str]]:
    """Searches of a service begin and wait: that one began, what lets it go on, what was asked."""
    begun, go_on = threading.Event(), threading.Event()
    asked: list[str] = []
    search = service.search

    def slow(*given: Any, **named: Any) -> Any:
        asked.append(given[1])
        begun.set()
        go_on.wait(10)
        return search(*given, **named)

    monkeypatch.setattr(service, "search", slow)
    return begun, go_on, asked
