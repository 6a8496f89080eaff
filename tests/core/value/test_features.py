"""The features of usefulness against plain loops over the items, one at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from corpora import corpus_of, unit
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.pool.neighbourhood import Neighbourhood
from mba_integrations.core.value.features import context_features as context
from mba_integrations.core.value.features.context_features import context_features
from mba_integrations.core.value.features.feedback_features import feedback_features
from mba_integrations.core.value.features.match_features import match_features
from mba_integrations.core.value.features.neighbour_features import neighbour_features
from mba_integrations.core.value.match import Match, filled_by_lexical, match_of, standardised
from mba_integrations.core.value.question import Question

DAY = 86_400.0
MAY_1 = 1_777_593_600.0  # 2026-05-01, UTC
QUERIES = (
    *("Where does Kate ski?", "What did I say lately?", "What did you say first?"),
    *("", "Oslo on 2026-05-01", "What did Tom do in May 2026 originally?", "two weeks ago"),
)
TEXTS = (
    *("Kate skis in Oslo.", "Does Tom ski?", "the of and", "Oslo Harbour\nCold.", ""),
    "Keys and keys. " * 60,
)
SPEAKERS = ("user", "assistant", "Kate Bell", "tom", "AI")

Column = list[float]


def question(text: str, vector: Any = None) -> Question:
    return Question(text=text, vector=vector, now_seconds=MAY_1 + 14 * DAY)


@st.composite
def corpora(draw: st.DrawFn) -> Corpus:
    size = draw(st.integers(1, 7))

    def some(values: Sequence[Any]) -> list[Any]:
        return draw(st.lists(st.sampled_from(values), min_size=size, max_size=size))

    vectors = unit(some([[1, 0, 0], [0, 1, 0], [0.6, 0.8, 0], [0.1, 0, 1]]))
    with_vectors = draw(st.booleans())
    return corpus_of(
        some(TEXTS),
        vectors=vectors if with_vectors else None,
        has_vector=np.ones(size, dtype=bool) if with_vectors else None,
        source=some([-1, 0, 0, 1]),
        position=some([math.nan, 1.0, 2.0, 3.0]),
        created_seconds=some([math.nan, MAY_1, MAY_1 + DAY, MAY_1 - 20 * DAY]),
        speakers=some(SPEAKERS),
        given=some([math.nan, math.nan, 0.25, 1.0]),
        found=some([math.nan, math.nan, -7.5, 0.25, 80.0]),
    )


def rank_share(scores: Column) -> Column:
    return [10 / (10 + sum(other > one for other in scores)) if one > 0 else 0.0 for one in scores]


def mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    return math.sqrt(mean([(value - mean(values)) ** 2 for value in values]))


def slow_centred(cosine: FloatArray, corpus: Corpus, part: float) -> Column:
    """Cosines less a part of the product with the mean of all vectors and twenty of zeros."""
    assert corpus.vectors is not None
    rows = corpus.vectors.take(np.arange(len(corpus.texts))).astype(float)
    common = rows @ (rows.sum(axis=0) / (int(corpus.vectors.known.sum()) + 20))
    return (cosine - common * part).tolist()  # type: ignore[no-any-return]


def slow_similarity(match: Match, corpus: Corpus, part: float) -> Column | None:
    """Centred cosines; without them the places in the list, NaN outside; None without either."""
    if match.cosine is not None:
        return slow_centred(match.cosine, corpus, part)
    if not corpus.lists:
        return None
    [found] = corpus.lists
    scores = dict(zip(found.rows.tolist(), found.scores.tolist(), strict=True))
    return [
        10 / (10 + better(scores[row], list(scores.values()))) if row in scores else math.nan
        for row in range(len(corpus.texts))
    ]


def better(score: float, scores: Column) -> float:
    """How many scores are better; of equal ones half."""
    return sum(one > score for one in scores) + (scores.count(score) - 1) / 2


def slow_match_features(corpus: Corpus, match: Match) -> dict[str, Column]:
    best = max([*match.lexical.tolist(), 1e-12])
    dense = slow_dense_features(corpus, match, 0.25)
    told = match.words_tell**2 if dense else 1.0
    lexical = [share / best * told for share in match.lexical.tolist()]
    lengths = [len(text) for text in corpus.texts]
    features = {
        "lexical_share": lexical,
        "lexical_rank": [share * told for share in rank_share(match.lexical.tolist())],
        "substance": [math.log((size + 1) / (size + 400)) for size in lengths],
        "excess_length": [max(0.0, math.log1p(size) - 6) for size in lengths],
        "asks": [float("?" in text) for text in corpus.texts],
    }
    alone = slow_dense_features(corpus, match, 1.0)
    names = ("dense_rank", "dense_share") if alone else ()
    untold = 1.0 - match.words_tell
    return {
        **features,
        **dense,
        **{f"{name}_alone": [value * untold for value in alone[name]] for name in names},
    }


def slow_dense_features(corpus: Corpus, match: Match, part: float) -> dict[str, Column]:
    similarity = slow_similarity(match, corpus, part)
    if similarity is None:
        return {}
    filled = filled_by_lexical(np.array(similarity), match.lexical).tolist()
    spread = deviation(filled)
    z = [(one - mean(filled)) / spread if spread > 1e-9 else 0.0 for one in filled]
    top, low = max(0.0, *z), min(0.0, *z)
    return {
        "dense_z": z,
        "dense_gap": [one - top for one in z],
        "dense_share": [max(one, 0.0) / max(top, 1.0) for one in z],
        "dense_rank": rank_share([one - low for one in z]),
    }


@given(corpora(), st.sampled_from(QUERIES))
def test_features_of_the_match_are_those_of_a_plain_loop(corpus: Corpus, query: str) -> None:
    asked = question(query, np.array([0.8, 0.6, 0.1], dtype=np.float32))
    match = match_of(asked, corpus)
    got = match_features(asked, corpus, match)
    expected = slow_match_features(corpus, match)
    assert set(got) == {*expected, "named_in_query"}
    for name, column in expected.items():
        # Ranks of values that differ by rounding only may differ too.
        part = 1.0 if name.endswith("_alone") else 0.25
        ties = has_near_ties(slow_dense_features(corpus, match, part).get("dense_z", []))
        if not name.startswith("dense_rank") or not ties:
            assert got[name].tolist() == pytest.approx(column, rel=1e-6, abs=1e-6), name


def has_near_ties(values: Column) -> bool:
    ordered = sorted(values)
    return any(0 <= b - a < 1e-6 for a, b in pairwise(ordered))


@given(st.lists(st.tuples(st.floats(0, 1), st.none() | st.floats(-1, 1)), min_size=2, max_size=8))
def test_similarities_that_are_missing_lie_on_the_line_of_least_squares(
    pairs: list[tuple[float, float | None]],
) -> None:
    lexical = np.array([x for x, _ in pairs])
    similarity = np.array([math.nan if y is None else y for _, y in pairs])
    known = [(x, y) for x, y in pairs if y is not None]
    filled = filled_by_lexical(similarity, lexical)
    if not known:
        assert filled.tolist() == [0.0] * len(pairs)
        return
    x, y = np.array(known).T
    spread = float(np.var(x))
    slope = float(np.mean((x - x.mean()) * (y - y.mean()))) / spread if spread > 1e-12 else 0.0
    expected = [y.mean() + slope * (a - x.mean()) if b is None else b for a, b in pairs]
    assert filled.tolist() == pytest.approx(expected)


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, -3.0]), max_size=6))
def test_standardised_values_have_mean_zero_and_deviation_one_or_are_all_zero(
    values: Column,
) -> None:
    made = standardised(np.array(values))
    assert made.shape == (len(values),)
    if len(set(values)) > 1:
        assert (float(made.mean()), float(made.std())) == pytest.approx((0.0, 1.0), abs=1e-9)
    else:
        assert made.tolist() == [0.0] * len(values)


def in_source(corpus: Corpus, row: int) -> list[int]:
    """Rows of the item's source in their order: by position, else by input; nothing without one."""
    if corpus.source[row] < 0:
        return []
    rows = [
        other for other in range(len(corpus.texts)) if corpus.source[other] == corpus.source[row]
    ]
    places = {one: corpus.position[one] for one in rows}
    return sorted(rows, key=lambda one: (one if math.isnan(places[one]) else places[one], one))


def beside(corpus: Corpus, values: Column, steps: int) -> Column:
    found = []
    for row in range(len(corpus.texts)):
        order = in_source(corpus, row)
        place = order.index(row) + steps if order else -1
        found.append(values[order[place]] if 0 <= place < len(order) else 0.0)
    return found


@given(corpora(), st.data())
def test_features_of_neighbours_are_those_of_a_plain_loop(
    corpus: Corpus, data: st.DataObject
) -> None:
    size = len(corpus.texts)
    shares = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=size, max_size=size)
    strength, asks = data.draw(shares), data.draw(shares)
    before, after = beside(corpus, strength, -1), beside(corpus, strength, 1)
    wider = [beside(corpus, strength, step) for step in (-5, -4, -3, 3, 4, 5)]
    best = [
        max((strength[one] for one in in_source(corpus, row)), default=0) for row in range(size)
    ]
    expected = {
        "before": before,
        "after": after,
        "two_before": beside(corpus, strength, -2),
        "two_after": beside(corpus, strength, 2),
        "wider": [mean(column) for column in zip(*wider, strict=True)],
        "source_best": best,
        "answers": [a * b for a, b in zip(before, beside(corpus, asks, -1), strict=True)],
        "asks_before_match": [a * b for a, b in zip(after, asks, strict=True)],
    }
    got = neighbour_features(corpus.around, np.array(strength), np.array(asks))
    assert set(got) == set(expected)
    for name, column in expected.items():
        assert got[name].tolist() == pytest.approx(column), name


def slow_speakers(query: str, corpus: Corpus) -> dict[str, Column]:
    """Who is meant: a name of the query, the asker by "I" or "my", the answerer by "you"."""
    words = re.findall(r"\w+", query.lower())
    asker, answerer = {"user"}, {"assistant", "ai"}

    def meant(name: str) -> bool:
        if name in asker:
            return any(word in words for word in ("i", "me", "my", "we"))
        if name in answerer:
            return any(word in words for word in ("you", "your"))
        return any(part in words for part in name.split())

    names = [corpus.speaker_names[code].lower() for code in corpus.speaker]
    is_meant = [meant(name) for name in names]
    return {
        "speaker_meant": [float(one) for one in is_meant],
        "other_speaker_meant": [float(any(is_meant) and not one) for one in is_meant],
        "asker_role": [float(name in asker) for name in names],
    }


@given(corpora(), st.sampled_from(QUERIES))
def test_features_of_speakers_are_those_of_a_plain_loop(corpus: Corpus, query: str) -> None:
    size = len(corpus.texts)
    got = context_features(question(query), corpus, np.zeros(size), np.full(size, 0.75))
    expected = slow_speakers(query, corpus)
    assert {name: got[name].tolist() for name in expected} == expected
    assert got["freshness"].tolist() == [0.25] * size


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        pytest.param("Kate: it was cold today.", [0.0, 0.0], id="who-says-a-line-is-not-asked-for"),
        pytest.param("Kate: what of Tom?", [0.0, 1.0], id="who-is-named-in-it-is"),
        pytest.param("What of Kate: cold?", [1.0, 0.0], id="a-name-inside"),
    ],
)
def test_a_line_of_the_talk_is_said_by_whom_it_begins_with(query: str, meant: list[float]) -> None:
    corpus = corpus_of(["a", "b"], speakers=["Kate", "Tom"])
    got = context_features(question(query), corpus, np.zeros(2), np.zeros(2))
    assert got["speaker_meant"].tolist() == meant


@pytest.mark.parametrize(
    ("query", "days", "expected"),
    [
        pytest.param("What on 2026-05-01?", [0, 1, 8, None], [0, 0, 7, None], id="a-day"),
        pytest.param("What in May 2026?", [0, 30, 31, 38], [0, 0, 0, 7], id="a-month"),
        pytest.param("What two days ago?", [12, 10, 20], [0, 1.5, 7.5], id="counted-from-now"),
        pytest.param("What today?", [13, 14, 6], [0, 0, 7], id="today"),
        pytest.param("What of Kate?", [0, 1], [math.inf, math.inf], id="no-time"),
        pytest.param("2026-05-01 or 2026-05-15?", [0, 8, 15], [0, 6, 0], id="the-nearest-of-two"),
    ],
)
def test_nearness_to_the_time_asked_for_falls_by_e_in_a_week(
    query: str, days: list[float | None], expected: list[float | None]
) -> None:
    created = [math.nan if day is None else MAY_1 + day * DAY for day in days]
    corpus = corpus_of(["x"] * len(days), created_seconds=created)
    got = context_features(question(query), corpus, np.ones(len(days)), np.ones(len(days)))
    near = [0.0 if away is None else math.exp(-away / 7) for away in expected]
    assert got["near_period"].tolist() == pytest.approx(near, abs=1e-9)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("What is the latest?", {"latest_asked": [-0.5, 0.0, 0.25]}, id="latest"),
        pytest.param("What came first?", {"first_asked": [0.5, 0.0, -0.25]}, id="first"),
        pytest.param("The latest of the first?", {"latest_asked": [-0.5, 0.0, 0.25]}, id="both"),
        pytest.param("What of Kate?", {}, id="neither"),
    ],
)
def test_newest_and_first_raise_by_age_and_by_match(query: str, expected: Any) -> None:
    corpus = corpus_of(["x"] * 3, created_seconds=[MAY_1, math.nan, MAY_1 + DAY])
    strength = np.array([1.0, 1.0, 0.5])
    got = context_features(question(query), corpus, strength, np.ones(3))
    for name in ("latest_asked", "first_asked"):
        assert got[name].tolist() == expected.get(name, [0.0] * 3)


@settings(max_examples=50)
@given(corpora(), st.data())
def test_features_of_feedback_read_the_estimate_like_a_plain_loop(
    corpus: Corpus, data: st.DataObject
) -> None:
    size = len(corpus.texts)
    shares = st.lists(st.sampled_from([0.0, 0.25, 0.5]), min_size=size, max_size=size)
    estimate = data.draw(shares)
    share = [one / max(*estimate, 1e-12, 0.0) for one in estimate]
    near = [beside(corpus, share, step) for step in (-4, -3, -2, 2, 3, 4)]
    expected = {
        "before_estimate": beside(corpus, share, -1),
        "after_estimate": beside(corpus, share, 1),
        "source_estimate": [
            max((share[one] for one in in_source(corpus, row)), default=0.0) for row in range(size)
        ],
        "wider_estimate": [mean(column) for column in zip(*near, strict=True)],
    }
    got = feedback_features(question("Kate?"), corpus, np.array(estimate))
    for name, column in expected.items():
        assert got[name].tolist() == pytest.approx(column), name
    assert all(np.isfinite(column).all() for column in got.values())


def test_distinct_speakers_are_looked_at_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0

    def counted(values: Iterable[object]) -> bool:
        nonlocal looked_at
        listed = list(values)
        looked_at += len(listed)
        return any(listed)

    monkeypatch.setattr(context, "any", counted, raising=False)
    counts = []
    for size in (100, 200, 400):
        looked_at = 0
        corpus = corpus_of(["x"] * size, speakers=[f"name{row}" for row in range(size)])
        context_features(question("Kate said"), corpus, np.zeros(size), np.zeros(size))
        counts.append(looked_at)
    assert counts == [200, 400, 800]  # each name once by its parts, and once among all


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_an_arrangement_does_not_depend_on_the_order_of_the_input(order: list[int]) -> None:
    """Three items of one source at places 1, 2 and 3."""
    position = np.array([1.0, 2.0, 3.0])[order]
    around = Neighbourhood(source=np.zeros(3, dtype=int), position=position)
    values = np.array([10.0, 20.0, 30.0])[order]
    after = {1.0: 20.0, 2.0: 30.0, 3.0: 0.0}
    assert around.shifted(values, 1).tolist() == [after[place] for place in position]
