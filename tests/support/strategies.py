"""Hypothesis strategies for items, settings and budgets."""

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


@st.composite
def memories(draw: st.DrawFn, max_size: int = 12, pins: bool = True) -> list[MemoryItem]:
    """Items with unique ids; a group stays within one tier."""
    items = []
    for number in range(draw(st.integers(0, max_size))):
        tier = draw(st.sampled_from(MemoryTier))
        group = draw(st.sampled_from([None, None, "g", "h"]))
        items.append(
            MemoryItem(
                f"m{number}",
                draw(texts),
                tier,
                relevance=draw(st.none() | fractions),
                importance=draw(fractions),
                created_at=draw(times),
                source=draw(st.sampled_from([None, "s", "t\n## Project"])),
                position=draw(st.none() | st.integers(0, 9)),
                group=None if group is None else f"{group}-{tier.value}",
                pinned=pins and draw(st.integers(0, 9)) == 0,
                metadata=draw(st.sampled_from([{}, {"role": "user"}, {"role": "assistant"}])),
                retriever_score=draw(st.none() | st.floats(-9.0, 9.0)),
                retriever=draw(st.sampled_from([None, "web", "docs"])),
            )
        )
    return items


@st.composite
def workspaces(draw: st.DrawFn, **fixed: Any) -> WorkspaceConfig:
    """Any valid settings that an allocation depends on."""
    parts = draw(st.lists(st.integers(0, 5), min_size=4, max_size=4).filter(any))
    shares = [part / sum(parts) for part in parts]
    names = ("working_memory_pct", "project_memory_pct", "long_term_memory_pct", "rag_memory_pct")
    template = st.sampled_from(["{text}", "[{date}] {text}", "{id}: {text} ({source})"])
    order = st.sampled_from(["value", "chronological", "input", "ends"])
    limits = st.dictionaries(st.sampled_from(MemoryTier), st.integers(0, 60), max_size=2)
    settings: dict[str, Any] = {
        "workspace_id": "w",
        "max_total_tokens": draw(st.integers(300, 600)),
        **dict(zip(names, shares, strict=True)),
        "borrowing": draw(st.booleans()),
        "scoring_method": draw(st.sampled_from(["usefulness", "weighted_sum", "product"])),
        "duplicate_threshold": draw(st.sampled_from([None, 0.5, 0.9])),
        "passage_min_tokens": draw(st.sampled_from([None, 1, 20])),
        "min_score": draw(st.sampled_from([0.0, 0.0, 0.2])),
        "tier_cap_tokens": draw(limits),
        "rendering": {
            "format": draw(st.sampled_from(["markdown", "xml", "messages"])),
            "section_order": draw(st.permutations(list(MemoryTier))),
            "line_templates": draw(st.dictionaries(st.sampled_from(MemoryTier), template)),
            "item_order": draw(st.dictionaries(st.sampled_from(MemoryTier), order)),
        },
    }
    return WorkspaceConfig(**{**settings, **fixed})
