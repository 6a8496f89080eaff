"""Hypothesis strategies for items, settings and budgets.

A strategy is made once: to make it and to learn what it draws costs more than to draw from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations, product
from typing import Any, TypeVar

from hypothesis import strategies as st

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.model import MemoryItem, MemoryTier

T = TypeVar("T")
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
# A piece is drawn as a character that stands for it, as in `rows_of`.
_PIECES = {0xE000 + number: piece for number, piece in enumerate(AWKWARD_PIECES)}
_joined = st.text([*map(chr, _PIECES), *"etaoin ETAOIN 12345"], min_size=1, max_size=14)
texts = (_joined | st.text(min_size=1, max_size=20)).map(lambda text: text.translate(_PIECES))
fractions = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0.0, 1.0)
times = st.integers(-400, 240).map(
    lambda days: NOW + timedelta(days=days) if days <= 40 else None  # a third has none
)


def of_all(*values: Iterable[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """One of each of the values, in one draw: each draw costs as much as some calls of the code."""
    return st.sampled_from(list(product(*values)))


def rows_of(
    choices: Sequence[T], *, min_size: int = 0, max_size: int
) -> st.SearchStrategy[list[T]]:
    """Some of the choices, in any order and any of them often.

    They are drawn as a string, the characters of which stand for them: hypothesis draws a string at
    the cost of one element of a list.
    """
    marks = {chr(0xE000 + place): one for place, one in enumerate(choices)}
    return st.text(list(marks), min_size=min_size, max_size=max_size).map(
        lambda text: [marks[mark] for mark in text]
    )


_any_fraction, _any_score = st.floats(0.0, 1.0), st.floats(-9.0, 9.0)
_kinds = of_all(
    MemoryTier,
    [None, None, "g", "h"],
    [None, "s", "t\n## Project"],
    [{}, {"role": "user"}, {"role": "assistant"}],
    [None, "web", "docs"],
    [False] * 9 + [True],
)
_numbers = of_all(
    [None, None, None, 0.0, 0.5, 1.0, _any_fraction, _any_fraction],
    [0.0, 0.25, 0.5, 1.0, *[_any_fraction] * 4],
    [None] * 10 + [*range(10)],
    [None, _any_score],
)


@st.composite
def memories(draw: st.DrawFn, max_size: int = 12, pins: bool = True) -> list[MemoryItem]:
    """Items with unique ids; a group stays within one tier."""
    items = []
    for number in range(draw(st.integers(0, max_size))):
        tier, group, source, metadata, retriever, pinned = draw(_kinds)
        relevance, importance, position, score = (
            draw(one) if isinstance(one, st.SearchStrategy) else one for one in draw(_numbers)
        )
        items.append(
            MemoryItem(
                f"m{number}",
                draw(texts),
                tier,
                relevance=relevance,
                importance=importance,
                created_at=draw(times),
                source=source,
                position=position,
                group=None if group is None else f"{group}-{tier.value}",
                pinned=pins and pinned,
                metadata=metadata,
                retriever_score=score,
                retriever=retriever,
            )
        )
    return items


def _for_tiers(*values: Any) -> st.SearchStrategy[dict[MemoryTier, Any]]:
    """Nothing or one of the values for each tier."""
    rows = product([None, *values], repeat=len(MemoryTier))
    return st.sampled_from(
        [
            {tier: one for tier, one in zip(MemoryTier, row, strict=True) if one is not None}
            for row in rows
        ]
    )


_shares = st.sampled_from(
    [[part / sum(row) for part in row] for row in product(range(6), repeat=4) if any(row)]
)
_limits = st.dictionaries(st.sampled_from(MemoryTier), st.integers(0, 60), max_size=2)
_templates = _for_tiers("{text}", "[{date}] {text}", "{id}: {text} ({source})")
_orders = _for_tiers("value", "chronological", "input", "ends")
_section_orders = st.sampled_from([list(row) for row in permutations(MemoryTier)])
_choices = of_all(
    [False, True],
    ["usefulness", "weighted_sum", "product"],
    [None, 0.5, 0.9],
    [None, 1, 20],
    [0.0, 0.0, 0.2],
    ["markdown", "xml", "messages"],
)
SHARES = ("working_memory_pct", "project_memory_pct", "long_term_memory_pct", "rag_memory_pct")


@st.composite
def workspaces(draw: st.DrawFn, **fixed: Any) -> WorkspaceConfig:
    """Any valid settings that an allocation depends on."""
    borrowing, method, duplicate_threshold, passage_min_tokens, min_score, form = draw(_choices)
    settings: dict[str, Any] = {
        "workspace_id": "w",
        "max_total_tokens": draw(st.integers(300, 600)),
        **dict(zip(SHARES, draw(_shares), strict=True)),
        "borrowing": borrowing,
        "scoring_method": method,
        "duplicate_threshold": duplicate_threshold,
        "passage_min_tokens": passage_min_tokens,
        "min_score": min_score,
        "tier_cap_tokens": draw(_limits),
        "rendering": {
            "format": form,
            "section_order": draw(_section_orders),
            "line_templates": draw(_templates),
            "item_order": draw(_orders),
        },
    }
    return WorkspaceConfig(**{**settings, **fixed})
