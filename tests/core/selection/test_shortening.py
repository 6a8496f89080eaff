"""Which items come in as some of their sentences, which sentences, and when whole items stay."""

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
from mba_integrations.core.search.sentences.index import SentenceIndex, index_of
from mba_integrations.core.search.sentences.spans import OMISSION, sentence_spans
from mba_integrations.core.search.terms import TermSplitter
from mba_integrations.core.selection.passages import parts
from mba_integrations.core.selection.passages.parts import MOST_CANDIDATES
from mba_integrations.core.selection.passages.shortening import (
    Shortened,
    shorten,
    with_passages,
)
from mba_integrations.core.selection.select import select

ABOUT = "The deploy key rotates on Monday."
FILLER = "Nobody has asked about the weather. " * 20
RESULT = {"role": "tool"}


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
    found = shortened([document(), line("a", 30)], 90, [0.8, 0.5])
    (text,) = passages(found).values()
    assert text == f"{OMISSION} {ABOUT} {OMISSION}"
    assert found.selection.tokens.needed <= 90
    assert sorted(found.selection.prompt.rows.tolist()) == [0, 1]
    assert text in found.selection.prompt.written.text


def test_where_the_wholes_would_fit_sentences_of_more_items_come_in() -> None:
    """Each document is 200 characters, so one fits; of all four the sentence that answers does."""
    filler = "It snows in May here. "
    items = [
        MemoryItem(f"d{n}", f"{filler * 4}{n} deploy keys rotate. {filler * 3}", "rag")
        for n in range(4)
    ]
    found = shortened(items, 230)
    assert [f"{n} deploy keys rotate." in passages(found)[f"d{n}"] for n in range(4)] == [True] * 4
    assert len(shortened(items, 230, min_tokens=None).selection.prompt.rows) == 1


def test_the_needle_of_a_long_memory_comes_in_beside_a_text_that_is_about_nothing() -> None:
    sonnet = MemoryItem("sonnet", "Shall I compare thee to a summer's day? " * 4, "long_term")
    memory = document("needle", "The deploy key is 4711.", "long_term")
    found = shortened([sonnet, memory], 200, [0.3, 0.3])
    assert "The deploy key is 4711." in passages(found)["needle"]


def test_a_passage_is_worth_what_its_sentences_match() -> None:
    found = shortened([document(), line("a", 30)], 120, [0.8, 0.5])
    worth = found.selection.value - 0.5
    assert 0.8 > worth > 0.4
    other = shortened([document(text="Every key is here."), line("a", 30)], 120, [0.8, 0.5])
    assert worth > other.selection.value - 0.5 > 0.0


@pytest.mark.parametrize(
    ("item", "options"),
    [
        pytest.param(document(), {"min_tokens": None}, id="where-it-is-switched-off"),
        pytest.param(document(), {"min_tokens": 5000}, id="of-a-short-text"),
        pytest.param(document(tier="working"), {}, id="of-the-conversation"),
        pytest.param(document(group="g"), {}, id="of-a-group"),
        pytest.param(document(), {"scores": [0.0, 0.5]}, id="of-no-score"),
        pytest.param(document(), {"min_score": 0.9}, id="below-the-threshold"),
        pytest.param(document(), {"budget": 50}, id="without-room"),
    ],
)
def test_there_is_no_passage(item: MemoryItem, options: dict[str, Any]) -> None:
    given = {"budget": 300, **options}
    items, budget = [item, line("a", 30)], given.pop("budget")
    scores = given.pop("scores", None)
    found = shortened(items, budget, scores, **given)
    assert found.passages == {}
    assert 0 not in found.selection.prompt.rows


def test_two_sentences_and_what_is_no_prose_stay_whole() -> None:
    two = MemoryItem("two", f"{ABOUT} {'It snows here in May and in June ' * 4}.", "rag")
    rows = MemoryItem("rows", "\n".join(f"deploy key {n}, host {n}" for n in range(8)), "rag")
    found = shortened([two, rows, line("a", 30)], 150, min_tokens=20)
    assert found.passages == {}


def test_without_a_passage_the_selection_is_the_one_handed_in() -> None:
    problem = problem_of([line("a", 30), line("b", 30)], 300)
    selection = select(problem)
    found = shorten(problem, selection, "deploy key", min_tokens=1)
    assert found.selection is selection
    assert found.problem is problem


def test_a_passage_never_displaces_what_is_worth_more() -> None:
    items = [document(text="A key."), *(line(name, 30) for name in "abcd")]
    scores = [0.9, *[0.8] * 4]
    found = shortened(items, HEADING + 4 * 30, scores)
    assert sorted(found.selection.prompt.rows.tolist()) == [1, 2, 3, 4]
    assert found.selection.value == pytest.approx(3.2)


def test_a_passage_of_what_was_outranked_takes_idle_tokens() -> None:
    items = [document(), *(line(name, 300) for name in "abcde")]
    found = shortened(items, HEADING + 5 * 300 + 100, [0.4, *[0.9] * 5])
    assert sorted(found.selection.prompt.rows.tolist()) == [0, 1, 2, 3, 4, 5]
    assert ABOUT in passages(found)["long"]
    assert len(passages(found)["long"]) <= 100


def test_a_sentence_below_the_price_stays_out_whatever_room_there_is() -> None:
    problem = replace(problem_of([document()], 5000, [0.8]), token_price=0.005)
    found = shorten(problem, select(problem), "deploy key", min_tokens=100)
    assert passages(found)["long"] == f"{OMISSION} {ABOUT} {OMISSION}"


def test_only_the_best_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def reading(text: str) -> SentenceIndex:
        read.append(text)
        return index_of(text)

    monkeypatch.setattr(parts, "index_of", reading)
    items = [document(f"d{n}", f"The deploy key {n}.") for n in range(2 * MOST_CANDIDATES)]
    shortened(items, 600, [n / 1000 for n in range(1, 2 * MOST_CANDIDATES + 1)])
    assert set(read) == {item.content for item in items[MOST_CANDIDATES:]}


def test_what_is_too_short_for_sentences_is_not_read_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    def noted(text: str) -> SentenceIndex:
        read.append(text)
        return index_of(text)

    monkeypatch.setattr(parts, "index_of", noted)
    one_sentence, two, three = "word " * 100, "Word word. " * 2, "Word word. " * 3
    texts = [one_sentence, f"{one_sentence}\nMore", f"{three} {one_sentence}", two]
    shortened([MemoryItem(f"i{n}", text, "rag") for n, text in enumerate(texts)], 60, min_tokens=0)
    assert set(read) == {texts[2], texts[3]}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("The key is red. " * 3, id="prose"),
        pytest.param("# Keys\n\n- red\n- blue\n- green\n", id="list"),
        pytest.param("鍵は赤い。鍵は青い。鍵", id="without-spaces"),
        pytest.param("The key is red. " * 4_000, id="longer-than-is-read"),
    ],
)
def test_looking_at_the_number_of_sentences_cuts_nothing_into_terms(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: list[str] = []

    def noted(_: TermSplitter, text: str) -> list[str]:
        cut.append(text)
        return []

    monkeypatch.setattr(TermSplitter, "terms", noted)
    index = SentenceIndex(text, sentence_spans(text), headed=False)
    assert (len(index) >= 3, index.is_prose in (True, False), cut) == (True, True, [])
    assert len(index.sizes) == len(index.words) == len(cut) == len(index)


def test_the_problem_with_passages_is_another_one() -> None:
    problem = problem_of([document(), line("a", 30)], 300, [0.8, 0.5])
    rows = np.array([0, 1])
    before = problem.values(rows).tolist(), problem.tokens.of(rows).tolist()
    short = MemoryItem("long", ABOUT, "rag")
    other = with_passages(problem, {0: short}, {0: 0.5})
    assert (problem.values(rows).tolist(), problem.tokens.of(rows).tolist()) == before
    assert other.tokens.of(rows).tolist() == [len(f"- {ABOUT}\n"), 30]
    assert other.values(rows).tolist() == pytest.approx([0.4, 0.5])


def test_what_stayed_out_is_told_as_the_whole_that_it_is() -> None:
    items = [document(), document("other", "No word of it."), line("a", 30)]
    found = shortened(items, 120, [0.8, 0.01, 0.5])
    assert passages(found).keys() == {"long"}
    assert found.problem.tokens.of(np.array([1]))[0] == len(f"- {items[1].content}\n")
    assert found.problem.values(np.array([1]))[0] == 0.01


OUTPUT = "\n".join(
    [
        "$ pytest -q tests",
        *(f"tests/test_{n}.py passed in {n} ms" for n in range(30)),
        *(f"rotate.py:{n}: the deploy key is stale" for n in range(9)),
        *(f"tests/test_{n}.py passed in {n} ms" for n in range(30, 60)),
        "FAILED tests/test_login.py",
        "exit code 1",
    ]
)


@pytest.mark.parametrize("group", [None, "g"], ids=["alone", "in-a-group"])
def test_the_result_of_a_tool_keeps_what_matters_and_the_errors_at_its_end(
    group: str | None,
) -> None:
    call = MemoryItem("call", "pytest -q tests", "working", group=group)
    result = MemoryItem("result", OUTPUT, "working", group=group, metadata=RESULT)
    found = shortened([call, result], 175, [0.5, 0.8])
    lines = passages(found)["result"].splitlines()
    assert lines[0].startswith("$ pytest -q tests")
    assert any("the deploy key is stale" in one for one in lines[1:-2])
    assert lines[-2:] == ["FAILED tests/test_login.py", "exit code 1"]
    assert len(found.selection.prompt.rows) == 2


TEXTS = st.lists(
    st.sampled_from(
        (
            *("The deploy key rotates. ", "It snows in May. ", "Oslo\n", "- a list\n", "\n\n"),
            *("日本の鍵。", "e.g. a key ", "    indented\n", "```\nx\n```\n", "| a | b |\n"),
        )
    ),
    min_size=1,
    max_size=14,
).map("".join)


@given(
    st.lists(
        st.tuples(TEXTS, st.sampled_from(["rag", "working", "long_term"]), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.integers(HEADING, 400),
    st.sampled_from([0.0, 0.001, 0.01]),
    st.data(),
)
def test_no_prompt_is_over_its_budget_or_worth_less_than_the_whole_items(
    drawn: list[tuple[str, Any, bool]], budget: int, price: float, data: st.DataObject
) -> None:
    items = [
        MemoryItem(f"i{n}", text, tier, metadata=RESULT if is_result else {})
        for n, (text, tier, is_result) in enumerate(drawn)
    ]
    scores = [data.draw(st.integers(0, 20)) / 20 for _ in items]
    problem = replace(problem_of(items, budget, scores), token_price=price)
    whole = select(problem)
    found = shorten(problem, whole, "deploy key", min_tokens=10)
    selection = found.selection
    assert selection.tokens.needed <= budget
    assert whole.value <= selection.value <= selection.upper_bound * (1 + 1e-9)
    assert selection.value == pytest.approx(found.problem.values(selection.prompt.rows).sum())
    assert found.passages.keys() <= set(selection.prompt.rows.tolist())
    for row, item in found.passages.items():
        pieces = [piece.strip() for piece in item.content.split(OMISSION)]
        rest = items[row].content
        for piece in filter(None, pieces):
            assert piece in rest
            rest = rest.partition(piece)[2]
