"""Where a text is cut into sentences, and how it reads when some of them are left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.search.sentences.index import at_most, index_of, line_index_of
from mba_integrations.core.search.sentences.spans import (
    OMISSION,
    excerpt,
    most_sentences,
    places_in,
    sentence_spans,
)

WRAPPED = "This line of a document is long enough to have been wrapped by its editor"


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("One. Two!  Three?", ["One.", "Two!", "Three?"], id="sentence-ends"),
        pytest.param('"So it is." Then he left.', ['"So it is."', "Then he left."], id="quotes"),
        pytest.param("One\n\nTwo", ["One", "Two"], id="line-breaks"),
        pytest.param("鍵は赤い。雪が降る。", ["鍵は赤い。", "雪が降る。"], id="ideographic-stops"),
        pytest.param("J. M. Barrie wrote it.", ["J. M. Barrie wrote it."], id="initials"),
        pytest.param("Dr. Li met Mrs. Oh.", ["Dr. Li met Mrs. Oh."], id="titles"),
        pytest.param("Use a key, e.g. the red one.", None, id="abbreviations"),
        pytest.param("Keys, locks etc. are here.", None, id="and-so-on-that-goes-on"),
        pytest.param("Keys, locks etc. They rust.", ["Keys, locks etc.", "They rust."], id="etc"),
        pytest.param("i left. so did she.", ["i left.", "so did she."], id="small-letters"),
        pytest.param("1. Turn it.\n2. Push.", ["1. Turn it.", "2. Push."], id="numbers-of-a-list"),
        pytest.param(f"{WRAPPED}\nand goes on.", None, id="a-wrapped-line"),
        pytest.param(f"{WRAPPED},\nAnna says.", None, id="a-line-that-ends-in-a-comma"),
        pytest.param(f"{WRAPPED} by\n`mba demo` alone.", None, id="a-name-in-backticks"),
        pytest.param(
            f"{WRAPPED[:60]}. A unit\nof it.",
            [f"{WRAPPED[:60]}.", "A unit\nof it."],
            id="a-sentence-that-begins-late-in-its-line",
        ),
        pytest.param(
            f"{WRAPPED}\nand was shown to Anna and\nBen.",
            [f"{WRAPPED}\nand was shown to Anna and", "Ben."],
            id="a-short-line-ends-where-it-ends",
        ),
        pytest.param(
            f"{WRAPPED}\nand a line that is as long as its editor lets it be with Anna and then\n"
            "Mitchell.",
            None,
            id="a-word-for-which-there-was-no-room",
        ),
        pytest.param(
            f"{WRAPPED}s\nAnna books the room for the workshop and asks for a projector\nEnd",
            [
                f"{WRAPPED}s",
                "Anna books the room for the workshop and asks for a projector",
                "End",
            ],
            id="long-lines-of-notes",
        ),
        pytest.param(
            "def f(\n    a: int,\n) -> int:\n    return a", None, id="what-closes-a-bracket"
        ),
        pytest.param(f"{WRAPPED}\n- Anna\n- Ben", [WRAPPED, "- Anna", "- Ben"], id="a-list"),
        pytest.param("Shopping:\neggs\nmilk", ["Shopping:", "eggs", "milk"], id="short-lines"),
        pytest.param(
            "Run:\n```\na. B\nc\n```\nDone.", ["Run:", "```\na. B\nc\n```", "Done."], id="fences"
        ),
        pytest.param(
            "Prices:\n| a | b. |\n| c | d |\nEnd.",
            ["Prices:", "| a | b. |\n| c | d |", "End."],
            id="tables",
        ),
        pytest.param(
            "def f():\n    return 1\nx = 2", ["def f():\n    return 1", "x = 2"], id="code"
        ),
        pytest.param("Ab.\n## Keys\nThey rust.", ["Ab.", "## Keys\nThey rust."], id="headings"),
        pytest.param(" \n ", [], id="white-space"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_a_text_is_cut(text: str, expected: list[str] | None) -> None:
    assert sentences(text) == ([text] if expected is None else expected)


@pytest.mark.parametrize(
    ("text", "places", "expected"),
    [
        pytest.param("A b. C d. E f.", [1], "[…] C d. […]", id="from-the-middle"),
        pytest.param("A b. C d. E f.", [0, 1], "A b. C d. […]", id="neighbours-without-a-mark"),
        pytest.param("A b. C d. E f.", [0, 2], "A b. […] E f.", id="a-gap"),
        pytest.param("A b.\nC d.\nE f.", [0, 2], "A b. […]\nE f.", id="a-line-stays-a-line"),
        pytest.param("Oslo\nA b. C d.", [0, 2], "Oslo\n[…] C d.", id="below-a-heading"),
    ],
)
def test_what_is_left_out_is_marked(text: str, places: list[int], expected: str) -> None:
    assert excerpt(text, sentence_spans(text), places) == expected


def test_a_heading_goes_with_every_sentence() -> None:
    index = index_of("Oslo\nA harbour. A fjord. An opera.")
    assert [index.shown([place]) for place in range(3)] == [
        f"Oslo\nA harbour. {OMISSION}",
        f"Oslo\n{OMISSION} A fjord. {OMISSION}",
        f"Oslo\n{OMISSION} An opera.",
    ]
    assert index.shown([0, 1, 2]) == index.text


def test_the_rest_of_a_huge_text_is_one_sentence_without_terms() -> None:
    index = index_of("The key is red. " * 10_000)
    assert sum(index.sizes) < 10_000
    assert index.sizes[-1] == 0
    assert at_most("One. Two " + "a" * 50_000) == len(index_of("One. Two " + "a" * 50_000)) == 3
    assert sum(index.chars()) == len(index.text.rstrip()) + 1


PIECES = st.sampled_from(
    ["Kate skis. ", "e.g. ", "x\n", "日本。", "\n\n", "```\n", "| a |\n", "    y\n", "Oslo\n", " "]
)


@given(st.lists(PIECES, max_size=16).map("".join), st.data())
def test_sentences_lose_nothing_and_are_found_again_in_an_excerpt(
    text: str, data: st.DataObject
) -> None:
    spans = sentence_spans(text)
    assert len(spans) <= most_sentences(text)
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())
    if not spans:
        return
    places = data.draw(st.sets(st.integers(0, len(spans) - 1), min_size=1).map(sorted))
    shown = excerpt(text, spans, places)
    found = {text[slice(*spans[place])].strip() for place in places_in(text, spans, shown)}
    assert found == {text[slice(*spans[place])].strip() for place in places}


def test_lines_of_a_result_are_its_sentences() -> None:
    index = line_index_of("$ make. All\n\nerror: no key\n")
    assert [index.sentence(place) for place in range(len(index))] == [
        "$ make. All",
        "error: no key",
    ]
