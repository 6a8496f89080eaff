"""How much of a prompt stays from turn to turn, what follows it, and what is told of it.

One character is one token and a heading is five of them, so figures can be checked by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from allocators import lettered
from fakes import CharCounter, line

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, MemoryTier
from mba_integrations import WorkspaceConfig as Config
from mba_integrations.core.layout.joined_texts import JoinedTexts

HEADING = 5  # "## R\n"


def allocator_with(**settings: Any) -> MemoryBudgetAllocator:
    allocator = MemoryBudgetAllocator(CharCounter())
    allocator.register_workspace(lettered(**settings))
    return allocator


def turns(
    budget: int, *pools: Sequence[MemoryItem], query: str = "?", **settings: Any
) -> list[Allocation]:
    """One allocation for each list of items, each following the one before."""
    allocator = allocator_with(**settings)
    done: list[Allocation] = []
    for items in pools:
        previous = done[-1] if done else None
        done.append(allocator.allocate_memory_budget(query, items, "w", budget, previous=previous))
        assert len(done[-1].prompt_text) == done[-1].used_tokens <= budget
    return done


def items(size: int = 20, tier: str = "rag", **relevance: float) -> list[MemoryItem]:
    return [line(name, size, tier, relevance=value) for name, value in relevance.items()]


def order(allocation: Allocation) -> str:
    return "".join(entry.id for entry in allocation.selected)


# What stays


@pytest.mark.parametrize(
    ("stability", "newcomer", "expected"),
    [
        pytest.param(0.6, 0.50, "abc", id="an-equal-one-does-not-come-in"),
        pytest.param(0.6, 0.60, "abc", id="nor-one-that-is-a-little-better"),
        pytest.param(0.6, 0.95, "abd", id="a-much-better-one-does"),
        pytest.param(0.0, 0.51, "abd", id="without-stability-any-better-one-does"),
        pytest.param(1.0, 0.95, "abc", id="a-kept-item-that-is-free-stays"),
    ],
)
def test_an_item_in_the_prompt_has_a_bonus(
    stability: float, newcomer: float, expected: str
) -> None:
    first = items(a=0.9, b=0.8, c=0.5)
    second = [*first, *items(d=newcomer)]
    done = turns(HEADING + 60, first, second, stability=stability)
    assert order(done[1]) == expected


def test_what_stays_keeps_its_place_and_bytes_and_new_ones_follow() -> None:
    first, second = turns(
        HEADING + 80, items(a=0.9, b=0.8, c=0.7), items(c=0.9, d=0.95, b=0.5, a=0.6)
    )
    assert order(second) == "abcd"
    assert second.prompt_text == first.prompt_text + second.prompt_text[-20:]
    assert second.stable_prefix_tokens == first.used_tokens


def test_a_worthless_item_in_the_middle_stays_until_too_much_is_worthless() -> None:
    """Removals come in batches: one is not worth writing anew what stands behind it."""
    first = items(a=0.9, b=0.8, c=0.7, d=0.6)
    one_fell = items(a=0.9, b=0.3, c=0.7, d=0.6, e=0.6)
    all_fell = items(a=0.9, b=0.0, c=0.1, d=0.0, e=0.6, f=0.6, g=0.6)
    done = turns(HEADING + 80, first, one_fell, all_fell)
    assert [order(allocation) for allocation in done] == ["abcd", "abcd", "aefg"]
    assert done[1].stable_prefix_tokens == done[0].used_tokens
    assert done[2].stable_prefix_tokens == HEADING + 20


def test_what_is_omitted_for_stability_shows_in_the_gap() -> None:
    _, second = turns(HEADING + 40, items(a=0.9, b=0.5), items(a=0.9, b=0.5, c=0.6))
    assert order(second) == "ab"
    assert not second.proven_optimal
    assert second.upper_bound >= 0.9 * 20 + 0.6 * 20


def test_an_explanation_says_what_stays() -> None:
    first, second = turns(HEADING + 40, items(a=0.9, b=0.5), items(a=0.9, b=0.5, c=0.55))
    assert "previous prompt" not in first.explain()
    assert "45 tokens stand as in the previous prompt." in second.explain()
    detail = second.decision("c").detail  # type: ignore[union-attr]
    assert detail == (
        "other items are worth more for its 20 tokens, or stay from the previous prompt"
    )


def test_a_smaller_budget_keeps_less() -> None:
    allocator = allocator_with()
    pool = items(a=0.9, b=0.8, c=0.7)
    first = allocator.allocate_memory_budget("?", pool, "w", HEADING + 60)
    second = allocator.allocate_memory_budget("?", pool, "w", HEADING + 45, previous=first)
    assert order(second) == "ab"
    assert second.stable_prefix_tokens == HEADING + 40


def test_an_item_that_is_gone_ends_what_stays() -> None:
    _, second = turns(HEADING + 60, items(a=0.9, b=0.8, c=0.7), items(a=0.9, c=0.7, d=0.6))
    assert order(second) == "acd"
    assert second.stable_prefix_tokens == HEADING + 20


def test_pins_stay_and_new_pins_follow() -> None:
    pinned = [line("p", 20, relevance=0.0, pinned=True)]
    first, second = turns(
        HEADING + 60, items(a=0.9, b=0.8), [*items(a=0.9, b=0.8), *pinned, *items(c=0.99)]
    )
    assert order(first) == "ab"
    assert order(second) == "abp"


def test_a_new_pin_stands_before_other_new_items_since_it_will_stay() -> None:
    pin = line("p", 20, relevance=0.0, pinned=True)
    _, second = turns(300, items(a=0.9), [*items(a=0.9, b=0.8), pin, *items(c=0.7)])
    assert order(second) == "apbc"


def test_a_group_that_grows_stays_whole() -> None:
    def call(*names: str) -> list[MemoryItem]:
        return [line(name, 20, relevance=0.8, group="call") for name in names]

    _, second = turns(
        HEADING + 80, [*call("c"), *items(a=0.9)], [*call("c", "r"), *items(a=0.9, b=0.7)]
    )
    assert {entry.id for entry in second.selected} == {"c", "r", "a", "b"}
    assert second.prompt_text.index("c" * 17) < second.prompt_text.index("r" * 17)


def test_the_guarantee_of_a_tier_holds_against_what_stays() -> None:
    quarter = {"working_memory_pct": 0.0, "long_term_memory_pct": 0.0}
    shares = {**quarter, "project_memory_pct": 0.5, "rag_memory_pct": 0.5}
    documents = items(a=0.9, b=0.9, c=0.9, d=0.9)
    facts = items(tier="project", p=0.8, q=0.8)
    first, second = turns(2 * HEADING + 80, documents, [*documents, *facts], **shares)
    assert order(first) == "abcd"
    assert {entry.id for entry in second.selected} == {"a", "b", "p", "q"}
    assert second.prompt_text.startswith(first.prompt_text[: HEADING + 40])


def test_what_a_tier_is_not_kept_does_not_shorten_what_stays() -> None:
    halves = {"working_memory_pct": 0.0, "long_term_memory_pct": 0.0}
    shares = {**halves, "project_memory_pct": 0.5, "rag_memory_pct": 0.5}
    documents = items(a=0.8, b=0.8, c=0.8, d=0.8)
    new = [*items(e=0.85, f=0.85), *items(tier="project", p=0.1, q=0.1)]
    _, second = turns(2 * HEADING + 80, documents, [*documents, *new], **shares)
    assert second.selected_ids == ("a", "b", "c", "d")


# What follows


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        pytest.param("markdown", "## P\n- a\n## R\n- b\n- c\n## P\n- d\n", id="markdown"),
        pytest.param(
            "xml",
            "<project>\n<item>a</item>\n</project>\n<rag>\n<item>b</item>\n<item>c</item>\n</rag>\n"
            "<project>\n<item>d</item>\n</project>\n",
            id="xml",
        ),
    ],
)
def test_a_new_item_of_an_earlier_section_follows_under_a_heading_of_its_own(
    form: str, expected: str
) -> None:
    first = [MemoryItem("a", "a", "project"), MemoryItem("b", "b", "rag")]
    second = [*first, MemoryItem("c", "c", "rag"), MemoryItem("d", "d", "project")]
    done = turns(200, first, second, rendering={"format": form})
    assert done[1].prompt_text == expected
    assert done[1].tiers[MemoryTier.PROJECT].used_tokens + done[1].tiers[
        MemoryTier.RAG
    ].used_tokens == len(expected)


def test_joined_texts_that_stay_come_first() -> None:
    allocator = allocator_with()
    layout = JoinedTexts(separator=" + ")
    first = allocator.allocate_memory_budget("?", items(a=0.9, b=0.8), "w", 99, layout=layout)
    second = allocator.allocate_memory_budget(
        "?", items(a=0.1, b=0.8, c=0.9), "w", 99, previous=first, layout=layout
    )
    assert second.prompt_text.startswith(first.prompt_text + " + ")
    assert second.stable_prefix_tokens == first.used_tokens


def test_chat_messages_that_stay_come_first() -> None:
    def message(name: str, role: str, position: int) -> MemoryItem:
        return MemoryItem(name, name, "working", position=position, metadata={"role": role})

    fact = MemoryItem("f", "f", "project")
    first = [fact, message("one", "user", 1), message("two", "assistant", 2)]
    second = [*first, message("three", "user", 3), MemoryItem("g", "g", "project")]
    done = turns(
        300,
        first,
        second,
        rendering={"format": "messages", "item_order": {"working": "chronological"}},
    )
    contents = [message["content"] for message in done[1].to_messages()]
    # What is new of other tiers is said with the user's last message, so that roles alternate.
    assert contents == ["## P\n- f\n", "one", "two", "three\n\n## P\n- g\n"]


def test_an_older_message_never_follows_a_newer_one() -> None:
    def message(name: str, position: int, relevance: float) -> MemoryItem:
        return MemoryItem(name, name * 17, "working", position=float(position), relevance=relevance)

    rendering = {"item_order": {"working": "chronological"}}
    first = [message("a", 1, 0.1), message("b", 2, 0.8), message("c", 3, 0.8)]
    back = [message("a", 1, 1.0), message("b", 2, 0.8), message("c", 3, 0.1)]
    slightly = [message("a", 1, 0.85), message("b", 2, 0.8), message("c", 3, 0.7)]
    done = turns(HEADING + 40, first, slightly, rendering=rendering)
    assert [order(allocation) for allocation in done] == ["bc", "bc"]
    done = turns(HEADING + 40, first, back, rendering=rendering)
    assert [order(allocation) for allocation in done] == ["bc", "ab"]


def test_a_newer_message_comes_in_where_a_better_older_one_would_stand_out_of_order() -> None:
    def message(position: int, relevance: float) -> MemoryItem:
        name = "abcde"[position - 1]
        return MemoryItem(name, name * 17, "working", position=float(position), relevance=relevance)

    rendering = {"item_order": {"working": "chronological"}}
    first = [message(2, 0.8), message(3, 0.8), message(4, 0.8)]
    second = [message(1, 0.3), message(2, 0.8), message(3, 0.8), message(4, 0.0), message(5, 0.25)]
    done = turns(HEADING + 60, first, second, rendering=rendering)
    assert [order(allocation) for allocation in done] == ["bcd", "bce"]


def test_the_best_new_items_stand_at_the_ends_of_what_follows() -> None:
    first = items(a=0.9)
    second = items(a=0.9, b=0.2, c=0.8, d=0.5, e=0.7)
    done = turns(300, first, second, rendering={"item_order": {"rag": "ends"}})
    assert order(done[1]) == "acdbe"


# Texts that change


def test_a_text_that_changes_under_its_id_is_noticed_and_stands_last() -> None:
    def clock(time: str) -> MemoryItem:
        return MemoryItem("now", f"It is {time}.", "project", relevance=1.0)

    facts = items(tier="project", a=0.9, b=0.8)
    pools = [[clock(f"1{minute}:00"), *facts] for minute in range(4)]
    done = turns(200, *pools)
    assert [order(allocation) for allocation in done] == ["nowab", "abnow", "abnow", "abnow"]
    assert done[1].notes == (
        "'now': text or tier is another than in previous, so it counts as new.",
    )
    assert done[1].stable_prefix_tokens == HEADING
    assert [allocation.stable_prefix_tokens for allocation in done[2:]] == [HEADING + 40] * 2
    assert "It is 13:00." in done[3].prompt_text
    marked = [block for block in done[3].to_cache_blocks() if "cache_control" in block]
    assert "It is" not in "".join(block["text"] for block in marked)


def test_a_text_that_changed_once_stands_last_from_then_on() -> None:
    def clock(time: str) -> MemoryItem:
        return MemoryItem("now", f"It is {time}.", "rag", relevance=1.0)

    one, two = items(a=0.9), items(a=0.9, b=0.8)
    pools = [[clock("10"), *one], [clock("11"), *one], [clock("11"), *two], [clock("12"), *two]]
    done = turns(200, *pools)
    assert [order(allocation) for allocation in done] == ["nowa", "anow", "abnow", "abnow"]
    assert done[2].stable_prefix_tokens == HEADING + 20
    assert done[3].stable_prefix_tokens == HEADING + 40


def test_many_changed_texts_are_named_and_counted() -> None:
    first = [MemoryItem(f"m{n}", f"old {n}", "rag") for n in range(5)]
    second = [MemoryItem(f"m{n}", f"new {n}", "rag") for n in range(5)]
    done = turns(200, first, second)
    assert done[1].notes[0].startswith("'m0', 'm1', 'm2' and 2 more: text or tier is another")
    assert done[1].stable_prefix_tokens == HEADING


def test_nothing_of_a_prompt_changes_with_query_time_or_score() -> None:
    allocator = allocator_with(rendering={"line_templates": {"rag": "[{date}] {id} {text}"}})
    written = datetime(2026, 1, 1, tzinfo=UTC)
    pool = [MemoryItem("a", "text", "rag", created_at=written, relevance=0.5)]
    texts = {
        allocator.allocate_memory_budget(
            query, pool, "w", 100, now=datetime(2026, 3, day, tzinfo=UTC)
        ).prompt_text
        for day, query in [(1, "one"), (2, "two")]
    }
    assert texts == {"## R\n- [2026-01-01] a text\n"}


# Passages and near-duplicates


def test_a_passage_stays_the_passage_that_it_was() -> None:
    text = "Oslo has a harbour. " + "Nothing of note. " * 30 + "Bergen has rain. "
    document = MemoryItem("d", text, "rag", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    allocator = MemoryBudgetAllocator(CharCounter())
    allocator.register_workspace(Config(workspace_id="w", passage_min_tokens=100))
    first = allocator.allocate_memory_budget("Oslo harbour", [document], "w", 120)
    second = allocator.allocate_memory_budget("Bergen rain", [document], "w", 120, previous=first)
    anew = allocator.allocate_memory_budget("Bergen rain", [document], "w", 120)
    assert "harbour" in first.prompt_text
    assert "rain" in anew.prompt_text
    assert second.prompt_text == first.prompt_text
    assert second.selected[0].passage == first.selected[0].passage
    assert second.as_previous.items[0].passage == first.selected[0].passage


def same(name: str, relevance: float, day: int | None = None) -> MemoryItem:
    created = None if day is None else datetime(2026, 1, day, tzinfo=UTC)
    text = f"Kate lives in Oslo with two cats and {'a' if day is None else 'one'} dog there"
    return MemoryItem(name, text, "rag", relevance=relevance, created_at=created)


def test_of_two_that_say_the_same_the_one_in_the_prompt_stays() -> None:
    first, second = turns(300, [same("a", 0.5)], [same("a", 0.5), same("b", 0.9)])
    assert order(second) == "a"
    assert second.decision("b").reason == "duplicate"  # type: ignore[union-attr]
    assert second.prompt_text == first.prompt_text


def test_a_newer_wording_replaces_the_one_in_the_prompt() -> None:
    before, after = same("a", 0.9, 1), same("b", 0.5, 2)
    other = items(c=0.4)
    _, second = turns(300, [before, *other], [before, after, *other])
    assert {entry.id for entry in second.selected} == {"b", "c"}
    assert second.decision("a").reason == "duplicate"  # type: ignore[union-attr]


# A previous that is no help


def test_a_previous_of_another_layout_is_ignored_with_a_note() -> None:
    allocator = allocator_with()
    pool = items(a=0.9, b=0.8)
    first = allocator.allocate_memory_budget("?", pool, "w", 100, layout=JoinedTexts())
    second = allocator.allocate_memory_budget("?", pool, "w", 100, previous=first)
    assert second.notes == ("previous was written by another layout; it is ignored.",)
    assert second.stable_prefix_tokens == 0
    assert second == allocator.allocate_memory_budget("?", pool, "w", 100, previous=first)


def test_a_previous_of_another_pool_is_ignored_with_a_note() -> None:
    _, second = turns(100, items(a=0.9, b=0.8), items(x=0.9, y=0.8))
    assert order(second) == "xy"
    assert second.notes == ("previous has no item that is a candidate now; it is ignored.",)


def test_a_heading_that_changed_leaves_nothing_stable() -> None:
    allocator = allocator_with()
    pool = items(a=0.9, b=0.8)
    first = allocator.allocate_memory_budget("?", pool, "w", 100)
    config = allocator.workspace("w")
    allocator.register_workspace(
        config.with_changes(rendering={"section_titles": {"rag": "Other"}})
    )
    second = allocator.allocate_memory_budget("?", pool, "w", 100, previous=first)
    assert second.stable_prefix_tokens == 0
    assert second.prompt_text.startswith("## Other\n")


# What is told of it


def test_the_cost_is_that_of_what_is_read_written_and_neither() -> None:
    first, second = turns(HEADING + 80, items(a=0.9, b=0.8), items(a=0.9, b=0.8, c=0.7))
    assert first.estimated_cost() == pytest.approx(1.25 * (HEADING + 40))
    assert second.estimated_cost(first) == pytest.approx(0.1 * (HEADING + 40) + 1.25 * 20)
    assert second.estimated_cost(first.as_previous) == second.estimated_cost(first)
    assert second.estimated_cost(None) == pytest.approx(1.25 * (HEADING + 60))


def test_prices_are_settings_and_what_changes_is_not_written() -> None:
    prices = {"cached_read_price": 1.0, "cache_write_price": 10.0, "uncached_price": 100.0}
    steady = items(a=0.9)
    pools = [[*steady, MemoryItem("t", text, "rag", relevance=0.5)] for text in ("old", "new")]
    first, second = turns(200, *pools, caching=prices)
    assert first.estimated_cost() == 10.0 * (HEADING + 26)
    assert second.estimated_cost(first) == 1.0 * (HEADING + 20) + 100.0 * 6


def test_the_hash_is_that_of_the_stable_text() -> None:
    first, second = turns(HEADING + 60, items(a=0.9, b=0.8), items(a=0.9, b=0.8, c=0.7))
    third = turns(HEADING + 60, items(a=0.9, b=0.8), items(a=0.9, b=0.8, d=0.7))[1]
    assert first.prefix_hash == ""
    assert len(second.prefix_hash) == 32
    assert second.prefix_hash == third.prefix_hash
    assert second.to_dict()["prefix_hash"] == second.prefix_hash
    assert second.to_dict()["stable_prefix_tokens"] == HEADING + 40


def test_cache_blocks_end_where_earlier_prompts_ended() -> None:
    done = turns(300, items(a=0.9), items(a=0.9, b=0.8), items(a=0.9, b=0.8, c=0.7))
    blocks = done[2].to_cache_blocks()
    assert [len(block["text"]) for block in blocks] == [HEADING + 20, 20, 20]
    assert [block.get("cache_control") for block in blocks] == [
        None,
        {"type": "ephemeral"},
        {"type": "ephemeral"},
    ]
    assert done[0].to_cache_blocks() == [
        {
            "type": "text",
            "text": done[0].prompt_text,
            "cache_control": {"type": "ephemeral"},
        }
    ]


def test_no_mark_is_spent_on_a_heading() -> None:
    first, second = turns(200, items(a=0.9), items(b=0.9))
    assert second.stable_prefix_tokens == HEADING
    whole = {"type": "text", "text": second.prompt_text, "cache_control": {"type": "ephemeral"}}
    assert second.to_cache_blocks() == [whole]
    assert first.as_previous.breaks == (len(first.prompt_text),)


def test_the_lines_of_an_item_that_are_shared_are_marked() -> None:
    long, changed = (MemoryItem("a", f"one\ntwo\n{end}", "rag") for end in ("old", "new"))
    second = turns(200, [long], [changed])[1]
    shared, rest = second.to_cache_blocks()
    assert shared["text"].endswith("one\n  two\n")
    assert "cache_control" in shared
    assert rest["text"] == "  new\n"


def test_an_empty_prompt_has_no_block_and_costs_nothing() -> None:
    allocation = allocator_with().allocate_memory_budget("?", [], "w", 10)
    assert allocation.to_cache_blocks() == []
    assert allocation.estimated_cost() == 0.0
