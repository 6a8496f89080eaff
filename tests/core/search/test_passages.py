"""Passages: the best sentences of a long text, and when they stand for it in a prompt."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from allocators import BY_RELEVANCE
from fakes import CharCounter
from hypothesis import given
from hypothesis import strategies as st
from strategies import NOW

from mba_integrations import (
    Allocation,
    MemoryBudgetAllocator,
    MemoryItem,
    Omitted,
    Selected,
    WorkspaceConfig,
)
from mba_integrations.core.search.passages import best_passage
from mba_integrations.core.search.sentences.spans import OMISSION

WEIGHTS = {"kate": 2.0, "skis": 3.0, "oslo": 1.0}
FILLER = "Nothing of note is said in this one at all. "


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def passage(text: str, max_chars: int) -> str | None:
    found = best_passage(text, weights=WEIGHTS, terms_of=words, max_chars=max_chars)
    return None if found is None else found.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            f"{FILLER}Kate skis. {FILLER}", "[…] Kate skis. […]", id="the-one-that-matches"
        ),
        pytest.param(f"Kate skis. {FILLER * 3}", "Kate skis. […]", id="at-the-beginning"),
        pytest.param(f"{FILLER * 3}Kate skis.", "[…] Kate skis.", id="at-the-end"),
        pytest.param(
            f"In Oslo. {FILLER * 2}Kate skis. {FILLER}",
            "In Oslo. […] Kate skis. […]",
            id="in-the-order-of-the-text",
        ),
        pytest.param(
            f"{FILLER}Oslo calls.\nKate skis. {FILLER}",
            "[…] Oslo calls. Kate skis. […]",
            id="neighbours-without-a-mark",
        ),
        pytest.param(FILLER * 5, None, id="no-term-no-passage"),
        pytest.param("Kate skis.", None, id="a-text-that-fits-is-no-passage"),
        pytest.param("Kate skis " * 20, None, id="no-sentence-fits"),
    ],
)
def test_passage(text: str, expected: str | None) -> None:
    assert passage(text, 60) == expected


@given(
    parts=st.lists(
        st.sampled_from(["Kate skis. ", "In Oslo! ", FILLER, "x\n", "日本。"]), max_size=20
    ),
    max_chars=st.integers(1, 300),
)
def test_a_passage_fits_and_keeps_the_order_of_the_text(parts: list[str], max_chars: int) -> None:
    text = "".join(parts)
    found = best_passage(text, weights=WEIGHTS, terms_of=words, max_chars=max_chars)
    if found is None:
        return
    assert len(found.text) <= max_chars
    assert 0.0 < found.share <= 1.0
    rest = iter(words(text))
    assert all(word in rest for word in words(found.text))


@given(
    parts=st.lists(
        st.sampled_from(["Kate. ", "Kate skis. ", "Oslo skis Kate. ", "In Oslo! ", FILLER, "x. "]),
        min_size=1,
        max_size=12,
    ),
    max_chars=st.integers(20, 150),
)
def test_sentences_are_taken_as_by_trying_all_of_them_each_time(
    parts: list[str], max_chars: int
) -> None:
    text = "".join(parts)
    if len(text) <= max_chars:
        return
    assert passage(text, max_chars) == passage_slowly(text, max_chars)


def passage_slowly(text: str, max_chars: int) -> str | None:
    """Take the sentence that adds most per character, until none fits or adds anything."""
    sentences = [f"{part}." if part[-1] not in ".!" else part for part in split(text)]
    room, taken, held = max_chars - 2 * (len(OMISSION) + 1), list[int](), set[str]()
    lead = 0.5 * sum(WEIGHTS.values()) / len(WEIGHTS)

    def gain(place: int) -> float:
        size = len(sentences[place]) + len(OMISSION) + 2
        if place in taken or size > room:
            return 0.0
        new = [word for word in dict.fromkeys(words(sentences[place])) if word not in held]
        added = sum(WEIGHTS.get(word, 0.0) for word in new)
        return (added + (lead if taken and place == 0 else 0.0)) / size

    while (best := max(range(len(sentences)), key=gain)) is not None and gain(best) > 0.0:
        room -= len(sentences[best]) + len(OMISSION) + 2
        taken.append(best)
        held |= set(words(sentences[best]))
    if not held & set(WEIGHTS):
        return None
    written, before = "", -1
    for place in sorted(taken):
        gap = place > before + 1
        written += f"{OMISSION} " * gap + sentences[place] + " "
        before = place
    return written + OMISSION if before < len(sentences) - 1 else written.rstrip()


def split(text: str) -> list[str]:
    return re.findall(r"\S[^.!]*[.!]", text)


def test_the_share_does_not_depend_on_the_order_of_hashes() -> None:
    program = (
        "from mba_integrations.core.search.passages import best_passage\n"
        "weights = {f'w{n}': 0.1 * n + 0.01 for n in range(60)}\n"
        "text = '. '.join(' '.join(f'w{n}' for n in range(s, 60, 7)) for s in range(7)) + '. x'\n"
        "found = best_passage(text, weights=weights, terms_of=str.split, max_chars=150)\n"
        "print(repr(found))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(4)
    }
    assert len(said) == 1
    assert "share=0." in said.pop()


def allocate(items: list[MemoryItem], budget: int, **settings: Any) -> Allocation:
    allocator = MemoryBudgetAllocator(token_counter=CharCounter())
    allocator.register_workspace(WorkspaceConfig(workspace_id="w", **BY_RELEVANCE, **settings))
    return allocator.allocate_memory_budget("Where are the skis?", items, "w", budget, now=NOW)


LONG = MemoryItem(
    "long", FILLER * 20 + "The skis are in the cellar. " + FILLER * 20, "rag", relevance=0.9
)
SHORT = MemoryItem("short", "Snow is expected on Sunday.", "rag", relevance=0.2)


def test_a_text_over_the_budget_comes_in_as_its_best_sentence() -> None:
    allocation = allocate([LONG, SHORT], 300)
    chosen = allocation.decision("long")
    assert isinstance(chosen, Selected)
    assert chosen.passage is not None
    assert "The skis are in the cellar." in chosen.passage
    assert chosen.item is LONG
    assert f"- {chosen.passage}\n" in allocation.prompt_text
    assert allocation.used_tokens == len(allocation.prompt_text) <= 300
    assert chosen.tokens == len(f"- {chosen.passage}\n")
    assert chosen.to_dict()["shortened"]
    assert isinstance(allocation.decision("short"), Selected)


@pytest.mark.parametrize("score", [0.4, 0.8])
def test_a_passage_ranks_no_higher_than_its_text(score: float) -> None:
    """A Mem0 score counts for each token: that of the best sentence is the item's, others less."""
    allocation = allocate([replace(LONG, relevance=score)], 300)
    (chosen,) = allocation.selected
    assert chosen.passage is not None
    assert 0.0 < allocation.value < score * chosen.tokens
    (alone,) = allocate([replace(LONG, relevance=score)], 65).selected
    assert alone.passage == "[…] The skis are in the cellar. […]"


@pytest.mark.parametrize(
    ("item", "settings"),
    [
        pytest.param({}, {"passage_min_tokens": None}, id="switched-off"),
        pytest.param({}, {"passage_min_tokens": 5000}, id="not-long-enough"),
        pytest.param({"group": "g"}, {}, id="grouped"),
        pytest.param({"tier": "working"}, {}, id="said-in-the-conversation"),
    ],
)
def test_some_texts_are_never_shortened(item: dict[str, Any], settings: dict[str, Any]) -> None:
    fields = {"tier": "rag", "relevance": 0.9, **item}
    whole = MemoryItem("long", LONG.content, **fields)
    allocation = allocate([whole, SHORT], 300, **settings)
    assert isinstance(allocation.decision("long"), Omitted)
    assert OMISSION not in allocation.prompt_text


def test_a_text_that_fits_stays_whole() -> None:
    allocation = allocate([LONG, SHORT], 5000)
    chosen = allocation.decision("long")
    assert isinstance(chosen, Selected)
    assert chosen.passage is None
    assert LONG.content.strip() in allocation.prompt_text


def test_a_passage_never_displaces_what_is_worth_more() -> None:
    better = [MemoryItem(f"b{n}", f"{n} " + "y" * 95, "rag", relevance=1.0) for n in range(3)]
    allocation = allocate([LONG, *better], 320)
    assert {entry.id for entry in allocation.selected} == {"b0", "b1", "b2"}
