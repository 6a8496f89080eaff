"""Exchanges that come in by what tells, where a budget is too tight for the whole."""

from __future__ import annotations

import pytest
from problems import HEADING, problem_of

from mba_integrations import MemoryItem
from mba_integrations.core.selection.telling import TIGHT_TOKENS, select_with_talk

LINE = len("- \n")


def chosen(budget: int, tokens: tuple[int, int, int], worth: tuple[float, float, float]) -> str:
    """What comes in of a question, its answer and a note, whose lines have so many tokens."""
    items = [
        MemoryItem(name, name * (size - LINE), "working", metadata=metadata)
        for name, size, metadata in zip(
            "qan", tokens, [{"role": "user"}, {"role": "assistant"}, {}], strict=True
        )
    ]
    _, selection = select_with_talk(problem_of(items, budget, worth))
    assert selection.tokens.used <= budget
    return "".join(items[row].id for row in sorted(selection.prompt.rows.tolist()))


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        pytest.param(HEADING + 14, "", id="nothing-fits"),
        pytest.param(HEADING + 15, "n", id="only-the-note-fits"),
        pytest.param(HEADING + 20, "q", id="the-half-that-tells"),
        pytest.param(HEADING + 35, "qn", id="and-a-note-rather-than-the-other-half"),
        pytest.param(HEADING + 50, "qan", id="all-of-it"),
    ],
)
def test_in_a_tight_budget_what_tells_of_an_exchange_comes_in(budget: int, expected: str) -> None:
    assert chosen(budget, (20, 15, 15), (0.6, 0.0, 0.1)) == expected


def test_an_exchange_is_whole_where_that_costs_little() -> None:
    # Apart the question and the note would be worth a twentieth more.
    assert chosen(HEADING + 35, (20, 15, 15), (1.0, 0.05, 0.1)) == "qa"


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        pytest.param(TIGHT_TOKENS - 1, "qn", id="tight"),
        pytest.param(TIGHT_TOKENS, "n", id="not-tight"),
    ],
)
def test_from_a_bound_on_an_exchange_is_whole_or_out(budget: int, expected: str) -> None:
    note = budget - HEADING - 40
    assert chosen(budget, (40, 24, note), (0.6, 0.0, 1.0)) == expected
