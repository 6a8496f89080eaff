"""Replay records of allocations that were made, for tests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from strategies import of_all, rows_of

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, WorkspaceConfig
from mba_integrations.learning.replay.records import Decided, ReplayRecord

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = ("Kate", "lives", "Lisbon", "skis", "invoice", "Friday", "paid", "key", "red", "garden")
TIERS = ("working", "project", "long_term", "rag")

sentences = rows_of(WORDS, min_size=2, max_size=9).map(
    lambda words: " ".join(words).capitalize() + "."
)
# An empty word ends a sentence.
texts = sentences | rows_of((*WORDS, "", ""), min_size=40, max_size=90).map(
    lambda words: ". ".join(one.strip().capitalize() for one in " ".join(words).split("  ")) + "."
)
_kinds = of_all(
    TIERS,
    [0.1, 0.5, 0.9],
    [False] * 9 + [True],
    [False, True],
    [None, None, None, 0.3, 0.8],
    [None, "user", "assistant"],
).map(
    lambda kind: dict(
        zip(("tier", "importance", "pinned", "grouped", "relevance", "role"), kind, strict=True)
    )
)
_times = st.integers(0, 800).map(
    lambda days: NOW - timedelta(days=days) if days <= 400 else None  # half have none
)
items = st.builds(
    lambda content, created_at, kind: {"content": content, "created_at": created_at, **kind},
    *(texts, _times, _kinds),
)
pools = st.lists(items, min_size=1, max_size=14)
chosen_settings = st.fixed_dictionaries(
    {},
    optional={
        "scoring_method": st.sampled_from(["usefulness", "weighted_sum", "product"]),
        "half_life_days": st.sampled_from([1.0, 30.0, "infinite"]),
        "stability": st.sampled_from([0.0, 0.7, 1.0]),
        "min_score": st.sampled_from([0.0, 0.2]),
        "token_price": st.sampled_from([None, 0.0, 1e-3]),
        "recent_share": st.sampled_from([0.0, 0.25]),
        "duplicate_threshold": st.sampled_from([None, 0.6, 0.9]),
        "passage_min_tokens": st.sampled_from([None, 20]),
        "borrowing": st.booleans(),
        "max_total_tokens": st.integers(120, 700),
    },
)


def made_items(found: Sequence[dict[str, Any]]) -> tuple[MemoryItem, ...]:
    made = []
    for number, one in enumerate(found):
        values = {**one}
        grouped, role = values.pop("grouped"), values.pop("role")
        tier = values["tier"]
        made.append(
            MemoryItem(
                f"m{number}",
                **values,
                source="chat",
                position=float(number),
                group=f"g-{tier}" if grouped and tier == "rag" else None,
                metadata={} if role is None else {"role": role},
            )
        )
    return tuple(made)


def record_of(
    allocation: Allocation, config: WorkspaceConfig, candidates: tuple[MemoryItem, ...], **more: Any
) -> ReplayRecord:
    return ReplayRecord(
        workspace_id=config.workspace_id,
        settings=json.loads(config.model_dump_json()),
        decided=Decided(
            tokens={one.id: one.tokens for one in allocation.selected},
            used_tokens=allocation.used_tokens,
            counter_id=allocation.counter_id,
            tier_tokens={tier: one.used_tokens for tier, one in allocation.tiers.items()},
            reasons={one.id: one.reason.value for one in allocation.omitted},
        ),
        budget_tokens=allocation.budget_tokens,
        query=allocation.query,
        candidates=candidates,
        **{"allocation_id": "a", "at": NOW, **more},
    )


def session_of(
    config: WorkspaceConfig, found: Sequence[dict[str, Any]], queries: Sequence[str]
) -> Iterator[ReplayRecord]:
    """What a session leaves whose candidates grow from turn to turn."""
    allocator = MemoryBudgetAllocator()
    allocator.register_workspace(config)
    candidates, previous = made_items(found), None
    for turn, query in enumerate(queries):
        there = candidates[: max(1, len(candidates) - (len(queries) - 1 - turn))]
        at = NOW + timedelta(minutes=turn)
        try:
            allocation = allocator.allocate_memory_budget(
                query, there, config.workspace_id, now=at, previous=previous
            )
        except ValueError:  # pins over the budget
            return
        followed = None if previous is None else previous.to_dict()
        yield record_of(
            *(allocation, config, there),
            allocation_id=f"a{turn}",
            at=at,
            session_id="s",
            previous=followed,
        )
        previous = allocation.as_previous


def record_of_facts(count: int, *, allocation_id: str = "a", **settings: Any) -> ReplayRecord:
    """A record of so many facts in a budget of 100 tokens, of which the first is pinned."""
    config = WorkspaceConfig(workspace_id="w", **{"max_total_tokens": 100, **settings})
    found = [
        {
            "content": f"Kate paid invoice {number} on Friday in Lisbon.",
            "tier": "project",
            "importance": 0.5,
            "created_at": None,
            "pinned": number == 0,
            "grouped": False,
            "relevance": None,
            "role": None,
        }
        for number in range(count)
    ]
    [made] = session_of(config, found, ["Which invoices did Kate pay?"])
    return replace(made, allocation_id=allocation_id)
