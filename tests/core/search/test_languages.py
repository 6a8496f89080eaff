"""Texts of several languages: how they are told apart, and how a query meets each."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.terms import TermSplitter, words_of
from mba_integrations.core.search.words.languages import (
    ENGLISH,
    LANGUAGES,
    STOP_WORDS,
    language_of,
    stemmer,
    stop_words,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "english", id="empty"),
        pytest.param("Schlüssel", "english", id="one-word"),
        pytest.param("Where is the key of the flat?", "english", id="english"),
        pytest.param("Die Hard was a film of 1988", "english", id="as-many-english-words"),
        pytest.param("door of Jupiter moons", "english", id="two-words-of-another-language"),
        pytest.param("def total(x): return x + n", "english", id="code"),
        pytest.param("Wo liegt der Schlüssel von der Wohnung?", "german", id="german"),
        pytest.param("OU EST LA CLE DE LA MAISON", "french", id="capitals-without-accents"),
        pytest.param("Qu'est-ce qu'il y a dans l'eau ?", "french", id="elisions"),
        pytest.param("¿Dónde está la llave de la casa?", "spanish", id="spanish"),
        pytest.param("Onde está a chave da minha casa?", "portuguese", id="portuguese"),
        pytest.param("Dov'è la chiave della casa?", "italian", id="italian"),
        pytest.param("Waar is de sleutel van het huis?", "dutch", id="dutch"),
        pytest.param("Var är nyckeln till huset som vi har?", "swedish", id="swedish"),
        pytest.param("Ключи", "russian", id="cyrillic-without-stop-words"),
        pytest.param("Πού είναι το κλειδί;", "greek", id="greek"),
        pytest.param("أين المفتاح", "arabic", id="arabic"),
        pytest.param("鍵はどこですか", "english", id="scripts-without-spaces-have-none"),
        pytest.param("The hotel is called Casa de la Playa y Mar", "english", id="a-name-in-it"),
        pytest.param("Names: " + "Anna Berta Carl " * 9 + "van der Berg", "english", id="few-hits"),
    ],
)
def test_the_language_of_a_text(text: str, expected: str) -> None:
    assert LANGUAGES[language_of(words_of(text))] == expected


@given(texts)
def test_every_text_has_a_language(text: str) -> None:
    assert 0 <= language_of(words_of(text)) < len(LANGUAGES)


def test_every_language_has_a_stemmer_of_snowball() -> None:
    assert set(LANGUAGES) <= set(import_module("Stemmer").algorithms())
    assert all(stemmer(code)("abc") for code in range(len(LANGUAGES)))


def test_thirteen_lists_of_stop_words_come_with_the_package() -> None:
    listed = [name for code, name in enumerate(LANGUAGES) if stop_words(code)]
    assert len(listed) == 14
    assert stop_words(ENGLISH) == STOP_WORDS
    assert {"fur", "nicht"} <= stop_words(LANGUAGES.index("german"))
    assert all(word == word.lower() for code in range(14) for word in stop_words(code))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Wo sind die Häuser der Stadt?", ["haus", "stadt"], id="german"),
        pytest.param("C'est quand, l'examen de botanique ?", ["examen", "botan"], id="french"),
        pytest.param("¿Quién tiene las llaves de casa?", ["llav", "cas"], id="spanish"),
        pytest.param("Где ключи от дома?", ["ключ", "дом"], id="russian"),
        pytest.param("Wo ist parseJsonFile in der Datei?", None, id="identifiers-stay-whole"),
    ],
)
def test_words_are_cut_by_the_rules_of_the_language(text: str, expected: list[str] | None) -> None:
    terms = TermSplitter().terms(text)
    if expected is None:
        assert "parsejsonfile" in terms
    else:
        assert [term for term in terms if term not in ("quand", "tien", "quien")] == expected


MIXED = [
    "Die Häuser in der Stadt sind alt.",
    "The houses of the town are old, says Häuser.",
    "Les maisons de la ville sont vieilles.",
    "Haus",
]


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        pytest.param("Wo steht das Haus?", [0, 3], id="german-in-german"),
        pytest.param("house", [1], id="english-in-english"),
        pytest.param("Où est la maison ?", [2], id="french-in-french"),
        pytest.param("Häuser", [0, 1], id="one-word-in-the-language-of-each-text"),
        pytest.param("Is there a Stadt?", [0], id="a-word-of-another-language"),
        pytest.param("die der und les de", [], id="stop-words-of-the-query"),
    ],
)
def test_each_text_is_met_in_its_own_language(query: str, rows: list[int]) -> None:
    index = LexicalIndex.build(MIXED)
    assert np.flatnonzero(index.scores(query)).tolist() == rows
    assert np.flatnonzero(index.coverage(query)).tolist() == rows


def test_a_word_of_several_languages_counts_once_in_the_coverage() -> None:
    index = LexicalIndex.build(MIXED)
    assert index.coverage("Häuser").tolist() == [1.0, 1.0, 0.0, 0.0]
    assert list(index.holders("Häuser Stadt", most=9)) == ["Stadt", "Häuser"]


def test_a_pool_of_english_alone_is_read_by_english_rules() -> None:
    index = LexicalIndex.build(["Two notes.", "Not even."])
    assert index.scores("notas de los casos").tolist() == [0.0, 0.0]
    assert index.term_weights("notes") == {"note": pytest.approx(0.693, abs=1e-3)}


sentences = st.sampled_from([*MIXED, "Wo ist der Hund?", "Il est dans la maison.", "old town", ""])


@given(st.lists(sentences, max_size=6), st.lists(sentences, max_size=6), sentences)
def test_a_changed_pool_of_several_languages_equals_one_built_anew(
    before: list[str], after: list[str], query: str
) -> None:
    kept = [before.index(text) if text in before else -1 for text in after]
    origin = np.array([row if row not in kept[:place] else -1 for place, row in enumerate(kept)])
    index = LexicalIndex.build(before)
    index.scores(query)
    changed = index.changed(after, RowMap(len(before), len(after), origin.astype(np.int64)))
    anew = LexicalIndex.build(after)
    assert changed.scores(query).tolist() == anew.scores(query).tolist()
    assert changed.coverage(query).tolist() == anew.coverage(query).tolist()


@given(st.lists(st.text("aeiß sn_K1"), min_size=1, max_size=6), st.lists(texts, max_size=4))
def test_what_was_asked_before_changes_no_answer(pool: list[str], asked: list[str]) -> None:
    texts_of_pool = [*pool, "Wo sind die Häuser der Stadt?", "Where are the houses of the city?"]
    used, query = LexicalIndex.build(texts_of_pool), " ".join(pool)
    for text in [*asked, *texts_of_pool]:
        used.term_weights(text)
    anew = LexicalIndex.build(texts_of_pool)
    assert used.term_weights(query) == anew.term_weights(query)
    assert used.scores(query).tolist() == anew.scores(query).tolist()
