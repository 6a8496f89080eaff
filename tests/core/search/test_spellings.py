"""Words that no text has, and the nearest spelling that one has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.words.spellings import Spellings, can_be_misspelt, within


def edits_between(left: str, right: str, *, other: bool) -> int:
    """The slow oracle: the whole table of optimal string alignment."""
    table = np.zeros((len(left) + 1, len(right) + 1), dtype=int)
    table[:, 0], table[0, :] = range(len(left) + 1), range(len(right) + 1)
    for i in range(1, len(left) + 1):
        for j in range(1, len(right) + 1):
            same = left[i - 1] == right[j - 1]
            costs = [table[i - 1, j] + 1, table[i, j - 1] + 1]
            costs += [table[i - 1, j - 1] + (0 if same else 1)] if same or other else []
            if i > 1 and j > 1 and left[i - 2 : i] == right[j - 2 : j][::-1]:
                costs.append(table[i - 2, j - 2] + 1)
            table[i, j] = min(costs)
    return int(table[-1, -1])


words = st.text("abcé", max_size=8)


@given(words, words, st.integers(0, 2), st.booleans())
def test_within_is_the_distance_of_the_table(
    left: str, right: str, edits: int, other: bool
) -> None:
    near = edits_between(left, right, other=other) <= edits
    assert within(left, right, edits=edits, other=other) == near


@given(
    st.lists(st.text("abcdeя1", min_size=1, max_size=9), max_size=30, unique=True),
    st.text("abcdeя", min_size=4, max_size=9),
    st.randoms(),
)
def test_the_nearest_is_the_one_that_a_search_of_all_words_finds(
    vocabulary: list[str], word: str, dice: object
) -> None:
    frequencies = np.array([len(one) % 4 for one in vocabulary], dtype=np.int64)
    found = Spellings().extended(vocabulary).nearest(word, frequencies=frequencies)
    ranked = [
        (edits_between(word, one, other=len(word) > 4), -frequencies[number], one, number)
        for number, one in enumerate(vocabulary)
        if frequencies[number] and can_be_misspelt(one) and one[0] == word[0]
    ]
    near = [entry for entry in sorted(ranked) if entry[0] <= (2 if len(word) >= 7 else 1)]
    expected = None
    if near:
        # A word that is there as it is written is at distance 0, which counts as one edit.
        least = max(1, near[0][0])
        expected = min(entry[1:] for entry in near if max(1, entry[0]) == least)[-1]
    assert found == expected


TEXTS = [
    "The guest password is plum.",
    "Bears like honey.",
    "The harbour office opens at nine.",
    "The office is closed.",
]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        pytest.param("pasword", [0], id="a-letter-too-few"),
        pytest.param("passwoord", [0], id="a-letter-too-many"),
        pytest.param("passwird", [0], id="another-letter"),
        pytest.param("pasworf", [0], id="two-edits-from-seven-letters"),
        pytest.param("gest", [0], id="four-letters"),
        pytest.param("beor", [], id="no-other-letter-in-four"),
        pytest.param("bea", [], id="three-letters"),
        pytest.param("hnoyw", [], id="two-edits-in-five-letters"),
        pytest.param("assword", [], id="the-first-letter-is-right"),
        pytest.param("p4sword", [], id="letters-only"),
        pytest.param("teh tehn waht", [], id="slips-in-words-that-say-nothing"),
    ],
)
def test_a_word_that_no_text_has_is_met_in_its_nearest_spelling(
    query: str, rows: list[int]
) -> None:
    assert np.flatnonzero(LexicalIndex.build(TEXTS).scores(query)).tolist() == rows


def test_a_slip_counts_less_than_the_word_itself() -> None:
    index = LexicalIndex.build(TEXTS)
    assert 0.0 < index.scores("pasword")[0] < index.scores("password")[0]
    assert 0.0 < index.coverage("pasword")[0] < index.coverage("password")[0] == 1.0
    assert index.scores("pasword password")[0] == index.scores("password")[0]
    assert index.term_weights("harbuor") == {"harbour": pytest.approx(0.7 * 1.204, abs=1e-3)}


def test_a_word_that_a_text_has_is_never_another() -> None:
    index = LexicalIndex.build(["The beard is long.", "The board is short."])
    assert (index.scores("board") > 0).tolist() == [False, True]


def test_a_changed_index_spells_like_one_built_anew() -> None:
    before = LexicalIndex.build(TEXTS)
    assert before.scores("zepellin").tolist() == [0.0] * 4
    texts = ["A zeppelin.", *TEXTS[1:]]
    after = before.changed(texts, RowMap(4, 4, np.array([-1, 1, 2, 3])))
    anew = LexicalIndex.build(texts)
    for query in ("zepellin", "pasword", "harbuor", "offise"):
        assert after.scores(query).tolist() == anew.scores(query).tolist()
    assert before.scores("pasword")[0] > 0.0 == after.scores("pasword").max()


def test_words_are_compared_only_where_one_is_met_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    index = LexicalIndex.build(TEXTS)
    calls: list[str] = []
    monkeypatch.setattr(Spellings, "nearest", lambda self, word, *, frequencies: calls.append(word))
    index.scores("the password of the guest office")
    assert calls == []
    for _ in range(3):
        index.scores("guest pasword")
    assert calls == ["pasword"]
    index.coverage(" ".join(f"zeppelin{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"))
    assert len(calls) == 17
