"""Workspaces with something of everything that the dashboard shows, and memories that attack it.

`fill` makes two workspaces: `support` with conversations, documents, jobs, spend, memories that
retention lets go and tiers that a review moves, and `research`, whose settings leave out what
`support` does not. Together their recalls have each reason of an omission and each complexity.
`fill_hostile` makes `hostile`, whose memories hold markup, control codes and very long lines.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mba_integrations import MemoryItem, MemoryTier, QueryComplexity
from mba_integrations.services import MemoryService, NewMemory, OrganisationPlan, RagService
from mba_integrations.services.spending.budgets.costs import CallTokens
from mba_integrations.services.spending.budgets.spending import Demand, Spending
from mba_integrations.services.spending.routing.choosing import Reason, Route
from mba_integrations.services.spending.usage.noting import CallUsage, UsageLog

RECALLS = 60
HOSTILE = 200
_LONG_LINE = 100_000
_QUESTIONS = (
    "Hi there",
    "When does the ferry to Oslo leave?",
    "What did we decide about the retry limit of the export job, and why?",
    "Compare the three billing plans step by step, list the trade-offs, and design a migration "
    "from the old one that keeps every invoice.",
    "Analyze the architecture of the export pipeline: prove that no invoice is lost when a worker "
    "is killed, derive the worst case latency, and propose a refactoring with alternatives.",
    "Which city does Kate live in?",
    "Explain how invoices are exported.",
)
_TOPICS = ("ferry", "export", "billing", "invoice", "Oslo", "retry", "plan", "latency", "worker")
_FACTS = (
    "Kate lives in Oslo and takes the ferry on Mondays.",
    "The export job is retried five times, then an invoice waits for a person.",
    "The billing plan of 2025 has three steps; the new one has two.",
    "A worker that is killed gives its lease back after thirty seconds.",
)
_HOSTILE_TEXTS = (
    "<script>window.__ran = 1</script>",
    "<img src=x onerror='window.__ran = 1'>",
    '"><svg onload="window.__ran = 1">',
    "' onmouseover='window.__ran = 1' style='position:fixed;inset:0",
    "<a href='javascript:window.__ran = 1'>click</a>",
    "<style>*{display:none}</style><base href='//evil.invalid/'>",
    "\u202eright to left \u2066isolated\u2069 override\u202c",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 [bold red]rich[/] [/nothing]",
    "</textarea></script><iframe srcdoc='<script>parent.__ran = 1</script>'></iframe>",
    "Z\u0351\u036b\u0343\u036a\u0302" * 40,
    "{{constructor.constructor('window.__ran = 1')()}} ${window.__ran = 1}",
)
_SETTINGS: dict[str, Any] = {
    "max_total_tokens": 600,
    "logging": {"include_text": True},
    "caching": {"uncached_price": 3.0, "cached_read_price": 0.3},
    "gateway": {
        "models": {"simple": "small", "complex": "large"},
        "prices": {"small": {"input": 1, "output": 2}, "large": {"input": 10, "output": 20}},
        "route": "shadow",
        "spend": [
            {"scope": "workspace", "unit": "usd", "period": "month", "amount": 1},
            {"scope": "session", "unit": "tokens", "period": "day", "amount": 40_000},
        ],
    },
}
_RESEARCH: dict[str, Any] = {
    "max_total_tokens": 300,
    "borrowing": False,
    "working_memory_pct": 0.4,
    "project_memory_pct": 0.3,
    "long_term_memory_pct": 0.3,
    "rag_memory_pct": 0.0,
    "min_score": 0.05,
    "token_price": 0.0005,
    "logging": {"include_text": True},
}


@dataclass
class MadeClock:
    """A clock that can be set back, to make a past.

    Attributes:
        now: Where it stands; None for the present.
    """

    now: datetime | None = None

    def __call__(self) -> datetime:
        return self.now or datetime.now(UTC)


def fill(service: MemoryService, clock: MadeClock, *, seed: int = 7) -> None:
    """Make `support` and `research` in a service that stands on the clock."""
    draw, present = random.Random(seed), clock()
    clock.now = present - timedelta(days=40)
    service.create_workspace("support", retention=_retention(), **_SETTINGS)
    service.create_workspace("research", **_RESEARCH)
    _remember(service, draw)
    _put_documents(service)
    _recall(service, clock, present, draw)
    clock.now = present - timedelta(minutes=30)
    _spend(service, draw)
    service.organisation.start("support", OrganisationPlan(move_tiers=False, apply_retention=False))
    service.jobs.run()
    _change(service)
    service.equipment.trail.flush()
    clock.now = None


def fill_hostile(service: MemoryService) -> None:
    """Make `hostile`, with 200 memories, a document and a few recalls of them."""
    service.create_workspace("hostile", max_total_tokens=4_000, logging={"include_text": True})
    service.remember("hostile", list(_hostile_memories()))
    rag = RagService(service)
    name = "<b>docs</b>/'\"&?#%2F.md"
    rag.put_document("hostile", name, text=_HOSTILE_TEXTS[0], title=_HOSTILE_TEXTS[1])
    for number in range(3):
        question = f"{_HOSTILE_TEXTS[number]} memory {number}?"
        service.recall("hostile", question, session_id=f"<i>{number}</i>")
    service.equipment.trail.flush()


def _retention() -> dict[str, object]:
    return {
        "working": {"max_items": 25, "on_limit": "demote"},
        "long_term": {"max_idle_days": 30, "on_limit": "forget"},
    }


def _remember(service: MemoryService, draw: random.Random) -> None:
    for workspace in ("support", "research"):
        service.remember(workspace, list(_memories(draw)))
    service.remember("support", _FACTS[1], tier="project", tags=["billing"], subject="kate")
    service.pin("support", "fact-0")
    service.hold("support", "fact-1")


def _memories(draw: random.Random) -> Iterator[NewMemory]:
    for number, (fact, tier) in enumerate(itertools.product(_FACTS, MemoryTier)):
        item = MemoryItem(f"fact-{number}", fact, tier, importance=draw.random())
        yield NewMemory(item=item, tags=(_TOPICS[number % 9],), author="user")
    for number in range(64):
        words = " ".join(draw.choice(_TOPICS) for _ in range(draw.randrange(4, 40)))
        tier = draw.choice(list(MemoryTier)[:3])
        item = MemoryItem(f"note-{number}", f"Note {number}: {words}.", tier, source="notes.md")
        yield NewMemory(item=item, tags=("note",), author="agent", subject="kate")
    whole = "The ferry to Oslo, the export job, the billing plan: " + " ".join(
        f"invoice{number}" for number in range(700)
    )
    yield NewMemory(item=MemoryItem("ledger", whole, "project", group="ledger"))


def _put_documents(service: MemoryService) -> None:
    rag = RagService(service)
    for topic in _TOPICS[:5]:
        parts = [f"## {topic} {n}\n\nThe {topic} of step {n} is described.\n" for n in range(6)]
        rag.put_document(
            "support", f"handbook/{topic}.md", text="\n".join(parts), title=topic.title()
        )


def _recall(
    service: MemoryService, clock: MadeClock, present: datetime, draw: random.Random
) -> None:
    for number in range(RECALLS):
        clock.now = present - timedelta(minutes=20 * (RECALLS - number))
        workspace = "research" if number % 6 == 5 else "support"
        service.recall(
            workspace,
            draw.choice(_QUESTIONS),
            session_id=f"session-{number // 12}" if number % 4 else None,
            budget_tokens=draw.choice((None, 200, 450)),
        )


def _spend(service: MemoryService, draw: random.Random) -> None:
    settings = service.workspaces.config("support").gateway
    log, spending = UsageLog(service), Spending(service)
    for number in range(24):
        model, level = ("small", "simple") if number % 3 else ("large", "complex")
        session = f"session-{number % 4}"
        tokens = CallTokens(input=draw.randrange(200, 3_000), output=draw.randrange(20, 400))
        demand = Demand(
            models=(model,), input_tokens=tokens.input, output_tokens=400, session_id=session
        )
        spending.settle(spending.reserve("support", settings, demand), tokens)
        route = Route(
            model=model,
            level=QueryComplexity(level),
            reason=Reason.LEVEL,
            shadow="small" if number % 4 == 0 else None,
        )
        call = CallUsage(
            route=route,
            asked="large",
            tokens=tokens,
            memory_tokens=180,
            saved_tokens=draw.randrange(300),
            overhead_ms=draw.uniform(1, 4),
            session_id=session,
        )
        log.note("support", settings, call)
    log.flush()


def _change(service: MemoryService) -> None:
    """Leave a history: a revised memory, a moved one, a forgotten one, settings of three kinds."""
    revised = service.revise("support", "fact-4", "The export job is retried six times.")
    service.revise("support", revised.memory_ids[0], "The export job is retried seven times.")
    service.move("support", ["note-3"], "project")
    service.forget("support", ["note-4"], reason="said twice")
    service.workspaces.change("support", max_total_tokens=800)
    service.workspaces.change("support", max_total_tokens=700, stability=0.6)


def _hostile_memories() -> Iterator[NewMemory]:
    for number in range(HOSTILE):
        text = _HOSTILE_TEXTS[number % len(_HOSTILE_TEXTS)]
        if number % 50 == 7:
            text = (text + "x" * _LONG_LINE)[:_LONG_LINE]
        tier = list(MemoryTier)[number % 4]
        name = f"<b id={number}>'\"&/"
        item = MemoryItem(name, f"memory {number} {text}", tier, source="<i>x</i>")
        yield NewMemory(item=item, tags=("<u>", "'\""), author="<script>", subject="<img src=x>")
