"""Cutting files into pieces: at headings, definitions, rows of tables, lines and words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial

import pytest
from counted_work import lines_in
from hypothesis import given
from hypothesis import strategies as st
from repository import ROOT

from mba_integrations import MemoryBudgetAllocator, MemoryPool
from mba_integrations.commands.demo import demo_workspace
from mba_integrations.commands.demo_sources import demo_memories
from mba_integrations.ingest.chunking import chunks
from mba_integrations.ingest.cutting import bounded
from mba_integrations.ingest.tables import cut_tables, has_table

TABLE_HEAD = "| word | meaning |\n| --- | --- |\n"


def test_markdown_is_cut_at_headings_but_not_in_code() -> None:
    text = "Intro\n\n# A\n\n```sh\n# no heading\n```\n\n## B\ntext\n"
    assert chunks(text, path="a.md") == ["Intro", "# A\n\n```sh\n# no heading\n```", "## B\ntext"]


def test_parts_of_a_long_section_repeat_its_heading() -> None:
    text = "# Long\n\n" + "\n\n".join(f"paragraph {number}" for number in range(10))
    pieces = chunks(text, path="a.md", max_chars=60)
    assert len(pieces) > 1
    assert all(piece.startswith("# Long\n\nparagraph") for piece in pieces)


def test_python_is_cut_at_its_docstring_and_definitions() -> None:
    head = '"""Doc."""\n\nimport os\n\n\n'
    text = head + "# Says hi.\n@wraps\ndef hi():\n    pass\n\n\nclass A:\n    x = 1\n"
    assert chunks(text, path="a.py") == [
        '"""Doc."""',
        "import os",
        "# Says hi.\n@wraps\ndef hi():\n    pass",
        "class A:\n    x = 1",
    ]


def test_methods_of_a_long_class_repeat_its_first_line() -> None:
    methods = "\n\n".join(
        f"    def method_{number}(self):\n        return {number}" for number in range(9)
    )
    pieces = chunks(f"class Long(Base):\n{methods}\n", path="a.py", max_chars=120)
    assert len(pieces) > 3
    assert all(piece.startswith("class Long(Base):\n") for piece in pieces)


def test_python_that_does_not_parse_is_kept_as_text() -> None:
    assert chunks("def (:\n", path="a.py") == ["def (:"]


@given(
    text=st.text(alphabet=st.sampled_from("ab# \n\t`\u2028(:dé"), max_size=300),
    path=st.sampled_from(["a.md", "a.py", "a.txt"]),
    max_chars=st.integers(1, 40),
)
def test_pieces_hold_every_character_and_none_is_too_long_or_blank(
    text: str, path: str, max_chars: int
) -> None:
    pieces = chunks(text, path=path, max_chars=max_chars)
    assert all(piece.strip() and len(piece) <= max_chars for piece in pieces)
    remaining = iter("".join("".join(pieces).split()))
    assert all(letter in remaining for letter in "".join(text.split()))


def test_a_megabyte_of_blanks_is_no_piece() -> None:
    assert chunks(" " * 1_000_000, path="a.txt") == []


# Words


@pytest.mark.parametrize(
    ("text", "max_chars", "expected"),
    [
        pytest.param("one two three", 8, ["one two ", "three"], id="at-a-blank"),
        pytest.param("one two", 3, ["one", " ", "two"], id="word-fills-a-piece"),
        pytest.param("a,bcd,ef", 6, ["a,bcd,", "ef"], id="at-a-comma"),
        pytest.param("abcdefgh", 3, ["abc", "def", "gh"], id="word-longer-than-a-piece"),
        pytest.param("东京都是日本", 4, ["东京都是", "日本"], id="script-without-blanks"),
        pytest.param("cafe\u0301s aux", 5, ["cafe\u0301", "s aux"], id="accent"),
        pytest.param("ที่นี่ที่นี่", 7, ["ที่นี่", "ที่นี่"], id="vowel-signs-of-thai"),
        pytest.param("नमस्तेनमस्ते", 9, ["नमस्तेनम", "स्ते"], id="vowel-signs-of-hindi"),
        pytest.param("👩\u200d🔬" * 2, 5, ["👩\u200d🔬", "👩\u200d🔬"], id="joined-emoji"),
        pytest.param("❤\ufe0f❤\ufe0f", 3, ["❤\ufe0f", "❤\ufe0f"], id="variation-of-a-sign"),
        pytest.param("x = my_long_name", 8, ["x = ", "my_long_", "name"], id="identifier-too-long"),
    ],
)
def test_text_is_cut_between_words(text: str, max_chars: int, expected: list[str]) -> None:
    assert list(bounded(text, max_chars)) == expected


@given(
    words=st.lists(st.text(alphabet="abcé1_", min_size=1, max_size=10), min_size=1, max_size=60),
    joints=st.sampled_from([" ", "\n", ", ", "\n\n", "-"]),
    path=st.sampled_from(["a.md", "a.py", "a.txt"]),
    max_chars=st.integers(20, 60),
)
def test_no_piece_begins_or_ends_in_a_word(
    words: list[str], joints: str, path: str, max_chars: int
) -> None:
    text = "# Head\n\n" + joints.join(words)
    known = {"Head", *words}
    for piece in chunks(text, path=path, max_chars=max_chars):
        assert set(re.findall(r"\w+", piece)) <= known


# Tables


def test_parts_of_a_table_repeat_heading_and_header() -> None:
    rows = [f"| word {number} | {'meaning ' * 12}|" for number in range(8)]
    pieces = chunks("# Words\n\n" + TABLE_HEAD + "\n".join(rows), path="a.md")
    assert len(pieces) == 8
    assert all(piece.startswith("# Words\n\n" + TABLE_HEAD) for piece in pieces)
    assert [piece.removeprefix("# Words\n\n" + TABLE_HEAD) for piece in pieces] == [
        row.rstrip() for row in rows
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("|a|b|\n|-|-|\n|1|2|", True, id="bars-all-around"),
        pytest.param("a | b\n--- | ---\n1 | 2", True, id="bars-between"),
        pytest.param("|a|\n|:-:|", True, id="one-column-aligned"),
        pytest.param("Title\n-----\ntext", False, id="underlined-title"),
        pytest.param("a | b\ntext", False, id="a-bar-only"),
        pytest.param("|-|-|", False, id="dashes-only"),
        pytest.param("", False, id="empty"),
    ],
)
def test_tables_are_told_from_other_lines(text: str, expected: bool) -> None:
    assert has_table(text) is expected


def test_text_before_between_and_after_tables_is_kept_in_order() -> None:
    text = f"one\n\n{TABLE_HEAD}| a | b |\n\ntwo\n\n{TABLE_HEAD}| c | d |\nthree"
    pieces = [piece for piece in cut_tables(text, 1000, rows_chars=10) if piece.strip()]
    assert [piece.strip() for piece in pieces] == [
        "one",
        f"{TABLE_HEAD}| a | b |",
        "two",
        f"{TABLE_HEAD}| c | d |",
        "three",
    ]


def test_a_header_too_wide_for_a_piece_is_not_repeated() -> None:
    pieces = list(cut_tables("| word | meaning |\n| - | - |\n| a | b |", 30, rows_chars=10))
    assert sum("meaning" in piece for piece in pieces) == 1


def test_a_table_without_rows_is_kept() -> None:
    assert list(cut_tables(TABLE_HEAD.strip(), 100, rows_chars=10)) == [TABLE_HEAD.strip()]


def test_a_question_about_a_word_finds_its_row_of_the_glossary() -> None:
    page = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| ([a-z][a-z -]+) \| (.{20}).*\|$", page, re.MULTILINE))
    config = demo_workspace(full=True)
    now = datetime(2026, 11, 28, tzinfo=UTC)
    allocator = MemoryBudgetAllocator()
    allocator.register_workspace(config)
    pool = MemoryPool.from_items(demo_memories(ROOT / "docs", now=now).items)

    def finds(word: str) -> bool:
        allocation = allocator.allocate_memory_budget(
            f"What is a {word}?", pool, workspace_id=config.workspace_id, now=now
        )
        return f"| {word} | {rows[word]}" in allocation.prompt_text

    words = [word for word in rows if word != "word"]
    assert finds("outranked")
    # The pages say most of these words all over; four in five find their own row.
    assert sum(map(finds, words)) >= len(words) * 4 // 5


# Work


@pytest.mark.parametrize(
    "unit",
    [
        pytest.param("| a | b |\n| - | - |\n", id="tables"),
        pytest.param("| a |\n", id="bars"),
        pytest.param("a", id="one-word"),
        pytest.param("a ", id="words"),
        pytest.param("|-" * 50 + "x\n", id="almost-dashes"),
        pytest.param("# a\n\n", id="headings"),
        pytest.param("```\n", id="fences"),
        pytest.param("e\u0301", id="accents"),
    ],
)
def test_four_times_the_text_is_four_times_the_work(unit: str) -> None:
    texts = [unit * (size // len(unit)) for size in (20_000, 80_000)]
    few, many = (lines_in(partial(chunks, text, path="a.md")) for text in texts)
    assert many < 4.5 * few
