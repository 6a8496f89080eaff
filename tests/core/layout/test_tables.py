"""Rows of one table stand under one head, and cost what is written."""

from __future__ import annotations

import pytest
from fakes import CharCounter
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations import MemoryBudgetAllocator, MemoryItem, MemoryTier, WorkspaceConfig
from mba_integrations.core.config.settings import RenderingSettings
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.layout.tables import table_head

HEAD = "# Fees\n\n| of | is |\n| --- | --- |\n"
ENTRY, MAP, GUIDE = (
    f"| {name} | {fee} |" for name, fee in (("entry", 4), ("map", 2), ("guide", 9))
)


def part(item_id: str, content: str, **fields: object) -> MemoryItem:
    return MemoryItem(item_id, content, "rag", **{"source": "fees.md", **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(HEAD + ENTRY, HEAD, id="a-row"),
        pytest.param(HEAD + ENTRY + "\n" + MAP + "\n", HEAD, id="rows"),
        pytest.param("a | b\n-|-\n1 | 2", "a | b\n-|-\n", id="without-outer-bars"),
        pytest.param(HEAD, "", id="no-rows"),
        pytest.param(HEAD + ENTRY + "\nCash only.", "", id="text-behind-it"),
        pytest.param("a | b\n1 | 2", "", id="no-dashes"),
        pytest.param("", "", id="nothing"),
        pytest.param("|" * 100_000 + "\n-|", "", id="many-bars"),
    ],
)
def test_head_of_a_table(text: str, expected: str) -> None:
    assert table_head(text) == expected


def written(items: list[MemoryItem], **settings: object) -> str:
    return Renderer(RenderingSettings(**settings)).write([(MemoryTier.RAG, items)]).text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("items", "settings", "heads"),
    [
        pytest.param([part("a", HEAD + ENTRY), part("b", HEAD + MAP)], {}, 1, id="side-by-side"),
        pytest.param(
            [part("a", HEAD + ENTRY), part("x", "Closed."), part("b", HEAD + MAP)],
            {},
            2,
            id="something-between",
        ),
        pytest.param(
            [part("a", HEAD + ENTRY), part("b", HEAD.replace("is", "was") + MAP)],
            {},
            2,
            id="another-head",
        ),
        pytest.param(
            [part("a", HEAD + ENTRY), part("b", HEAD + MAP, source="old.md")],
            {"line_templates": {"rag": "[{source}] {text}"}},
            2,
            id="another-source-is-named",
        ),
        pytest.param(
            [part("a", HEAD + ENTRY), part("b", HEAD + MAP)],
            {"line_templates": {"rag": "{text} ({id})"}},
            2,
            id="a-template-ends-otherwise",
        ),
        pytest.param(
            [part("a", HEAD + ENTRY), part("b", HEAD + MAP)], {"format": "xml"}, 2, id="xml"
        ),
    ],
)
def test_rows_of_one_table_have_one_head(
    items: list[MemoryItem], settings: dict[str, object], heads: int
) -> None:
    text = written(items, **settings)
    assert text.count("# Fees") == heads
    assert all(row in text for row in (ENTRY, MAP))


def test_rows_go_on_below_the_head() -> None:
    items = [part("a", HEAD + ENTRY), part("b", HEAD + MAP)]
    assert written(items).splitlines()[-2:] == [f"  {ENTRY}", f"  {MAP}"]


def test_parts_of_a_table_stand_side_by_side_best_first() -> None:
    given_relevance = {ENTRY: 0.5, "Closed on Monday.": 0.8, MAP: 0.9}
    items = [
        part(str(place), text if place == 1 else HEAD + text, relevance=relevance)
        for place, (text, relevance) in enumerate(given_relevance.items())
    ]
    text = (
        MemoryBudgetAllocator().allocate_memory_budget("fees", items, budget_tokens=500).prompt_text
    )
    assert text.count("# Fees") == 1
    assert text.index(MAP) < text.index(ENTRY) < text.index("Closed")


ITEMS = st.lists(
    st.sampled_from([HEAD + ENTRY, HEAD + MAP, HEAD + GUIDE, "Closed on Monday.", ENTRY]),
    max_size=6,
)


@given(ITEMS, st.integers(40, 300))
def test_sections_cost_what_is_written(texts: list[str], budget: int) -> None:
    items = [part(str(place), text, relevance=0.5) for place, text in enumerate(texts)]
    allocator = MemoryBudgetAllocator(token_counter=CharCounter())
    allocator.register_workspace(WorkspaceConfig(workspace_id="w", duplicate_threshold=None))
    allocation = allocator.allocate_memory_budget("fees", items, "w", budget)
    used = sum(tier.used_tokens for tier in allocation.tiers.values())
    assert used == allocation.used_tokens <= budget
