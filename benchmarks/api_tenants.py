"""Does any key ever see a byte of another tenant, over REST, MCP, exports and events?

    python -m benchmarks.api_tenants --operations 100000

Five keys, each with a workspace of its own in one file, call one server. Every text, tag, source,
person, reason and session names its owner, while ids of memories and documents are drawn from the
same few and keys of requests are the same for all; ids of allocations, jobs and pages are taken
from whatever any of them was told. Two calls of five go to a workspace of another. Whatever comes
back, headers too, is searched for the names of the others, and a foreign workspace must be a 404.
Exits with 1 if a foreign byte came back, a foreign call was no 404, or an own name was never seen.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.api_live import serving
from mba_integrations.services import MemoryService

OWNERS = ("quokka", "walrus", "lemur", "ibex", "heron")
IDS = tuple(f"m{number}" for number in range(10))
DOCUMENTS = ("guide.md", "sub/notes.txt", "plan")
WORDS = ("door", "code", "bees", "lamp", "train", "letter", "Monday", "bill")
FOREIGN = 0.4
KEPT_TEXTS = {"include_text": True}
_MCP = {"accept": "application/json, text/event-stream"}

Ask = tuple[str, str, dict[str, Any]]


@dataclass(slots=True)
class Seen:
    """What came back.

    Attributes:
        statuses: How often each status came, by whether the workspace was the caller's.
        foreign: Answers with the name of another owner.
        wrong: Answers of foreign workspaces that are no 404.
        broken: Answers of 5xx.
        own: In how many answers the caller's own name stood.
        tokens: Ids and cursors that any caller was told, for all to try.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    foreign: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    own: Counter[str] = field(default_factory=Counter)
    tokens: dict[str, deque[str]] = field(default_factory=dict)

    def token(self, draw: random.Random, kind: str) -> str:
        """An id or a cursor that somebody was told."""
        known = self.tokens.get(kind)
        return draw.choice(known) if known else "none"

    def learn(self, told: Any) -> None:
        """Keep the ids and cursors of an answer."""
        if isinstance(told, dict):
            for name, value in told.items():
                if name in ("allocation_id", "job_id", "next_cursor", "review_id") and value:
                    self.tokens.setdefault(name, deque(maxlen=50)).append(str(value))
                else:
                    self.learn(value)
        elif isinstance(told, list):
            for value in told[:20]:
                self.learn(value)


class Tenant:
    """One caller, and what it may ask."""

    def __init__(self, owner: str, key: str, draw: random.Random, seen: Seen) -> None:
        self.owner, self.key = owner, key
        self._draw, self._seen = draw, seen

    def said(self, *, words: int = 3) -> str:
        """A text that names its owner."""
        return f"{self.owner} {' '.join(self._draw.choices(WORDS, k=words))}"

    def _id(self) -> str:
        return self._draw.choice(IDS)

    def _filters(self) -> dict[str, Any]:
        owner = self._draw.choice(OWNERS)
        return self._draw.choice(({}, {"tags": [owner]}, {"sources": [owner]}))

    def _remember(self) -> Ask:
        memory = {
            "content": self.said(words=6),
            "id": self._draw.choice((*IDS, None)),
            "tags": [self.owner],
            "source": self.owner,
            "subject": f"{self.owner}-person",
            "session_id": f"{self.owner}-session",
            "metadata": {"by": self.owner},
        }
        return "POST", "/memories", {"memories": [memory], "on_error": "skip"}

    def _ids_with(self, **more: Any) -> dict[str, Any]:
        return {"memory_ids": [self._id()], "reason": self.said(), **more}

    def _recall(self) -> Ask:
        session = self._draw.choice((None, "s", f"{self.owner}-session"))
        body = {"query": self.said(), "budget_tokens": 300, "session_id": session, "explain": 5}
        return "POST", "/recall", body

    def _listed(self) -> Ask:
        cursor = self._draw.choice((None, self._seen.token(self._draw, "next_cursor")))
        return "POST", "/memories/list", {"filters": self._filters(), "limit": 3, "cursor": cursor}

    def _allocation(self, tail: str) -> str:
        return f"/allocations/{self._seen.token(self._draw, 'allocation_id')}{tail}"

    def rest(self) -> Ask:
        """A call under a workspace's path."""
        draw, document = self._draw, self._draw.choice(DOCUMENTS)
        asks: tuple[Callable[[], Ask], ...] = (
            self._remember,
            self._remember,
            self._recall,
            self._listed,
            lambda: ("GET", f"/memories/{self._id()}", {}),
            lambda: ("PUT", f"/memories/{self._id()}", {"content": self.said(words=7)}),
            lambda: ("GET", f"/history/{self._id()}", {}),
            lambda: ("POST", "/search", {"query": self.said(), "filters": self._filters()}),
            lambda: ("POST", "/move", self._ids_with(tier=draw.choice(("project", "working")))),
            lambda: ("POST", "/pin", self._ids_with(value=draw.random() < 0.2)),
            lambda: ("POST", "/forget", self._ids_with()),
            lambda: ("PUT", f"/documents/{document}", {"text": self.said(words=60)}),
            lambda: ("GET", f"/documents/{document}", {}),
            lambda: ("GET", f"/pieces/{document}", {}),
            lambda: ("GET", "/documents", {}),
            lambda: ("POST", "/retrieve", {"query": self.said(), "budget_tokens": 200}),
            lambda: ("GET", "/allocations?limit=3", {}),
            lambda: ("GET", self._allocation(""), {}),
            lambda: ("POST", self._allocation("/replay"), {"settings": {}}),
            lambda: (
                "GET",
                self._allocation(f"/diff/{self._seen.token(draw, 'allocation_id')}"),
                {},
            ),
            lambda: ("GET", "/export", {}),
            lambda: ("GET", "/export/allocations", {}),
            lambda: ("GET", "/events?follow=false&after=0", {}),
            lambda: ("GET", "/jobs", {}),
            lambda: ("GET", f"/jobs/{self._seen.token(draw, 'job_id')}", {}),
            lambda: ("GET", "/statistics", {}),
            lambda: ("GET", "/counts", {}),
            lambda: ("GET", "/versions", {}),
            lambda: ("GET", "/erasures", {}),
            lambda: ("GET", "/embeddings", {}),
        )
        return draw.choice(asks)()

    def everywhere(self) -> Ask:
        """A call that names no workspace."""
        return "GET", self._draw.choice(("/v1/workspaces", "/v1/statistics", "/v1/keys")), {}

    def mcp(self) -> dict[str, Any]:
        """A message that calls a tool."""
        draw = self._draw
        name, arguments = draw.choice(
            (
                ("recall", {"query": self.said(), "session": "s"}),
                ("remember", {"items": [{"text": self.said(words=6), "about": self.owner}]}),
                ("revise", {"id": self._id(), "text": self.said(words=7)}),
                ("forget", {"ids": [self._id()]}),
                ("forget", {"query": draw.choice(OWNERS)}),
                ("explain", {"allocation_id": self._seen.token(draw, "allocation_id")}),
                ("explain", {"item_id": self._id()}),
                ("status", {}),
            )
        )
        params = {"name": name, "arguments": arguments}
        return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def run(url: str, tenants: list[Tenant], operations: int, draw: random.Random) -> Seen:
    """All the calls, one after the other."""
    seen = tenants[0]._seen
    with httpx2.Client(base_url=url, timeout=60) as client:
        for number in range(operations):
            place = draw.randrange(len(tenants))
            caller, kind = tenants[place], draw.random()
            target = place if draw.random() > FOREIGN else draw.randrange(len(tenants))
            headers = {"authorization": f"Bearer {caller.key}"}
            if kind < 0.05:
                target, (method, path, body) = place, caller.everywhere()
            elif kind < 0.25:
                headers |= _MCP
                method, path, body = "POST", f"/mcp/w{target}", caller.mcp()
            else:
                method, tail, body = caller.rest()
                path = f"/v1/workspaces/w{target}{tail}"
                headers["idempotency-key"] = f"k{number // 3}"
            answer = client.request(
                method, path, headers=headers, json=body if method != "GET" else None
            )
            _look(seen, caller, answer, own=target == place)
    return seen


def _look(seen: Seen, caller: Tenant, answer: httpx2.Response, *, own: bool) -> None:
    asked = f"{caller.owner} {answer.request.method} {answer.request.url.path}"
    whole = f"{answer.text}\n{answer.headers}"
    seen.statuses[f"{'own' if own else 'foreign'} {answer.status_code}"] += 1
    others = [name for name in OWNERS if name != caller.owner and name in whole]
    given = (answer.request.content or b"").decode() + str(answer.request.url)
    if any(name not in given for name in others):
        seen.foreign.append(f"{asked}: {others}")
    if not own and answer.status_code != 404:
        seen.wrong.append(f"{asked}: {answer.status_code} {answer.text[:100]}")
    if answer.status_code >= 500:
        seen.broken.append(f"{asked}: {answer.text[:200]}")
    seen.own[caller.owner] += own and caller.owner in whole
    if answer.headers.get("content-type", "").startswith("application/json"):
        seen.learn(answer.json())
    if "mba-allocation-id" in answer.headers:
        seen.learn({"allocation_id": answer.headers["mba-allocation-id"]})


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw, seen = random.Random(options.seed), Seen()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        with MemoryService.open(path, background=False) as service:
            scopes = ("read", "write", "forget", "read:content", "admin")
            tenants = []
            for number, owner in enumerate(OWNERS):
                service.create_workspace(f"w{number}", logging=KEPT_TEXTS)
                key = service.keys.create(owner, scopes=scopes, workspaces=[f"w{number}"])
                tenants.append(Tenant(owner, key.key, draw, seen))
        with serving(path) as (url, _):
            run(url, tenants, options.operations, draw)
    print(
        f"{options.operations:,} calls by {len(OWNERS)} keys: {dict(sorted(seen.statuses.items()))}"
    )
    print(f"own names seen: {dict(seen.own)}")
    for name, found in (
        ("with foreign bytes", seen.foreign),
        ("foreign, not 404", seen.wrong),
        ("5xx", seen.broken),
    ):
        print(f"{name}: {len(found):,}", *found[:5], sep="\n    ")
    blind = [owner for owner in OWNERS if not seen.own[owner]]
    return int(bool(seen.foreign or seen.wrong or seen.broken or blind))


if __name__ == "__main__":
    sys.exit(main())
