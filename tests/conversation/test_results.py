"""Shortened results: what is kept of them, and that they cost no more than asked."""

from __future__ import annotations

import re

import pytest
from counters import COUNTERS
from fakes import CharCounter
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations import TokenCounter
from mba_integrations.conversation.message import Message
from mba_integrations.conversation.results import ShortenedResults, placeholder_for, shortened
from mba_integrations.core.dialogue.roles import Role

BARE = 7
CHARACTERS = CharCounter()


def tool(text: str, counter: TokenCounter = CHARACTERS) -> Message:
    return Message(
        role=Role.RESULT,
        text=text,
        tokens=BARE + counter.count(text),
        answers=("c1",),
        bare_tokens=BARE,
    )


PYTHON = """\
Traceback (most recent call last):
  File "/app/orders.py", line 12, in load
    return parse(raw)
  File "/app/parse.py", line 88, in parse
    raise ValueError(f"bad total {total!r}")
ValueError: bad total '12,5O'"""
PYTEST = """\
tests/test_orders.py ......F..                                     [ 40%]
=================================== FAILURES ===================================
E       assert 3 == 4
=========================== short test summary info ============================
FAILED tests/test_orders.py::test_total - assert 3 == 4
1 failed, 119 passed in 8.41s"""
COMPILER = """\
gcc -O2 -c orders.c -o orders.o
orders.c:12:5: error: 'total' undeclared (first use in this function)
make: *** [Makefile:9: orders.o] Error 1"""
NPM = """\
npm ERR! code ELIFECYCLE
npm ERR! Exit status 2
npm ERR! A complete log of this run can be found in: /root/.npm/_logs"""
FILLER = "".join(f"line {n} of the log says that all is well with it\n" for n in range(200))


@pytest.mark.parametrize(
    ("ending", "kept"),
    [
        pytest.param(PYTHON, ["ValueError: bad total '12,5O'"], id="traceback"),
        pytest.param(
            PYTEST,
            ["FAILED tests/test_orders.py::test_total", "1 failed, 119 passed in 8.41s"],
            id="pytest",
        ),
        pytest.param(
            COMPILER, ["error: 'total' undeclared", "make: *** [Makefile:9:"], id="compiler"
        ),
        pytest.param(NPM, ["npm ERR! code ELIFECYCLE", "npm ERR! Exit status 2"], id="npm"),
        pytest.param("ok\nPermission denied", ["Permission denied"], id="shell"),
    ],
)
def test_errors_at_the_end_survive(ending: str, kept: list[str]) -> None:
    short = shortened(tool(FILLER + ending), 900, "why?", CHARACTERS)
    assert short.startswith("[result of tool call c1: ")
    assert "line 0 of the log" in short
    assert [line for line in kept if line not in short] == []
    assert short.rstrip().endswith(ending.splitlines()[-1].strip()) or "npm" in ending


def test_a_result_that_ends_well_keeps_its_beginning_alone() -> None:
    text = "an error was found early\n" + FILLER + "done"
    short = shortened(tool(text), 600, "", CHARACTERS)
    assert text.startswith(short.partition("shortened]\n")[2])
    assert len(short) > 500


def test_what_the_query_is_about_is_kept_beside_the_beginning() -> None:
    text = FILLER + "The vault's code is heliotrope. " + FILLER
    short = shortened(tool(text), 600, "What is the code of the vault?", CHARACTERS)
    assert "heliotrope" in short
    assert "line 0 of the log" in short
    assert "[…]" in short


def test_the_answer_and_the_error_at_the_end_are_both_kept() -> None:
    text = FILLER + "The vault's code is heliotrope. " + FILLER + PYTHON
    short = shortened(tool(text), 900, "What is the code of the vault?", CHARACTERS)
    places = [short.index(one) for one in ("line 0 of", "heliotrope", "ValueError: bad total")]
    assert places == sorted(places)
    assert len(short) <= 900 - BARE


def test_what_the_beginning_has_is_not_said_again() -> None:
    text = "The vault's code is heliotrope. " + FILLER
    short = shortened(tool(text), 600, "What is the code of the vault?", CHARACTERS)
    assert short.count("heliotrope") == 1
    assert "[…]" not in short


def test_an_error_that_is_told_again_and_again_is_kept_once() -> None:
    text = FILLER + "error: disk full\n" * 20 + "make: *** [all] Error 1"
    short = shortened(tool(text), 700, "", CHARACTERS)
    assert short.count("error: disk full") == 1
    assert short.endswith("error: disk full\nmake: *** [all] Error 1")


def test_errors_at_the_end_have_a_third_of_the_room_the_last_ones_first() -> None:
    errors = [f"error {n:02}: no such table" for n in range(30)]
    short = shortened(tool(FILLER + "\n".join(errors)), 600, "", CHARACTERS)
    kept = [error for error in errors if error in short]
    assert kept == errors[-len(kept) :]
    assert 150 < sum(len(error) + 1 for error in kept) <= 200


@given(st.integers(60, 900), st.sampled_from(["", "line 150", "bad total"]))
def test_every_line_that_is_kept_is_one_of_the_result(limit: int, query: str) -> None:
    text = FILLER + PYTHON
    _, _, kept = shortened(tool(text), limit, query, CHARACTERS).partition("shortened]\n")
    lines = [line.strip() for part in re.split(r"[\[…\]]+", kept) for line in part.splitlines()]
    assert [line for line in lines if line not in text] == []


def test_too_little_room_leaves_the_placeholder() -> None:
    message = tool("word " * 90)
    placeholder = placeholder_for(message)
    assert placeholder == "[result of tool call c1: 457 tokens, left out]"
    assert shortened(message, BARE + len(placeholder), "", CHARACTERS) == placeholder


@pytest.mark.parametrize("name", COUNTERS)
@given(
    text=st.text(max_size=300) | st.sampled_from([FILLER + PYTHON, PYTEST * 9, "error\n" * 400]),
    room=st.integers(0, 400),
    query=st.sampled_from(["", "why did the total fail?", "line 7"]),
)
def test_what_is_shortened_fits_if_its_placeholder_does(
    name: str, text: str, room: int, query: str
) -> None:
    counter = COUNTERS[name]
    message = tool(text, counter)
    least = BARE + counter.count(placeholder_for(message))
    short = shortened(message, least + room, query, counter)
    assert BARE + counter.count(short) <= least + room


def test_a_result_is_shortened_once_for_each_question_and_limit() -> None:
    class Counting(CharCounter):
        asked = 0

        def count(self, text: str, /) -> int:
            self.asked += 1
            return super().count(text)

    counter, kept, message = Counting(), ShortenedResults(), tool(FILLER)
    first = kept.get(4, message, 300, "why?", counter)
    asked = counter.asked
    assert kept.get(4, message, 300, "why?", counter) is first
    kept.keep_used()
    assert kept.get(4, message, 300, "why?", counter) is first
    assert counter.asked == asked
    assert kept.get(4, tool(FILLER + "x"), 300, "why?", counter) != first
    kept.keep_used()
    kept.keep_used()
    kept.get(4, message, 300, "why?", counter)
    assert counter.asked > asked
