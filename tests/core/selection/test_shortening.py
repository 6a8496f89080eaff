"""Which omitted items are tried by a passage, what room it gets, and when it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes import line
from hypothesis import given
from hypothesis import strategies as st
from problems import HEADING, problem_of

from mba_integrations import MemoryItem
from mba_integrations.core.search.passages import OMISSION, best_passage
from mba_integrations.core.selection import shortening
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.select import Selection, select
from mba_integrations.core.selection.shortening import (
    LARGEST_PART,
    MAX_PASSAGES,
    PASSAGE_WORTH,
    Shortened,
    shorten,
    with_passages,
)

ABOUT = "The deploy key rotates on Monday."
FILLER = "Nobody has asked about the weather. " * 20


def document(name: str = "long", text: str = ABOUT, tier: Any = "rag", **fields: Any) -> MemoryItem:
    """A long text with one sentence about the query in its middle."""
    return MemoryItem(name, f"{FILLER}{text} {FILLER}".strip(), tier, **fields)


def shortened(
    items: Sequence[MemoryItem],
    budget: int,
    scores: Sequence[float] | None = None,
    *,
    query: str = "deploy key",
    min_tokens: int | None = 100,
    **settings: Any,
) -> Shortened:
    problem = problem_of(items, budget, scores, **settings)
    return shorten(problem, select(problem), query, min_tokens=min_tokens)


def passages(found: Shortened) -> dict[str, str]:
    return {item.id: item.content for item in found.passages.values()}


def test_a_text_that_is_too_large_comes_in_by_its_best_sentence() -> None:
    found = shortened([document(), line("a", 30)], 300)
    (text,) = passages(found).values()
    assert ABOUT in text
    assert OMISSION in text
    assert found.selection.tokens.needed <= 300
    assert sorted(found.selection.prompt.rows.tolist()) == [0, 1]
    assert text in found.selection.prompt.written.text


def test_a_passage_is_worth_a_part_of_its_item() -> None:
    found = shortened([document(), line("a", 30)], 300, [0.8, 0.5])
    assert found.selection.value == pytest.approx(0.5 + 0.8 * PASSAGE_WORTH)
    half = shortened([document(text="A key."), line("a", 30)], 300, [0.8, 0.5])
    assert found.selection.value >= half.selection.value > 0.5


@pytest.mark.parametrize(
    ("item", "options"),
    [
        pytest.param(document(), {"min_tokens": None}, id="where-it-is-switched-off"),
        pytest.param(document(), {"min_tokens": 5000}, id="of-a-short-text"),
        pytest.param(document(), {"query": "umbrella"}, id="without-a-word-of-the-query"),
        pytest.param(document(tier="working"), {}, id="of-the-conversation"),
        pytest.param(document(group="g"), {}, id="of-a-group"),
        pytest.param(document(), {"scores": [0.0, 0.5]}, id="of-no-score"),
        pytest.param(document(), {"min_score": 0.9}, id="below-the-threshold"),
        pytest.param(document(), {"budget": 60}, id="without-room"),
        pytest.param(document(text=ABOUT * 30), {"budget": 250}, id="of-a-sentence-too-long"),
    ],
)
def test_there_is_no_passage(item: MemoryItem, options: dict[str, Any]) -> None:
    given = {"budget": 300, **options}
    items, budget = [item, line("a", 30)], given.pop("budget")
    text = given.pop("scores", None)
    if item.content.count(ABOUT) > 1:
        items[0] = replace(item, content=FILLER + "deploy key " * 60 + "." + FILLER)
    problem_settings = {name: given.pop(name) for name in ("min_score",) if name in given}
    found = shortened(items, budget, text, **given, **problem_settings)
    assert found.passages == {}
    assert 0 not in found.selection.prompt.rows


def test_without_a_passage_the_selection_is_the_one_handed_in() -> None:
    problem = problem_of([line("a", 30), line("b", 30)], 300)
    selection = select(problem)
    found = shorten(problem, selection, "deploy key", min_tokens=1)
    assert found.selection is selection
    assert found.problem is problem


def test_a_passage_never_displaces_what_is_worth_more() -> None:
    items = [document(), *(line(name, 60) for name in "abcd")]
    scores = [0.9, *[0.5] * 4]
    found = shortened(items, HEADING + 4 * 60, scores)
    assert sorted(found.selection.prompt.rows.tolist()) == [1, 2, 3, 4]
    assert found.selection.value == pytest.approx(2.0)


def test_idle_tokens_take_a_passage_of_what_was_outranked() -> None:
    """The whole would fit alone, but others are worth more; 100 tokens stay idle beside them."""
    long = document()
    size = len(long.content) + len("- \n")
    items = [long, *(line(name, 300) for name in "abcde")]
    budget = HEADING + 5 * 300 + 100
    assert size < budget
    found = shortened(items, budget, [0.4, *[0.9] * 5])
    assert sorted(found.selection.prompt.rows.tolist()) == [0, 1, 2, 3, 4, 5]
    assert ABOUT in passages(found)["long"]
    assert len(passages(found)["long"]) <= 100


def test_a_passage_takes_no_more_than_its_part_of_the_budget() -> None:
    sentences = " ".join(f"The deploy key of server {n} rotates." for n in range(200))
    items = [MemoryItem("long", sentences, "rag"), *(line(name, 190) for name in "abc")]
    budget = 800
    found = shortened(items, budget, [0.9, 0.1, 0.1, 0.1])
    room = max(budget * LARGEST_PART, budget - (HEADING + 3 * 190))
    assert 0 < len(passages(found)["long"]) <= room


def test_so_many_are_tried_and_the_best_first(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def looked_at(text: str, **given: Any) -> Any:
        tried.append(text)
        return best_passage(text, **given)

    monkeypatch.setattr(shortening, "best_passage", looked_at)
    items = [document(f"d{n}", f"The deploy key {n}.") for n in range(2 * MAX_PASSAGES)]
    shortened(items, 600, [n / 100 for n in range(2 * MAX_PASSAGES)])
    assert tried == [item.content for item in reversed(items[MAX_PASSAGES:])]


def test_the_problem_with_passages_is_another_one() -> None:
    items = [document(), line("a", 30)]
    problem = problem_of(items, 300, [0.8, 0.5])
    short = replace(items[0], content="deploy key")
    other = with_passages(problem, {0: short}, {0: 0.5})
    rows = np.arange(2)
    assert other.tokens.of(rows).tolist() == [len("- deploy key\n"), 30]
    assert other.values(rows).tolist() == pytest.approx([0.8 * PASSAGE_WORTH * 0.5, 0.5])
    assert dict(other.shown) == {0: short}
    assert problem.tokens.of(rows).tolist() == [len(items[0].content) + 3, 30]
    assert problem.values(rows).tolist() == [0.8, 0.5]
    assert dict(problem.shown) == {}


@st.composite
def long_and_short(draw: st.DrawFn) -> tuple[SelectionProblem, Selection]:
    items = []
    for row in range(draw(st.integers(1, 6))):
        tier = draw(st.sampled_from(["rag", "project", "working"]))
        if draw(st.booleans()):
            items.append(document(f"m{row}", draw(st.sampled_from([ABOUT, "A key.", "no"])), tier))
        else:
            items.append(line(f"m{row}", draw(st.integers(5, 80)), tier))
    scores = [draw(st.sampled_from([0.0, 0.2, 0.9])) for _ in items]
    problem = problem_of(items, draw(st.integers(40, 2500)), scores)
    return problem, select(problem)


@given(long_and_short(), st.sampled_from([1, 100, None]))
def test_what_is_shortened_is_worth_more_fits_and_is_part_of_its_item(
    drawn: tuple[SelectionProblem, Selection], min_tokens: int | None
) -> None:
    problem, selection = drawn
    found = shorten(problem, selection, "deploy key", min_tokens=min_tokens)
    assert found.selection.tokens.needed <= problem.plan.total_tokens
    assert found.selection.upper_bound >= found.selection.value - 1e-9
    if not found.passages:
        assert found.selection is selection
        return
    assert found.selection.value > selection.value
    for row, item in found.passages.items():
        whole = problem.snapshot.items[row]
        assert row in found.selection.prompt.rows
        assert replace(item, content=whole.content) == whole
        parts = [part.strip() for part in item.content.split(OMISSION) if part.strip()]
        assert parts
        assert all(part in whole.content for part in parts)
