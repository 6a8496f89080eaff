"""Which vectors of items are compared with a question's, against a plain loop."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.cached_embedder import CachedEmbedder
from mba_integrations.core.search.embedder import embed
from mba_integrations.core.search.embeddings import Embeddings

NAN, INF = float("nan"), float("inf")
VECTORS: tuple[list[float] | None, ...] = (
    *(None, [], [1.0, 2.0], [0.0, 0.0], [3.0, -1.0, 0.5], [NAN, 1.0], [1.0, INF, 2.0]),
    *([1e30, 1e30], [3e38, -3e38, 3e38], [1e300, 0.0]),
)


def items_of(vectors: list[list[float] | None]) -> list[MemoryItem]:
    return [
        MemoryItem(f"m{row}", "x" * (row + 1), "rag", embedding=v) for row, v in enumerate(vectors)
    ]


def by_length(texts: list[str]) -> Any:
    """Two numbers for a text; nothing usable where its length is a multiple of three."""
    return [[NAN, 0.0] if len(text) % 3 == 0 else [float(len(text)), 1.0] for text in texts]


def slowly(
    items: list[MemoryItem], embedder: Any, length: int | None
) -> tuple[list[list[float] | None], list[int], list[int]]:
    """Vectors that are compared, rows of faulty ones, and rows of those of another length."""
    vectors, faulty = [], []
    for row, item in enumerate(items):
        vector = None if item.embedding is None else item.embedding.tolist()
        is_faulty = vector is not None and (not vector or not np.isfinite(vector).all())
        if vector is None or is_faulty:
            vector = None if embedder is None else embedder([item.content])[0]
            if vector is not None and not np.isfinite(vector).all():
                vector, is_faulty = None, True
        faulty += [row] if is_faulty else []
        vectors.append(vector)
    lengths = [len(vector) for vector in vectors if vector is not None]
    most = max(lengths, key=lengths.count, default=0)
    wanted = length if length in lengths else most
    other = [row for row, one in enumerate(vectors) if one is not None and len(one) != wanted]
    used = [None if one is None or len(one) != wanted else one for one in vectors]
    return used, faulty, other


def assert_as_slowly(made: Embeddings, items: list[MemoryItem], embedder: Any, length: Any) -> None:
    got = made.of(embedder, length=length)
    used, faulty, other = slowly(items, embedder, length)
    assert got.faulty.tolist() == faulty
    assert got.other_length.tolist() == other
    known = [vector is not None for vector in used]
    if not any(known):
        assert got.column is None
        return
    assert got.column is not None
    assert got.column.known.tolist() == known
    rows = np.array([row for row, vector in enumerate(used) if vector is not None])
    exact = np.array([used[row] for row in rows])
    size = np.linalg.norm(exact, axis=1, keepdims=True)
    expected = exact / np.where(size > 0, size, 1.0)
    np.testing.assert_allclose(got.column.take(rows), expected, rtol=1e-5, atol=1e-7)


vectors_of_items = st.lists(st.sampled_from(VECTORS), max_size=7)


@given(vectors_of_items, st.sampled_from([None, 1, 2, 3]), st.sampled_from([None, by_length]))
def test_the_vectors_that_are_compared_are_those_of_a_plain_loop(
    vectors: list[list[float] | None], length: int | None, embedder: Any
) -> None:
    items = items_of(vectors)
    assert_as_slowly(Embeddings(items), items, embedder, length)


@given(
    vectors_of_items,
    st.lists(st.tuples(vectors_of_items, st.sampled_from([None, 2, 3]), st.booleans()), max_size=4),
    st.sampled_from([None, by_length]),
)
def test_vectors_of_a_changed_list_are_those_of_the_list_made_anew(
    first: list[list[float] | None], steps: list[Any], embedder: Any
) -> None:
    items = items_of(first)
    made = Embeddings(items)
    made.of(embedder)
    for vectors, length, is_read in steps:
        kept = list(range(len(items)))[::2]
        origin = np.array([*kept, *[-1] * len(vectors)], dtype=np.int64)
        before = len(items)
        items = [*(items[row] for row in kept), *items_of(vectors)]
        made = made.changed(items, RowMap.of(origin, before))
        if is_read:
            assert_as_slowly(made, items, embedder, length)
    for length in (None, 2, 3):
        assert_as_slowly(made, items, embedder, length)


def test_only_what_is_new_is_asked_for_after_a_change_with_an_odd_vector() -> None:
    asked: list[str] = []

    def embedder(texts: list[str]) -> Any:
        asked.extend(texts)
        return by_length(texts)

    items = items_of([None, [1.0, 2.0], [1.0, 2.0, 3.0]])
    made = Embeddings(items)
    made.of(embedder, length=2)
    more = [*items, MemoryItem("new", "seven", "rag"), MemoryItem("odd", "o", "rag", embedding=[1])]
    later = made.changed(more, RowMap(3, 5)).of(embedder, length=2)
    assert asked == ["x", "seven"]
    assert later.other_length.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param([[1.0, 2.0], [3.0, 4.0]], [True, True], id="all-usable"),
        pytest.param([[1.0, 2.0], []], [True, False], id="one-empty"),
        pytest.param([[1.0, 2.0], [1.0]], [True, False], id="one-shorter"),
        pytest.param([[1.0], [1.0, 2.0]], [True, False], id="of-two-lengths-the-first"),
        pytest.param([[NAN, 2.0], [3.0, 4.0]], [False, True], id="nan"),
        pytest.param([[3.0, 4.0], [1.0, INF]], [True, False], id="infinite-at-the-end"),
        pytest.param([[3.0, 4.0], [1e300, 0.0]], [True, False], id="over-float32"),
        pytest.param([[3e38, 3e38], [3e38, -3e38]], [True, True], id="sums-over-float32"),
        pytest.param([[], []], [False, False], id="all-empty"),
        pytest.param([[[1.0]], [2.0, 3.0]], [False, True], id="a-row-that-is-an-array"),
        pytest.param([None, [1.0, 2.0]], [False, True], id="none-for-a-text"),
        pytest.param(np.zeros((2, 0)), [False, False], id="no-dimensions"),
    ],
)
def test_a_text_that_a_model_cannot_embed_does_not_cost_the_rest(
    answer: Any, expected: list[bool]
) -> None:
    made = embed(["a", "b"], lambda texts: answer)
    assert made is not None
    assert made.dtype == np.float32
    usable = [bool(len(row)) and bool(np.isfinite(row).all()) for row in made]
    assert usable == expected
    assert all(
        is_usable or np.isnan(row).all() for row, is_usable in zip(made, usable, strict=True)
    )


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param([[10**400], [1.0]], id="an-integer-over-every-float"),
        pytest.param([["a"], [1.0, 2.0]], id="a-word"),
        pytest.param(7, id="a-number"),
        pytest.param([[1.0, 2.0]], id="a-row-too-few"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(answer: Any) -> None:
    with pytest.raises(InputError, match="the embedder returned"):
        embed(["a", "b"], lambda texts: answer)


class Model:
    """An embedder whose answers can be changed."""

    def __init__(self) -> None:
        self.length = 2
        self.broken: set[str] = set()
        self.asked: list[list[str]] = []

    def __call__(self, texts: list[str]) -> FloatArray:
        self.asked.append(texts)
        value = {text: NAN if text in self.broken else 1.0 for text in texts}
        return np.array([[value[text]] * self.length for text in texts])


def test_a_vector_that_cannot_be_used_is_asked_for_again() -> None:
    model = Model()
    embedder = CachedEmbedder(model)
    model.broken = {"a"}
    assert np.isnan(embedder(["a", "b"])).tolist() == [[True] * 2, [False] * 2]
    model.broken = set()
    assert np.isfinite(embedder(["a", "b"])).all()
    assert model.asked == [["a", "b"], ["a"]]


def test_vectors_of_an_exchanged_model_are_made_again() -> None:
    model = Model()
    embedder = CachedEmbedder(model)
    embedder(["a", "b"])
    model.length = 3
    assert embedder(["a", "c"]).tolist() == [[1.0] * 3] * 2
    assert embedder(["b", "a", "b"]).tolist() == [[1.0] * 3] * 3
    assert model.asked == [["a", "b"], ["c"], ["a"], ["b"]]


def test_a_model_of_ever_other_lengths_leaves_vectors_out() -> None:
    embedder = CachedEmbedder(lambda texts: np.ones((len(texts), len(texts[0]))))
    embedder(["a"])
    made = embedder(["a", "bb"])
    assert np.isnan(made).all(axis=1).tolist() == [True, False]


@pytest.mark.parametrize("twin", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_has_the_embedder_and_the_bounds_but_no_vector(
    twin: Callable[[CachedEmbedder], CachedEmbedder],
) -> None:
    embedder = CachedEmbedder(Model(), max_entries=2)
    embedder(["a", "b"])
    other = twin(embedder)
    assert other.missing(["a", "b"]) == ["a", "b"]
    assert other(["a"]).tolist() == [[1.0, 1.0]]
    other(["b", "c"])
    assert other.missing(["a", "b", "c"]) == ["a"]
    assert embedder.missing(["a", "b"]) == []


@pytest.mark.parametrize("there", [[True, True, True], [True, False, True], [False] * 3])
def test_vectors_known_to_be_sound_are_those_that_are_looked_at(there: list[bool]) -> None:
    items = items_of([[float(row), 2.0] if one else None for row, one in enumerate(there)])
    given = [item.embedding for item in items if item.embedding is not None]
    matrix = np.stack(given) if given else np.zeros((0, 0), dtype=np.float32)
    taken = Embeddings.of_matrix(items, matrix, np.array(there)).of(None, length=2)
    built = Embeddings(items).of(None, length=2)
    assert taken.lengths.tolist() == built.lengths.tolist()
    assert (taken.faulty.tolist(), taken.length) == ([], built.length)
    if built.column is None:
        assert taken.column is None
        return
    assert taken.column is not None
    assert np.array_equal(taken.column.take(np.arange(3)), built.column.take(np.arange(3)))
    assert taken.column.known.tolist() == there
