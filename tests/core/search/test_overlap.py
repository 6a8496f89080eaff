"""What an answer took from the texts of a prompt."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.search.terms import TermSplitter, words_of
from mba_integrations.core.search.words.languages import language_of
from mba_integrations.core.search.words.overlap import overlaps

WORDS = ("Kate", "kate", "Lisbon", "lisbon", "2019", "7", "ski", "skiing", "the", "boat", "Häuser")
TEXTS = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)


def terms_of(word: str, text: str) -> list[str]:
    return TermSplitter().terms_in([word], language_of(words_of(text)))


def terms(text: str) -> set[str]:
    return {term for word in words_of(text) for term in terms_of(word, text)}


def stands_out(term: str, text: str) -> bool:
    """Whether the term is a number of two digits in a text, or a name somewhere."""
    if len([one for one in term if one.isdigit()]) > 1:
        return True
    return any(word[0].isupper() and term in terms_of(word, text) for word in words_of(text))


def plainly(answer: str, question: str, texts: list[str]) -> list[float]:
    """Word by word, as the module says it."""
    strengths = []
    for text in texts:
        strength = 0.0
        for term in terms(answer) - terms(question):
            holders = [one for one in texts if term in terms(one)]
            if text in holders:
                is_strong = stands_out(term, answer) and stands_out(term, text)
                rare, rarest = (
                    math.log(1 + (len(texts) - count + 0.5) / (count + 0.5))
                    for count in (len(holders), 1)
                )
                strength += (1.0 if is_strong else 0.5) * rare / rarest
        strengths.append(strength)
    return strengths


@given(answer=TEXTS, question=TEXTS, texts=st.lists(TEXTS, max_size=5))
def test_it_is_what_a_plain_loop_finds(answer: str, question: str, texts: list[str]) -> None:
    assert overlaps(answer, question, texts) == pytest.approx(plainly(answer, question, texts))


@pytest.mark.parametrize(
    ("answer", "question", "text", "strength"),
    [
        pytest.param("In Lisbon.", "Where?", "Kate moved to Lisbon.", 1.0, id="a-name"),
        pytest.param("Since 2019.", "When?", "Kate moved in 2019.", 1.0, id="a-number"),
        pytest.param("It has 2.", "How many?", "She has 2 dogs.", 0.5, id="one-digit"),
        pytest.param("She was skiing.", "What?", "Kate skis.", 0.5, id="another-form-of-a-word"),
        pytest.param("Skiing.", "What?", "Kate likes skiing.", 0.5, id="a-capital-in-one-alone"),
        pytest.param("Kate skis.", "Does Kate ski?", "Kate skis.", 0.0, id="words-of-the-question"),
        pytest.param(
            "She is there.", "Where?", "She is not there.", 0.0, id="words-that-say-nothing"
        ),
        pytest.param("Ja, in den Bergen.", "Wo?", "In the mountains.", 0.0, id="another-language"),
        pytest.param("", "Where?", "Kate moved to Lisbon.", 0.0, id="no-answer"),
        pytest.param("In Lisbon.", "Where?", "", 0.0, id="no-text"),
    ],
)
def test_what_counts_how_much(answer: str, question: str, text: str, strength: float) -> None:
    assert overlaps(answer, question, [text]) == [strength]


def test_a_word_of_many_texts_says_less_of_each() -> None:
    texts = ["Lisbon"] * 4 + ["Porto"] * 6
    found = overlaps("In Lisbon.", "Where?", texts)
    alone = overlaps("In Lisbon.", "Where?", ["Lisbon", *["Porto"] * 9])
    assert alone == [1.0, *[0.0] * 9]
    assert 0.0 < found[0] == found[3] < 0.6
    assert found[4:] == [0.0] * 6


def test_no_texts_are_no_strengths() -> None:
    assert overlaps("In Lisbon.", "Where?", []) == []
