"""Hypothesis strategies for items, settings and budgets.

A strategy is made once: to make it and to learn what it draws costs more than to draw from it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.model import MemoryItem, MemoryTier

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AWKWARD_PIECES = (
    *("a", "Zebra", " ", "   ", "\n", "\r\n", "\t", "/", "//", ".", ",", "'s", "9", "2026", "é"),
    *(
        "日本語",
        "🙂",
        "👩‍👩‍👧",
        "e\u0301",
        "שלום",
        "عربي",
        "<|endoftext|>",
        "<|im_start|>",
        "</item>",
    ),
    *("<project>", "#", "## Project", "- ", "\u2028", "\x00", "{text}", "{context_str}", "\x0b"),
    *("def f(x):\n    return x", "aGVsbG8gd29ybGQ=", "\ud800", "%%%", "\u00a0", "\u3000"),
)
texts = (
    st.lists(st.sampled_from(AWKWARD_PIECES) | st.text(max_size=8), min_size=1, max_size=10)
    .map("".join)
    .filter(bool)
)
fractions = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0.0, 1.0)
times = st.none() | st.integers(-400, 40).map(lambda days: NOW + timedelta(days=days))


tiers = st.sampled_from(MemoryTier)
relevances = st.none() | fractions
positions = st.none() | st.integers(0, 9)
scores = st.none() | st.floats(-9.0, 9.0)
groups = st.sampled_from([None, None, "g", "h"])
sources = st.sampled_from([None, "s", "t\n## Project"])
metadata = st.sampled_from([{}, {"role": "user"}, {"role": "assistant"}])
retrievers = st.sampled_from([None, "web", "docs"])


@st.composite
def memories(draw: st.DrawFn, max_size: int = 12, pins: bool = True) -> list[MemoryItem]:
    """Items with unique ids; a group stays within one tier."""
    items = []
    for number in range(draw(st.integers(0, max_size))):
        tier = draw(tiers)
        group = draw(groups)
        items.append(
            MemoryItem(
                f"m{number}",
                draw(texts),
                tier,
                relevance=draw(relevances),
                importance=draw(fractions),
                created_at=draw(times),
                source=draw(sources),
                position=draw(positions),
                group=None if group is None else f"{group}-{tier.value}",
                pinned=pins and draw(st.integers(0, 9)) == 0,
                metadata=draw(metadata),
                retriever_score=draw(scores),
                retriever=draw(retrievers),
            )
        )
    return items


shares = (
    st.lists(st.integers(0, 5), min_size=4, max_size=4)
    .filter(any)
    .map(lambda parts: [part / sum(parts) for part in parts])
)
limits = st.dictionaries(tiers, st.integers(0, 60), max_size=2)
templates = st.dictionaries(
    tiers, st.sampled_from(["{text}", "[{date}] {text}", "{id}: {text} ({source})"])
)
orders = st.dictionaries(tiers, st.sampled_from(["value", "chronological", "input", "ends"]))
section_orders = st.permutations(list(MemoryTier))
SHARES = ("working_memory_pct", "project_memory_pct", "long_term_memory_pct", "rag_memory_pct")


@st.composite
def workspaces(draw: st.DrawFn, **fixed: Any) -> WorkspaceConfig:
    """Any valid settings that an allocation depends on."""
    settings: dict[str, Any] = {
        "workspace_id": "w",
        "max_total_tokens": draw(st.integers(300, 600)),
        **dict(zip(SHARES, draw(shares), strict=True)),
        "borrowing": draw(st.booleans()),
        "scoring_method": draw(st.sampled_from(["usefulness", "weighted_sum", "product"])),
        "duplicate_threshold": draw(st.sampled_from([None, 0.5, 0.9])),
        "passage_min_tokens": draw(st.sampled_from([None, 1, 20])),
        "min_score": draw(st.sampled_from([0.0, 0.0, 0.2])),
        "tier_cap_tokens": draw(limits),
        "rendering": {
            "format": draw(st.sampled_from(["markdown", "xml", "messages"])),
            "section_order": draw(section_orders),
            "line_templates": draw(templates),
            "item_order": draw(orders),
        },
    }
    return WorkspaceConfig(**{**settings, **fixed})
