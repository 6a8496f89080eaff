"""Complexity: what people expect of typical queries, signals, settings, limits, and the fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.budget.complexity import (
    ComplexityEstimate,
    estimate_complexity,
    level_of,
)
from mba_integrations.core.budget.complexity_signals import READ_CHARACTERS
from mba_integrations.core.config.complexity_words import (
    DEFAULT_SIGNAL_POINTS,
    MOST_UNITS,
    ComplexitySignal,
)
from mba_integrations.core.config.settings import ComplexitySettings
from mba_integrations.core.errors import ConfigError, InputError
from mba_integrations.core.model import QueryComplexity
from mba_integrations.learning.complexity_fit import (
    FITTED_SIGNALS,
    MOST_POINTS,
    LabelledQuery,
    cross_validate,
    fit_points,
    leave_one_source_out,
    measure,
)

SETTINGS = ComplexitySettings()
DESIGN_REQUEST = (
    "Design a scalable event-driven architecture for a multi-tenant platform. Requirements: "
    "99.99% availability, low latency, encryption at rest, and an audit trail. Analyze the "
    "trade-offs between consistency and throughput, and propose a migration plan from our "
    "current PostgreSQL database."
)


def estimate(query: str, **options: int) -> ComplexityEstimate:
    return estimate_complexity(query, settings=SETTINGS, **options)


def signals(query: str, **options: int) -> set[ComplexitySignal]:
    return {one.signal for one in estimate(query, **options).evidence}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", "simple", id="empty"),
        pytest.param(" \n\t", "simple", id="white-space"),
        pytest.param("hi", "simple", id="greeting"),
        pytest.param("What is Python?", "simple", id="definition"),
        pytest.param("What is the capital of France?", "simple", id="one-fact"),
        pytest.param("Is the server up?", "simple", id="short-yes-or-no"),
        pytest.param("Can you help me with my homework now?", "simple", id="favour"),
        pytest.param("我叫什么名字？", "simple", id="chinese-fact"),
        pytest.param("How do I optimize database queries?", "medium", id="how-to"),
        pytest.param("Implement a REST API", "medium", id="one-instruction"),
        pytest.param("Compare A and B and explain the trade-offs", "complex", id="comparison"),
        pytest.param("Where did the creator of the Nocturne die?", "complex", id="two-hops"),
        pytest.param("Where did Margaret Verney's father die?", "complex", id="possessive-hop"),
        pytest.param("Would a seal pass a driving test in Norway?", "complex", id="judgement"),
        pytest.param(DESIGN_REQUEST, "expert", id="design-with-requirements"),
    ],
)
def test_level_of_typical_queries(query: str, expected: str) -> None:
    assert estimate(query).complexity == expected


@pytest.mark.parametrize(
    ("query", "signal"),
    [
        pytest.param("why me", ComplexitySignal.OPEN_QUESTION, id="open-question"),
        pytest.param(
            "could a bee lift a small car", ComplexitySignal.JUDGEMENT, id="yes-or-no-question"
        ),
        pytest.param("tea versus milk", ComplexitySignal.COMPARISON, id="comparing-word"),
        pytest.param("tea or milk", ComplexitySignal.COMPARISON, id="choice"),
        pytest.param("what both have", ComplexitySignal.COMPARISON, id="shared"),
        pytest.param("born where the wife of Bo was", ComplexitySignal.CHAIN, id="relation"),
        pytest.param("Bo’s wife", ComplexitySignal.CHAIN, id="curly-possessive"),
        pytest.param("the tall man who sang", ComplexitySignal.CHAIN, id="relative-clause"),
        pytest.param("Who? Where?", ComplexitySignal.SEVERAL_QUESTIONS, id="two-marks"),
        pytest.param("who came, and why", ComplexitySignal.SEVERAL_QUESTIONS, id="joined"),
        pytest.param("谁来了？为什么？", ComplexitySignal.SEVERAL_QUESTIONS, id="wide-marks"),
        pytest.param("red, green, blue", ComplexitySignal.ENUMERATION, id="commas"),
        pytest.param("- red\n- green", ComplexitySignal.ENUMERATION, id="bullets"),
        pytest.param("1. red\n2. green", ComplexitySignal.ENUMERATION, id="numbers"),
        pytest.param("Evaluating it", ComplexitySignal.INSTRUCTION, id="instruction"),
        pytest.param("go step by step", ComplexitySignal.INSTRUCTION, id="phrase"),
        pytest.param("our Databases", ComplexitySignal.TECHNICAL, id="any-ending-and-case"),
        pytest.param("```x```", ComplexitySignal.CODE, id="fence"),
        pytest.param("SELECT name FROM people", ComplexitySignal.CODE, id="sql"),
        pytest.param("use rows.sort(key).first", ComplexitySignal.CODE, id="calls"),
        pytest.param("class Row: pass", ComplexitySignal.CODE, id="class"),
        pytest.param("Traceback (most recent call last)", ComplexitySignal.CODE, id="trace"),
    ],
)
def test_signal_is_found_and_is_missing_from_a_plain_query(
    query: str, signal: ComplexitySignal
) -> None:
    assert signal in signals(query)
    assert signals("the blue car") == {ComplexitySignal.LENGTH}


@pytest.mark.parametrize(
    ("query", "signal"),
    [
        pytest.param("how many came", ComplexitySignal.OPEN_QUESTION, id="quantity"),
        pytest.param("is it going to rain today", ComplexitySignal.JUDGEMENT, id="the-moment"),
        pytest.param("who is the wife of Bo", ComplexitySignal.CHAIN, id="asked-for-itself"),
        pytest.param("yes, please", ComplexitySignal.ENUMERATION, id="one-comma"),
        pytest.param("how to open a or b", ComplexitySignal.COMPARISON, id="how-to-with-or"),
        pytest.param("the class attended on film(s).", ComplexitySignal.CODE, id="words"),
        pytest.param("if so, who came", ComplexitySignal.SEVERAL_QUESTIONS, id="main-clause"),
        pytest.param("state of the art", ComplexitySignal.CHAIN, id="idiom"),
        pytest.param("therapist", ComplexitySignal.TECHNICAL, id="term-inside-a-word"),
    ],
)
def test_signal_is_not_found_in_what_only_looks_like_it(
    query: str, signal: ComplexitySignal
) -> None:
    assert signal not in signals(query)


def test_long_conversation_and_many_candidates_are_evidence_but_do_not_lift_a_greeting() -> None:
    context = estimate("hi", conversation_turns=500, candidate_count=100_000)
    assert context.complexity is QueryComplexity.SIMPLE
    assert {one.found for one in context.evidence} >= {
        "500 turns so far",
        "100,000 items to choose from",
    }
    assert signals("hi", conversation_turns=19, candidate_count=999) == {ComplexitySignal.LENGTH}


def test_points_are_the_sum_of_the_evidence_and_most_come_first() -> None:
    found = estimate(DESIGN_REQUEST)
    points = [one.points for one in found.evidence]
    assert points == sorted(points, reverse=True)
    assert found.points == pytest.approx(sum(points))


def test_estimate_reads_as_a_sentence() -> None:
    assert str(estimate("")) == "simple, 0 points: nothing found"
    assert "comparison +3.5 (Compare)" in str(estimate("Compare tea and milk"))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param(1.99, "simple", id="below-medium"),
        pytest.param(2.0, "medium", id="at-medium"),
        pytest.param(4.0, "complex", id="at-complex"),
        pytest.param(10.0, "expert", id="at-expert"),
    ],
)
def test_threshold_belongs_to_the_level_above(points: float, expected: str) -> None:
    assert level_of(points, SETTINGS) == expected


def test_workspace_replaces_words_and_points() -> None:
    own = ComplexitySettings(
        technical_words=("Quark*", "弦论"), signal_points={ComplexitySignal.TECHNICAL: 5}
    )
    assert estimate_complexity("quarks", settings=own).complexity is QueryComplexity.COMPLEX
    assert estimate_complexity("什么是弦论", settings=own).complexity is QueryComplexity.COMPLEX
    assert estimate_complexity("databases", settings=own).complexity is QueryComplexity.SIMPLE


def test_empty_word_lists_and_zero_points_switch_signals_off() -> None:
    own = ComplexitySettings(
        technical_words=(),
        relation_words=(),
        signal_points={ComplexitySignal.LENGTH: 0},
    )
    assert estimate_complexity("Bo's wife uses databases", settings=own).evidence == ()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"medium_points": 4.0}, id="thresholds-equal"),
        pytest.param({"signal_points": {"charm": 1.0}}, id="unknown-signal"),
        pytest.param({"signal_points": {"length": -1.0}}, id="negative-points"),
        pytest.param({"signal_points": {"length": float("nan")}}, id="not-a-number"),
        pytest.param({"technical_words": ["*"]}, id="word-of-nothing"),
    ],
)
def test_settings_out_of_range_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        ComplexitySettings(**values)  # type: ignore[arg-type]


def test_arguments_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="query must be a text, got NoneType"):
        estimate_complexity(None, settings=SETTINGS)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="candidate_count must be an integer >= 0, got -1"):
        estimate("hi", candidate_count=-1)


@given(st.text(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_any_text_gives_one_estimate_within_the_limits(
    query: str, turns: int, candidates: int
) -> None:
    first = estimate(query, conversation_turns=turns, candidate_count=candidates)
    assert first == estimate(query, conversation_turns=turns, candidate_count=candidates)
    most = sum(MOST_UNITS[one] * DEFAULT_SIGNAL_POINTS[one] for one in ComplexitySignal)
    assert 0 <= first.points <= most + 0.1
    assert all(len(one.found) < 300 for one in first.evidence)


def test_no_signal_alone_makes_a_query_expert() -> None:
    for signal, points in DEFAULT_SIGNAL_POINTS.items():
        assert MOST_UNITS[signal] * points < SETTINGS.expert_points


def test_request_around_a_pasted_megabyte_is_read() -> None:
    pasted = "lorem ipsum " * 90_000
    plain = estimate(pasted)
    assert plain.complexity is QueryComplexity.COMPLEX  # by length alone, whatever it says
    before = estimate("Compare these. " + pasted)
    after = estimate(pasted + " Compare these.")
    assert before.points > plain.points
    assert after.points > plain.points
    middle = "x " * READ_CHARACTERS + "compare " + "x " * READ_CHARACTERS
    assert ComplexitySignal.COMPARISON not in signals(middle)


@pytest.mark.parametrize(
    "part",
    ["a", "the ", "the a ", "a, ", "?", "'s ", "`", "SELECT ", "a(", " ", "{\n", "\n", "1. ", "你"],
)
def test_no_pattern_backtracks_over_a_megabyte_of_one_part(part: str) -> None:
    # A pattern of quadratic cost shows as a test of many seconds.
    assert estimate(part * (1_000_000 // len(part))).points < SETTINGS.expert_points


def labelled() -> list[LabelledQuery]:
    single = ["who sang the blue song", "when was the tower made", "where is the lake"]
    several = ["was the tower or the lake made earlier", "who is older, the duke or the king"]
    return [
        LabelledQuery(text=text, several_steps=kind, source=source)
        for texts, kind in ((single, False), (several, True))
        for source in ("first", "second")
        for text in texts * 5
    ]


def test_fit_separates_what_a_signal_separates() -> None:
    points = fit_points(labelled())
    assert set(points) == set(FITTED_SIGNALS)
    assert points[ComplexitySignal.COMPARISON] == MOST_POINTS
    assert points[ComplexitySignal.JUDGEMENT] >= 0.0


def test_held_out_accuracy_is_of_questions_that_the_fit_does_not_see() -> None:
    accuracy = cross_validate(labelled(), repeats=2)
    assert accuracy.low <= accuracy.mean <= accuracy.high
    assert accuracy.of_single == 1.0
    assert set(accuracy.by_source) == {"first", "second"}
    assert leave_one_source_out(labelled()).mean == accuracy.mean
    flipped = [
        LabelledQuery(text=one.text, several_steps=not one.several_steps, source="third")
        for one in labelled()
    ]
    seen_only_elsewhere = leave_one_source_out([*labelled(), *flipped])
    assert seen_only_elsewhere.by_source["third"] < 0.5


def test_measure_agrees_with_the_estimator() -> None:
    queries = labelled()
    right = [
        (estimate(one.text).complexity in ("complex", "expert")) == one.several_steps
        for one in queries
    ]
    assert measure(queries).mean == pytest.approx(sum(right) / len(right))


def test_fit_needs_both_kinds_and_enough_questions() -> None:
    single = [one for one in labelled() if not one.several_steps]
    with pytest.raises(InputError, match="got 30 and 0"):
        fit_points(single)
    with pytest.raises(InputError, match="folds must be in"):
        cross_validate(labelled(), folds=1)
