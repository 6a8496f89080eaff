"""Questions that hang on what was said last are told from those that stand alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.dialogue.follow_up import FOLLOWS, follow_up_points, is_closing


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("And how do I remove the second tag?", id="begins-with-and"),
        pytest.param("Great, it works. And the other server?", id="a-later-sentence-begins-so"),
        pytest.param("what about Tuesday?", id="what-about"),
        pytest.param("Let us take the second one.", id="an-option"),
        pytest.param("why did that fail?", id="why"),
        pytest.param("And how do I undo it?", id="a-pronoun"),
        pytest.param("So what does she think of it?", id="two-pronouns"),
        pytest.param("And the deployment?", id="a-noun-alone"),
        pytest.param("But is that safe in production?", id="but"),
        pytest.param("Which one is cheaper?", id="which-one"),
        pytest.param("How so?", id="how-so"),
        pytest.param("OK. And what about the billing service of Anna?", id="what-about-a-name"),
        pytest.param("Und wie mache ich das rückgängig?", id="german"),
        pytest.param("Et pour deux personnes ?", id="french"),
        pytest.param("¿Y si llueve?", id="spanish"),
        pytest.param("А если завтра?", id="russian"),
        pytest.param("那第二个呢？", id="chinese"),
        pytest.param("それはいつですか？", id="japanese"),
        pytest.param("그건 언제예요?", id="korean"),
    ],
)
def test_it_hangs_on_what_was_said(text: str) -> None:
    assert follow_up_points(text) >= FOLLOWS


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("What did Kate say about the ski trip?", id="a-name"),
        pytest.param("How many servers does the north cluster have?", id="a-subject"),
        pytest.param("Which of these tools did Anna pick in March?", id="a-pronoun-with-a-name"),
        pytest.param("Andrea moved where?", id="a-word-that-begins-like-and"),
        pytest.param("So which database do we use for billing?", id="so-with-a-subject"),
        pytest.param("And who is the owner of X?", id="and-with-a-name"),
        pytest.param("And who owns the billing service now?", id="and-with-a-subject"),
        pytest.param("Ok, please list the open invoices of March.", id="ok-and-a-task"),
        pytest.param("Take a screenshot of the login page for Anna.", id="take-something"),
        pytest.param("Then run the migration on the staging server.", id="then-and-a-task"),
        pytest.param("Or should we use Postgres for the ledger?", id="or-with-a-name"),
        pytest.param("How do I squash commits?", id="how-with-a-subject"),
        pytest.param("Why is the build red?", id="why-with-a-subject"),
        pytest.param("Who said that the deploy failed?", id="that-as-a-conjunction"),
        pytest.param("Are there meetings tomorrow?", id="there-is"),
        pytest.param("What did we decide in the last meeting?", id="the-last-of-something"),
        pytest.param("¿En qué ciudad está la oficina?", id="a-spanish-preposition"),
        pytest.param("Gibt es einen neuen Termin?", id="a-german-expletive"),
        pytest.param("Wann kommt Anna nach Oslo?", id="german"),
        pytest.param(
            "So that the nightly build of the ledger can be trusted again, please list every test "
            "that was skipped since the move to the new runner.",
            id="a-long-text-says-what-it-is-about",
        ),
    ],
)
def test_it_stands_alone(text: str) -> None:
    assert follow_up_points(text) < FOLLOWS


def test_words_that_nothing_knows_speak_for_a_question_that_points_back() -> None:
    assert follow_up_points("where is it kept?") < FOLLOWS
    assert follow_up_points("where is it kept?", knows_terms=False) >= FOLLOWS


def test_a_text_without_words_hangs_on_nothing() -> None:
    assert follow_up_points(" ?! ", knows_terms=False) == 0.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Thanks!", True, id="thanks"),
        pytest.param("ok perfect, thank you so much", True, id="one-word-more"),
        pytest.param("hello", True, id="greeting"),
        pytest.param("Vielen Dank, super!", True, id="german"),
        pytest.param("谢谢", True, id="chinese"),
        pytest.param("ありがとう", True, id="japanese"),
        pytest.param("Thanks. Which port?", False, id="a-question-follows"),
        pytest.param("Thanks, now delete the old ledger entries", False, id="a-task-follows"),
        pytest.param("hello world program in rust", False, id="hello-is-the-subject"),
        pytest.param("", False, id="empty"),
        pytest.param("The build is green.", False, id="a-statement"),
        pytest.param("Guten Morgen!", True, id="german-greeting"),
        pytest.param("Good evening everyone", True, id="english-greeting"),
        pytest.param("早上好！", True, id="chinese-greeting"),
        pytest.param("Good morning, book the room for Anna", False, id="greeting-with-a-request"),
    ],
)
def test_what_only_greets_or_thanks(text: str, expected: bool) -> None:
    assert is_closing(text) is expected


@given(st.text(max_size=300))
def test_any_text_has_points(text: str) -> None:
    assert -0.5 <= follow_up_points(text) <= 2.5
    assert is_closing(text) in (True, False)


def test_a_text_of_a_megabyte_is_read_in_part() -> None:
    assert follow_up_points("and " + "word " * 200_000) == follow_up_points("and " + "word " * 600)
