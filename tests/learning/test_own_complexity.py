"""The learned estimator of complexity: the points without questions, their own fit with many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.budget.complexity import estimate_complexity
from mba_integrations.core.config.complexity_words import ComplexitySignal
from mba_integrations.core.config.learned.coefficients import ComplexityCoefficients
from mba_integrations.core.config.settings import ComplexitySettings
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import QueryComplexity
from mba_integrations.learning.complexity_fit import LabelledQuery
from mba_integrations.learning.own.complexity import labelled_query, own_complexity
from mba_integrations.learning.own.features import Label

LONG = "Tell me of the ten days that we spent in the hills with Ann and Bo"
SHORT = "Where is Ann"


def asked(text: str, *, several: bool, weight: float = 1.0) -> LabelledQuery:
    return LabelledQuery(text=text, several_steps=several, source="made", weight=weight)


def traffic(count: int, *, flipped: bool = False) -> list[LabelledQuery]:
    """Long questions take several steps; the other way round where they are flipped."""
    draw = np.random.default_rng(0)
    long = draw.random(count) < 0.5
    right = draw.random(count) < 0.9
    return [
        asked(LONG if one else SHORT, several=bool(one == said) != flipped)
        for one, said in zip(long, right, strict=True)
    ]


def probability(learned: ComplexityCoefficients, text: str) -> float:
    estimate = estimate_complexity(text, settings=ComplexitySettings(learned=learned))
    assert estimate.probability is not None
    return estimate.probability


def test_without_questions_the_points_hold_to_the_bit() -> None:
    assert own_complexity([]) is None
    assert own_complexity([asked(LONG, several=True, weight=0.0)]) is None
    assert estimate_complexity(LONG, settings=ComplexitySettings()).probability is None


def test_one_question_leaves_the_levels_of_the_points() -> None:
    learned = own_complexity([asked(SHORT, several=False)], strength=1e5)
    settings = ComplexitySettings(learned=learned)
    for text in (SHORT, LONG, "Which is older, the bridge or the church?", "Who is Bo's father?"):
        by_points = estimate_complexity(text, settings=ComplexitySettings())
        by_learned = estimate_complexity(text, settings=settings)
        assert by_learned.complexity is by_points.complexity
        assert by_learned.points == pytest.approx(by_points.points, abs=0.03)


def test_many_questions_make_the_probabilities_their_frequencies() -> None:
    learned = own_complexity(traffic(4_000), strength=1.0)
    assert learned is not None
    assert probability(learned, LONG) == pytest.approx(0.9, abs=0.02)
    assert probability(learned, SHORT) == pytest.approx(0.1, abs=0.02)


def test_a_signal_never_takes_points_away() -> None:
    learned = own_complexity(traffic(4_000, flipped=True), strength=1.0)
    assert learned is not None
    assert ComplexitySignal.LENGTH not in learned.weights
    assert all(weight >= 0.0 for weight in learned.weights.values())


def test_the_more_a_question_weighs_the_further_it_draws() -> None:
    far = []
    for weight in (0.1, 0.3, 1.0):
        learned = own_complexity(
            [asked(SHORT, several=True, weight=weight) for _ in range(30)], strength=100.0
        )
        assert learned is not None
        far.append(probability(learned, SHORT))
    assert far == sorted(far)
    assert far[0] < far[-1]


def test_learned_coefficients_change_the_level_and_say_so() -> None:
    learned = ComplexityCoefficients(intercept=1.0, weights={"length": 0.65})
    estimate = estimate_complexity(SHORT, settings=ComplexitySettings(learned=learned))
    assert estimate.complexity is QueryComplexity.COMPLEX
    assert [(one.signal, one.points) for one in estimate.evidence] == [
        (ComplexitySignal.LENGTH, 0.3)
    ]
    assert estimate.points == pytest.approx(4.0 + 1.0 / 0.65 + 0.3, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([LONG, SHORT, "", "Why and how?"]), st.booleans()), max_size=12
    ),
    st.floats(0, 1e6),
)
def test_whatever_is_learned_can_be_used(said: list[tuple[str, bool]], strength: float) -> None:
    learned = own_complexity(
        [asked(text, several=several) for text, several in said], strength=strength
    )
    for text in (LONG, SHORT, ""):
        estimate = estimate_complexity(text, settings=ComplexitySettings(learned=learned))
        assert estimate.points >= 0.0
        assert estimate.probability is None or 0.0 < estimate.probability < 1.0


def test_learning_twice_gives_the_same() -> None:
    assert own_complexity(traffic(50)) == own_complexity(traffic(50))


def test_a_strength_below_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="got -1"):
        own_complexity(traffic(9), strength=-1.0)


def label(memory_id: str, *, useful: bool = True, weight: float = 1.0) -> Label:
    return Label(memory_id=memory_id, useful=useful, weight=weight)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        pytest.param([], None, id="nothing-said"),
        pytest.param([label("a", useful=False)], None, id="nothing-of-use"),
        pytest.param([label("a"), label("b", useful=False)], (False, 1.0), id="one-of-use"),
        pytest.param([label("a"), label("a", weight=0.5)], (False, 1.0), id="one-said-twice"),
        pytest.param([label("a"), label("b", weight=0.5)], (True, 0.5), id="two-of-use"),
    ],
)
def test_two_memories_of_use_are_several_steps(
    labels: list[Label], expected: tuple[bool, float] | None
) -> None:
    found = labelled_query("Where?", labels)
    assert (None if found is None else (found.several_steps, found.weight)) == expected
