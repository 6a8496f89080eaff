"""Vectors: several models side by side, one length for each, none of what is gone."""

from __future__ import annotations

import numpy as np
import pytest
from store_rows import add, read, row

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.services.store.statements import memories, vectors
from mba_integrations.services.store.statements.records import hash_of
from mba_integrations.services.store.store import Store


def put(store: Store, model_id: str, given: dict[str, list[float]], **options: object) -> int:
    numbers = np.array(list(given.values()), dtype=np.float64)
    return store.write(
        "kate", lambda writing: vectors.put(writing, model_id, list(given), numbers, **options)
    )


def kept(store: Store, model_id: str) -> dict[str, list[float]]:
    found, numbers = read(store, "kate", lambda reading: vectors.all_of(reading, model_id))
    assert numbers.dtype == np.float32
    return dict(zip(found, numbers.tolist(), strict=True))


def test_vectors_of_models_stand_side_by_side(store: Store) -> None:
    add(store, "kate", "a", "b")
    add(store, "tom", "a")
    assert put(store, "e", {"a": [1.0, 2.0], "b": [0.1, 0.2]}) == 2
    assert put(store, "f", {"a": [5.0]}) == 1
    assert kept(store, "e") == {
        "a": [1.0, 2.0],
        "b": [float(np.float32(0.1)), float(np.float32(0.2))],
    }
    assert kept(store, "f") == {"a": [5.0]}
    assert read(store, "kate", lambda reading: vectors.dim(reading, "e")) == 2
    assert read(store, "kate", vectors.coverage) == {"e": 2, "f": 1}
    assert read(store, "tom", vectors.coverage) == {}
    assert put(store, "e", {"a": [3.0, 4.0]}) == 1
    found, numbers = read(store, "kate", lambda reading: vectors.of(reading, "e", ["a", "x"]))
    assert (found, numbers.tolist()) == (("a",), [[3.0, 4.0]])
    assert store.write("kate", lambda writing: vectors.drop(writing, "e")) == 2
    assert kept(store, "e") == {}


@pytest.mark.parametrize(
    ("numbers", "says"),
    [
        pytest.param(
            np.ones((1, 3)),
            "have 2 numbers in workspace 'kate', got vectors of 3",
            id="other-length",
        ),
        pytest.param(np.ones((2, 2)), r"must have the shape \(1, d\), got \(2, 2\)", id="too-many"),
        pytest.param(np.ones(2), r"must have the shape \(1, d\), got \(2,\)", id="one-dimension"),
        pytest.param(np.ones((1, 0)), r"must have the shape \(1, d\), got \(1, 0\)", id="empty"),
        pytest.param(np.array([[np.nan, 1.0]]), "vectors must be finite", id="not-a-number"),
        pytest.param(np.array([[np.inf, 1.0]]), "vectors must be finite", id="infinite"),
    ],
)
def test_vectors_that_do_not_go_together_are_refused(
    store: Store, numbers: FloatArray, says: str
) -> None:
    add(store, "kate", "a")
    put(store, "e", {"a": [1.0, 2.0]})
    with pytest.raises(InputError, match=says):
        store.write("kate", lambda writing: vectors.put(writing, "e", ["a"], numbers))
    assert kept(store, "e") == {"a": [1.0, 2.0]}


def test_a_vector_of_what_is_gone_or_has_another_text_is_passed_over(store: Store) -> None:
    add(store, "kate", row("a", "old"), row("b", "text"))
    store.write("kate", lambda writing: memories.rewrite(writing, [row("a", "new")]))
    made_of = [hash_of("old"), hash_of("text"), hash_of("x")]
    given = {"a": [1.0], "b": [2.0], "unknown": [3.0]}
    assert put(store, "e", given, content_hashes=made_of) == 1
    assert kept(store, "e") == {"b": [2.0]}
    assert put(store, "e", given) == 2


def test_what_lacks_a_vector_is_told_in_order_and_by_parts(store: Store) -> None:
    add(store, "kate", "a", "b", "c", "d")
    store.write("kate", lambda writing: memories.forget(writing, ["d"]))
    put(store, "e", {"b": [1.0]})
    lacking = read(store, "kate", lambda reading: vectors.missing(reading, "e"))
    assert lacking == (("a", "text of a", 1), ("c", "text of c", 3))
    rest = read(store, "kate", lambda reading: vectors.missing(reading, "e", after=1, limit=1))
    assert rest == (("c", "text of c", 3),)
