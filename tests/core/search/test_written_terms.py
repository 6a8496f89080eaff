"""Terms in writing: an index of them is the index of the texts."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.words.written_terms import TERMS_VERSION, written_terms

SAMPLES = (
    "Kate likes skiing, and the parsers of HTTPServer_v2 don't.",
    "Die Schlüssel liegen nicht auf dem Tisch, sondern in der Küche.",
    "Les clés ne sont pas sur la table mais dans la cuisine de Zoé.",
    "Las llaves no están en la mesa, sino en la cocina de la abuela.",
    "Ключи лежат не на столе, а на кухне у бабушки.",
    "東京都の鍵はどこですか。 हिन्दी में लिखा है। ﷺ ﬁne ①",
    "the of and",
    "",
)


def assert_equal(made: LexicalIndex, built: LexicalIndex) -> None:
    """Whether two indexes have the same columns."""
    assert made.columns.numbers.terms() == built.columns.numbers.terms()
    for name in ("sizes", "languages", "frequencies"):
        assert getattr(made.columns, name).tolist() == getattr(built.columns, name).tolist()
    assert (made.columns.total, made.columns.in_order) == (built.columns.total, True)
    assert len(made.columns.parts) == len(built.columns.parts)
    for one, other in zip(made.columns.parts, built.columns.parts, strict=True):
        for name in ("terms", "starts", "slots", "counts"):
            assert np.array_equal(getattr(one, name), getattr(other, name))


@given(
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from(SAMPLES), st.text()),
            st.sampled_from(["as cut now", "not known", "of another version"]),
        )
    )
)
def test_an_index_of_what_is_written_equals_one_of_the_texts(
    texts: list[tuple[str, str]],
) -> None:
    kept = {"not known": None, "of another version": f"{TERMS_VERSION + 1} 0\nother\nterms"}
    contents = [text for text, _ in texts]
    written = [kept[how] if how in kept else written_terms(text) for text, how in texts]
    assert_equal(LexicalIndex.of_written(contents, written), LexicalIndex.build(contents))


def test_later_texts_join_an_index_of_what_is_written() -> None:
    first = list(SAMPLES[:4])
    made = LexicalIndex.of_written(first, [written_terms(text) for text in first])
    rows = RowMap(4, len(SAMPLES))
    built = LexicalIndex.build(first).changed(SAMPLES, rows)
    assert_equal(made.changed(SAMPLES, rows), built)


def test_texts_are_cut_as_the_version_says() -> None:
    """Stores keep what `written_terms` gives. Who changes it raises the version, and this sum."""
    written = "\f".join(written_terms(text) for text in SAMPLES)
    assert TERMS_VERSION == 1
    assert hashlib.sha256(written.encode()).hexdigest()[:16] == "d57c636c2cb48477"


@pytest.mark.parametrize("text", SAMPLES)
def test_the_version_stands_first_and_each_term_in_a_line_of_its_own(text: str) -> None:
    head, *terms = written_terms(text).split("\n")
    assert head.split()[0] == str(TERMS_VERSION)
    assert terms == list(LexicalIndex.build([text]).terms(text))
