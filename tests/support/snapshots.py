"""What tests of snapshots share: every column made, and two snapshots held against each other."""

from __future__ import annotations

import numpy as np
from allocators import workspace
from fakes import CharCounter

from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.pool.snapshot import PoolSnapshot

QUERIES = ("Where does Kate ski?", "Oslo harbour 日本 keys", "nothing known", "")


class CountingCounter(CharCounter):
    """Remembers what it was asked to count."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def count(self, text: str, /) -> int:
        self.texts.append(text)
        return len(text)


def prepared(snapshot: PoolSnapshot) -> None:
    """Make every column."""
    snapshot.corpus(snapshot.vectors(None).column)
    snapshot.token_column(renderer(), CountingCounter()).all()
    traits = snapshot.lexical.traits
    _ = traits.substance, traits.excess_length, traits.asks, traits.headings


def renderer() -> Renderer:
    return Renderer(workspace().rendering)


def assert_same(left: PoolSnapshot, right: PoolSnapshot) -> None:
    assert list(left.items) == list(right.items)
    assert [left.ids.get(item.id) for item in right.items] == list(range(len(right)))
    one, other = (it.corpus(it.vectors(None).column) for it in (left, right))
    for name in ("tier", "group", "pinned", "importance", "given_relevance", "created_seconds"):
        np.testing.assert_array_equal(getattr(left.columns, name), getattr(right.columns, name))
    np.testing.assert_array_equal(left.columns.retriever_score, right.columns.retriever_score)
    for found, expected in zip(left.lists, right.lists, strict=True):
        assert found.rows.tolist() == expected.rows.tolist()
    assert left.columns.naive_times == right.columns.naive_times
    for name in ("source", "position", "speaker"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    values = np.arange(1.0, len(right) + 1.0)
    for step in (-2, -1, 1, 2):
        np.testing.assert_array_equal(
            one.around.shifted(values, step), other.around.shifted(values, step)
        )
    assert one.speaker_names == other.speaker_names
    assert left.speakers.frequent == right.speakers.frequent
    assert list(one.texts) == list(other.texts)
    counter = CountingCounter()
    counts = [snapshot.token_column(renderer(), counter).all() for snapshot in (left, right)]
    np.testing.assert_array_equal(*counts)
    assert_same_words(left, right)
    assert_same_vectors(left, right)


def assert_same_words(left: PoolSnapshot, right: PoolSnapshot) -> None:
    one, other = left.lexical, right.lexical
    rows = range(len(right))
    for query in QUERIES:
        np.testing.assert_array_equal(one.scores(query), other.scores(query))
        assert one.best_possible(query) == other.best_possible(query)
        assert one.term_weights(query) == other.term_weights(query)
        for count in (1, 3, 12):
            found = [
                index.scores_of_rare_terms(rows, besides=query, count=count)
                for index in (one, other)
            ]
            np.testing.assert_array_equal(*found)
        assert one.traits.headings.named_in(query) == other.traits.headings.named_in(query)
    for name in ("log_length", "substance", "excess_length", "asks"):
        np.testing.assert_array_equal(getattr(one.traits, name), getattr(other.traits, name))


def assert_same_vectors(left: PoolSnapshot, right: PoolSnapshot) -> None:
    for length in (None, 2, 3):
        one, other = (snapshot.vectors(None, length=length) for snapshot in (left, right))
        for name in ("lengths", "is_faulty", "other_length"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert one.length == other.length
        if one.column is None or other.column is None:
            assert one.column is other.column
            continue
        np.testing.assert_array_equal(one.column.known, other.column.known)
        query = np.linspace(-1.0, 2.0, one.length, dtype=np.float32)
        rows = np.arange(len(left))
        np.testing.assert_allclose(
            one.column.dot(query), other.column.dot(query), rtol=1e-6, atol=1e-6
        )
        np.testing.assert_allclose(one.column.take(rows), other.column.take(rows))
