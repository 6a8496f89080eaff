"""Selected items in the order in which they are written, against a slow way of saying it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from fakes import line
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations import ItemOrder, MemoryItem, MemoryTier, RenderingSettings
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.assembly import (
    Prompt,
    assemble,
    chronological_order,
    common_beginning,
    reused_beginning,
)
from mba_integrations.core.selection.continuation import NOTHING_BEFORE, Continuation

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
TITLES = {tier: tier.value[0].upper() for tier in MemoryTier}


def renderer(**orders: str) -> Renderer:
    return Renderer(RenderingSettings(section_titles=TITLES, item_order=orders))


def written(
    items: Sequence[MemoryItem],
    rows: Sequence[int],
    *,
    value: Sequence[float] | None = None,
    layout: Renderer | None = None,
    after: Continuation = NOTHING_BEFORE,
) -> Prompt:
    return assemble(
        PoolSnapshot(items),
        np.array(sorted(rows), dtype=np.int64),
        value=np.array(value if value is not None else [0.5] * len(items)),
        layout=layout or renderer(),
        after=after,
    )


def sketch(prompt: Prompt) -> str:
    """Headings as capital letters, items as their first letter: "P ab R c"."""
    words = []
    for text in prompt.written.text.splitlines():
        if text.startswith("## "):
            words.append(f" {text[3:]} ")
        else:
            words.append(text[2])
    return "".join(words).strip()


MIXED = [
    line("a", 9, "rag"),
    line("b", 9, "project"),
    line("c", 9, "rag"),
    line("d", 9, "working"),
    line("e", 9, "project"),
]


@pytest.mark.parametrize(
    ("rows", "after", "expected"),
    [
        pytest.param((), NOTHING_BEFORE, "", id="nothing"),
        pytest.param((0,), NOTHING_BEFORE, "R a", id="one-item-one-section"),
        pytest.param((0, 1, 2, 4), NOTHING_BEFORE, "P be R ac", id="a-section-for-each-tier"),
        pytest.param(
            (0, 1, 2, 4),
            Continuation(beginning=(2,), opens=(True,)),
            "R ca P be",
            id="the-tier-of-the-beginning-goes-on",
        ),
        pytest.param(
            (0, 1, 2, 4),
            Continuation(beginning=(2, 1), opens=(True, True)),
            "R c P be R a",
            id="a-tier-of-the-beginning-gets-a-heading-more",
        ),
        pytest.param(
            (0, 2, 4),
            Continuation(beginning=(2, 1, 0), opens=(True, True, True)),
            "R c R a P e",
            id="of-the-beginning-what-is-not-selected-is-left-out",
        ),
        pytest.param(
            (0, 1, 2, 4),
            Continuation(changing=frozenset({4})),
            "P b R ac P e",
            id="what-changes-stands-last",
        ),
        pytest.param(
            (0, 2),
            Continuation(changing=frozenset({0})),
            "R ca",
            id="what-changes-needs-no-heading-in-the-last-section",
        ),
        pytest.param(
            (0, 1, 2, 4),
            Continuation(ahead=(4, 2)),
            "P eb R ca",
            id="what-goes-ahead-stands-first-in-its-section",
        ),
    ],
)
def test_sections_stand_in_their_order(
    rows: tuple[int, ...], after: Continuation, expected: str
) -> None:
    assert sketch(written(MIXED, rows, after=after)) == expected


@pytest.mark.parametrize(
    ("order", "ahead", "expected"),
    [
        pytest.param("value", (), "cabd", id="value"),
        pytest.param("value", (3,), "dcab", id="value-with-one-ahead"),
        pytest.param("input", (), "abcd", id="input"),
        pytest.param("input", (2, 0), "cabd", id="input-with-two-ahead"),
        pytest.param("ends", (), "cbda", id="ends"),
        pytest.param("ends", (3,), "cbda", id="ends-have-an-order-of-their-own"),
        pytest.param("chronological", (), "dbca", id="chronological"),
        pytest.param("chronological", (0,), "dbca", id="time-decides-before-ahead"),
    ],
)
def test_items_stand_in_the_order_of_their_section(
    order: str, ahead: tuple[int, ...], expected: str
) -> None:
    days = {"a": 4, "b": 2, "c": 3, "d": 1}
    items = [line(n, 9, created_at=MONDAY + timedelta(days=day)) for n, day in days.items()]
    prompt = written(
        items,
        range(4),
        value=[0.5, 0.4, 0.9, 0.3],
        layout=renderer(rag=order),
        after=Continuation(ahead=ahead),
    )
    assert sketch(prompt) == f"R {expected}"


def test_a_prompt_knows_its_rows_its_headings_and_what_is_steady() -> None:
    after = Continuation(beginning=(2,), opens=(True,), changing=frozenset({4}))
    prompt = written(MIXED, (0, 1, 2, 4), after=after)
    assert sketch(prompt) == "R ca P be"
    assert prompt.rows.tolist() == [2, 0, 1, 4]
    assert prompt.opens.tolist() == [True, False, True, False]
    changing = prompt.written.text[prompt.steady_characters :]
    assert changing == "- eeeeee\n"


def test_a_passage_is_written_in_place_of_its_item() -> None:
    snapshot = PoolSnapshot(MIXED)
    prompt = assemble(
        snapshot,
        np.array([0, 2]),
        value=np.full(5, 0.5),
        layout=renderer(),
        shown={2: line("z", 5)},
    )
    assert prompt.written.text == "## R\n- aaaaaa\n- zz\n"


@st.composite
def continued(draw: st.DrawFn) -> tuple[list[MemoryItem], list[int], Continuation]:
    tiers = draw(st.lists(st.sampled_from(MemoryTier), min_size=1, max_size=9))
    items = [line("abcdefghi"[row], 9, tier) for row, tier in enumerate(tiers)]
    every = draw(st.permutations(range(len(items))))
    rows = sorted(every[: draw(st.integers(0, len(items)))])
    order = draw(st.permutations(range(len(items))))
    beginning = tuple(order[: draw(st.integers(0, len(items)))])
    opens = tuple(
        place == 0 or items[row].tier is not items[beginning[place - 1]].tier
        for place, row in enumerate(beginning)
    )
    changing = frozenset(row for row in rows if row not in beginning and draw(st.booleans()))
    ahead = tuple(draw(st.permutations(range(len(items))))[:3])
    return (
        items,
        rows,
        Continuation(beginning=beginning, opens=opens, ahead=ahead, changing=changing),
    )


def slowly(items: list[MemoryItem], rows: list[int], after: Continuation) -> str:
    """The rules of the module, one after the other, in words of one letter."""
    order = list(renderer().section_order)
    sections: list[tuple[MemoryTier, list[int]]] = []
    for row, opens in zip(after.beginning, after.opens, strict=True):
        if row in rows:
            if opens or not sections or sections[-1][0] is not items[row].tier:
                sections.append((items[row].tier, []))
            sections[-1][1].append(row)
    for late in (False, True):
        rest = [r for r in rows if r not in after.beginning and (r in after.changing) is late]
        first = [sections[-1][0]] if sections else []
        for tier in first + [tier for tier in order if tier not in first]:
            own = [row for row in after.ahead if row in rest and items[row].tier is tier]
            own += [row for row in rest if items[row].tier is tier and row not in own]
            if own and tier in first:
                sections[-1][1].extend(own)
            elif own:
                sections.append((tier, own))
    return " ".join(
        f"{tier.value[0].upper()} {''.join(items[row].id for row in own)}" for tier, own in sections
    )


@given(continued())
def test_any_continuation_is_written_by_the_rules(
    drawn: tuple[list[MemoryItem], list[int], Continuation],
) -> None:
    items, rows, after = drawn
    prompt = written(items, rows, after=after)
    assert sketch(prompt) == slowly(items, rows, after)
    assert sorted(prompt.rows.tolist()) == rows
    assert int(prompt.opens.sum()) == prompt.written.text.count("## ")


# The order of time


def chronology(items: Sequence[MemoryItem], rows: Sequence[int]) -> list[int]:
    listed = np.array(rows, dtype=np.int64)
    ordered: list[int] = listed[chronological_order(PoolSnapshot(items), listed)].tolist()
    return ordered


def at(day: int | None, name: str = "a", **fields: object) -> MemoryItem:
    time = None if day is None else MONDAY + timedelta(days=day)
    return MemoryItem(name, "text", "working", created_at=time, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([at(2), at(1), at(3)], [1, 0, 2], id="by-time"),
        pytest.param([at(1), at(1), at(1)], [0, 1, 2], id="equal-times-by-input"),
        pytest.param([at(2), at(None), at(1)], [2, 0, 1], id="no-time-follows-the-one-before"),
        pytest.param([at(None), at(1), at(0)], [0, 2, 1], id="no-time-at-the-start-is-earliest"),
        pytest.param(
            [at(1, position=2), at(1, position=1), at(1)], [1, 0, 2], id="position-decides"
        ),
        pytest.param(
            [at(1, source="s", position=9), at(1, source="t", position=1)],
            [0, 1],
            id="source-before-position",
        ),
        pytest.param([], [], id="nothing"),
    ],
)
def test_the_order_of_time(items: list[MemoryItem], expected: list[int]) -> None:
    named = [
        MemoryItem(f"m{row}", one.content, one.tier, created_at=one.created_at,
                   source=one.source, position=one.position)
        for row, one in enumerate(items)
    ]  # fmt: skip
    assert chronology(named, range(len(named))) == expected


# What two prompts share


@given(st.text("ab\n", max_size=12), st.text("ab\n", max_size=12))
def test_the_common_beginning_is_that_of_a_letter_by_letter_search(left: str, right: str) -> None:
    slow = 0
    while slow < min(len(left), len(right)) and left[slow] == right[slow]:
        slow += 1
    assert common_beginning(left, right) == slow
    reused = reused_beginning(left, right)
    assert left[:reused] == right[:reused]
    assert reused in (0, len(left), len(right)) or right[reused - 1] == "\n"


@pytest.mark.parametrize(
    ("previous", "text", "expected"),
    [
        pytest.param("a\nb\n", "a\nb\nc\n", 4, id="all-of-the-previous"),
        pytest.param("a\nbc\n", "a\nbd\n", 2, id="whole-lines-only"),
        pytest.param("abc", "abd", 0, id="no-whole-line"),
        pytest.param("a\nbc", "a\nb", 3, id="all-of-the-new-one"),
        pytest.param("", "a\n", 0, id="nothing-before"),
    ],
)
def test_whole_lines_are_reused(previous: str, text: str, expected: int) -> None:
    assert reused_beginning(previous, text) == expected


def test_every_order_of_items_is_in_the_table() -> None:
    assert {order.value for order in ItemOrder} == {"value", "chronological", "input", "ends"}
