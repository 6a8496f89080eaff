"""Usefulness: what raises it, what it survives, where its coefficients come from."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from corpora import corpus_of, unit
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.arrays import FloatArray, nothing
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.times import SECONDS_PER_DAY
from mba_integrations.core.value.features.feedback_features import feedback_features
from mba_integrations.core.value.match import match_of
from mba_integrations.core.value.question import Question
from mba_integrations.core.value.usefulness import (
    LogisticModel,
    UsefulnessModel,
    estimate_usefulness,
    first_features,
    shipped_models,
)

FILLER = ["Nothing of note happened there today.", "Weather was dull and grey all day long."]


def usefulness(
    query: str,
    corpus: Corpus,
    *,
    query_vector: FloatArray | None = None,
    now_seconds: float | None = None,
    freshness: FloatArray | None = None,
) -> FloatArray:
    fresh = np.full(len(corpus.texts), 0.5) if freshness is None else freshness
    question = Question(text=query, vector=query_vector, now_seconds=now_seconds)
    return estimate_usefulness(question, corpus, match_of(question, corpus), freshness=fresh)


def test_a_match_outranks_the_rest() -> None:
    corpus = corpus_of([*FILLER, "Kate takes an Italian cooking class."])
    assert usefulness("Which cooking class does Kate take?", corpus).argmax() == 2


def test_the_neighbour_of_a_match_outranks_the_same_text_elsewhere() -> None:
    texts = ["A good one.", *FILLER * 3, "Which cooking class do you take?", "A good one.", *FILLER]
    values = usefulness(
        "Which cooking class does she take?", corpus_of(texts, source=[0] * len(texts))
    )
    assert values[8] > values[0]


def test_neighbours_are_those_of_the_same_source() -> None:
    texts = ["A cooking class downtown.", "It was fine.", "It was fine."]
    values = usefulness("cooking class", corpus_of(texts, source=[0, 0, 1]))
    assert values[1] > values[2]


def test_position_orders_the_source() -> None:
    texts = ["A cooking class downtown.", *["It was fine."] * 7]
    position = [0.0, 7, 6, 5, 4, 3, 2, 1]
    values = usefulness("cooking class", corpus_of(texts, source=[0] * 8, position=position))
    assert values[5:].min() > values[1:3].max()  # the last stand next to the match


def test_the_speaker_whom_the_query_names_is_preferred() -> None:
    corpus = corpus_of(["I love skiing in winter."] * 2, speakers=["Ben", "Kate"])
    ben, kate = usefulness("Does Kate love skiing?", corpus)
    assert kate > ben


def test_a_question_about_me_is_about_the_user() -> None:
    corpus = corpus_of(["The test coverage is 78 %."] * 2, speakers=["assistant", "user"])
    assistant, user = usefulness("What is my test coverage?", corpus)
    assert user > assistant


def test_an_item_that_a_strong_item_names_is_raised() -> None:
    texts = [
        "Blue Harbour (film)\nBlue Harbour is a film directed by Ines Valdivia in 1987.",
        "Ines Valdivia\nShe was born in Arequipa and studied architecture there.",
        "Otto Brandt\nHe was born in Bremen and studied architecture there.",
    ]
    _, named, other = usefulness("Where was the director of Blue Harbour born?", corpus_of(texts))
    assert named > 5 * other


def test_rare_terms_of_a_strong_item_raise_what_shares_them() -> None:
    texts = [
        "The cooking class is at the Fontanella school.",
        "You reach Fontanella by tram number nine.",
        "You reach Montebello by tram number nine.",
        *FILLER,
    ]
    values = usefulness("Where is the cooking class?", corpus_of(texts))
    assert values[1] > values[2]


def test_the_time_asked_for_is_preferred() -> None:
    corpus = corpus_of(
        ["Went to the market."] * 2, created_seconds=[1_704_000_000.0, 1_709_000_000.0]
    )
    december, february = usefulness("What happened on 31 December 2023?", corpus)
    assert december > february


@pytest.mark.parametrize(
    ("query", "newest_first"),
    [
        pytest.param("Where does she currently work?", True, id="currently"),
        pytest.param("Where did she first work?", False, id="first"),
    ],
)
def test_newest_or_oldest_as_asked(query: str, newest_first: bool) -> None:
    created = [1_700_000_000.0, 1_710_000_000.0]
    old, new = usefulness(query, corpus_of(["She does work."] * 2, created_seconds=created))
    assert bool(new > old) is newest_first


def test_freshness_breaks_ties() -> None:
    corpus = corpus_of(["She works at a bank."] * 2)
    old, new = usefulness("bank", corpus, freshness=np.array([0.1, 0.9]))
    assert new > old


def test_an_update_outranks_what_it_updates() -> None:
    vectors = unit([[1.0, 0.05], [1.0, 0.0], [0.0, 1.0]])
    texts = ["The budget is 400.", "The budget is 450.", "Lunch at noon."]
    corpus = corpus_of(
        texts, vectors=vectors, created_seconds=[day * SECONDS_PER_DAY for day in (1, 9, 5)]
    )
    old, new, _ = usefulness("budget", corpus, query_vector=np.array([1.0, 0.025]))
    assert new > old


def test_short_texts_count_less() -> None:
    short, long = usefulness(
        "skiing", corpus_of(["skiing", "skiing in the hills above town every single winter"])
    )
    assert long > short


def test_importance_raises() -> None:
    low, high = usefulness("bank", corpus_of(["the bank"] * 2, importance=[0.1, 0.9]))
    assert high > low


def test_the_place_in_a_retrievers_list_stands_in_for_vectors() -> None:
    texts = ["first unrelated text", "second unrelated text", "third unrelated text"]
    values = usefulness("something else", corpus_of(texts, found=[-2.0, 90.0, -3.0]))
    assert values.argmax() == 1


def test_a_given_relevance_is_no_feature_of_the_estimate() -> None:
    texts = ["first unrelated text", "second unrelated text"]
    unknown = usefulness("something else", corpus_of(texts))
    known = usefulness("something else", corpus_of(texts, given=[0.1, 0.9]))
    assert known.tolist() == unknown.tolist()


def test_an_item_without_vector_is_judged_by_its_words() -> None:
    texts = ["cooking class", "cooking class", *FILLER]
    vectors = unit([[1, 0], [0, 0], [0, 1], [-1, 1]])
    has_vector = np.array([True, False, True, True])
    corpus = corpus_of(texts, vectors=vectors, has_vector=has_vector)
    values = usefulness("cooking class", corpus, query_vector=np.array([1.0, 0.0]))
    assert values[1] > values[2:].max()


ODD_QUERIES = [
    pytest.param("", id="empty"),
    pytest.param('AND OR NOT (*) "~" [x TO y] \\', id="operators"),
    pytest.param("word I you 3 May 2024 " * 50_000, id="one-megabyte"),
    pytest.param("昨日は何を食べましたか", id="other-script"),
    pytest.param("\ud800\x00", id="surrogate-and-nul"),
]


@pytest.mark.parametrize("query", ODD_QUERIES)
@pytest.mark.parametrize("size", [0, 1, 6], ids=["no-items", "one-item", "equal-items"])
def test_odd_input_gives_equal_and_sound_values(query: str, size: int) -> None:
    vectors = np.tile(np.array([[0.6, 0.8]], dtype=np.float32), (size, 1))
    corpus = corpus_of(["same text"] * size, vectors=vectors)
    values = usefulness(query, corpus, query_vector=np.array([1.0, 0.0]), now_seconds=1e9)
    assert values.shape == (size,)
    assert np.isfinite(values).all()
    assert ((values >= 0.0) & (values <= 1.0)).all()
    assert len(set(values.tolist())) <= 1


finite = st.floats(-1e12, 1e12)
maybe = st.one_of(st.just(float("nan")), finite)
records = st.lists(
    st.tuples(
        st.text(max_size=25),
        st.integers(-1, 2),
        maybe,
        maybe,
        st.sampled_from(["Kate", "user", "", "assistant"]),
        st.one_of(st.just(float("nan")), st.floats(0, 1)),
        st.booleans(),
    ),
    max_size=7,
)


@given(records, st.text(max_size=30), st.booleans(), st.one_of(st.none(), st.floats(-1e9, 4e9)))
def test_any_mix_of_known_and_unknown_gives_finite_repeatable_values(
    rows: list[tuple[str, int, float, float, str, float, bool]],
    query: str,
    dense: bool,
    now_seconds: float | None,
) -> None:
    texts = [row[0] for row in rows]
    has_vector = np.array([row[6] for row in rows], dtype=bool)
    vectors = np.array([[1.0, 0.0] if row[6] else [0.0, 0.0] for row in rows], dtype=np.float32)
    corpus = corpus_of(
        texts,
        vectors=vectors.reshape(len(rows), 2),
        has_vector=has_vector,
        source=[row[1] for row in rows],
        position=[row[2] for row in rows],
        created_seconds=[row[3] for row in rows],
        speakers=[row[4] for row in rows],
        found=[row[5] for row in rows],
    )
    vector = np.array([0.6, 0.8]) if dense else None
    values = usefulness(query, corpus, query_vector=vector, now_seconds=now_seconds)
    again = usefulness(query, corpus, query_vector=vector, now_seconds=now_seconds)
    assert ((values >= 0.0) & (values <= 1.0)).all()
    assert values.tolist() == again.tolist()


def test_other_coefficients_may_be_given() -> None:
    model = LogisticModel(intercept=0.0, weights={"lexical_share": 2.0})
    models = {"lexical": UsefulnessModel(first=model, final=model)}
    question = Question(text="apple", vector=None, now_seconds=None)
    corpus = corpus_of(["apple", "pear"])
    match = match_of(question, corpus)
    values = estimate_usefulness(question, corpus, match, freshness=np.zeros(2), models=models)
    assert values.tolist() == pytest.approx([1 / (1 + np.exp(-2.0)), 0.5])


@pytest.mark.parametrize("kind", ["dense", "lexical"])
def test_every_shipped_weight_belongs_to_a_feature(kind: str) -> None:
    vectors = unit([[1, 0], [0, 1]]) if kind == "dense" else None
    corpus = corpus_of(["a b", "c d"], vectors=vectors)
    vector = np.array([1.0, 0.0]) if kind == "dense" else None
    question = Question(text="b", vector=vector, now_seconds=None)
    names = set(first_features(question, corpus, match_of(question, corpus), np.zeros(2)))
    model = shipped_models()[kind]
    assert set(model.first.weights) <= names
    names |= set(feedback_features(question, corpus, np.array([0.5, 0.1])))
    assert set(model.final.weights) <= names


def test_importing_usefulness_loads_no_search_library() -> None:
    code = (
        "import sys, mba_integrations.core.value.usefulness;"
        "print([m for m in ('bm25s', 'Stemmer', 'scipy') if m in sys.modules])"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert output.stdout.strip() == "[]"


def test_what_no_coefficient_weighs_is_not_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = corpus_of(["Kate skis.", "Oslo."], vectors=unit([[1, 0], [0, 1]]))
    question = Question(text="Kate", vector=np.array([1.0, 0.0]), now_seconds=None)
    wanted = feedback_features(question, corpus, np.array([0.5, 0.1]), ["outdated"])
    assert set(wanted) == {"outdated"}
    match = match_of(question, corpus)
    monkeypatch.setattr(
        "mba_integrations.core.value.features.feedback_features._like_strong", refused
    )
    assert "like_strong" not in shipped_models()["dense"].final.weights
    assert estimate_usefulness(question, corpus, match, freshness=np.zeros(2))[0] > 0.0


def refused(*_: object) -> FloatArray:
    """Stands in for what is not to be called."""
    raise AssertionError


@given(
    numbers=st.lists(st.floats(-5, 5), min_size=1, max_size=5),
    weights=st.lists(st.floats(-50, 50), min_size=3, max_size=3),
)
def test_a_column_of_nothing_counts_as_one_of_zeros(
    numbers: list[float], weights: list[float]
) -> None:
    model = LogisticModel(intercept=0.0, weights=dict(zip("abc", weights, strict=True)))
    match, none = np.array(numbers), np.zeros(len(numbers))
    features = {"a": none, "b": match, "c": none}
    short = features | {"a": nothing(len(numbers)), "c": nothing(len(numbers))}
    assert model.probability(short).tobytes() == model.probability(features).tobytes()


def test_what_a_pool_knows_nothing_of_is_no_column() -> None:
    """Of notes without source, speaker or date the regressions read the match alone."""
    corpus = corpus_of([*FILLER, "Kate takes a class."])
    question = Question(text="Which class?", vector=None, now_seconds=None)
    match = match_of(question, corpus)
    features = first_features(question, corpus, match, np.full(3, 0.5))
    made = {name for name, column in features.items() if column.strides != (0,)}
    expected = {"lexical_share", "lexical_rank", "substance", "excess_length", "asks", "freshness"}
    assert made == expected
    assert len(features) > len(expected)
