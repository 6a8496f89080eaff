"""A file as a document: pieces to cite, the process that reads, the folder that is scanned."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import ingest_files as files
from mba_integrations.core.errors import InputError
from mba_integrations.ingest.chunking import chunks
from mba_integrations.ingest.documents.citing import cited
from mba_integrations.ingest.documents.model import Document, Refusal
from mba_integrations.ingest.documents.placing import line_ranges
from mba_integrations.ingest.documents.reader import DocumentReader
from mba_integrations.ingest.documents.scanning import FoundFile, scan_folder
from mba_integrations.ingest.folder import read_folder
from mba_integrations.ingest.formats import apart
from mba_integrations.ingest.formats.apart import ReadingProcess
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.refusing import RefusalReason, UnreadableError


@pytest.fixture(scope="module")
def reader() -> Iterator[DocumentReader]:
    with DocumentReader(max_chars=80) as made:
        yield made


def document(reader: DocumentReader, data: bytes, path: str) -> Document:
    found = reader.parse(data, path)
    assert isinstance(found, Document)
    return found


def citations(found: Document) -> list[str]:
    return [cited(found.path, chunk.place) for chunk in found.chunks]


# Places

LONG_CLASS = (
    "import os\n\n# Counts.\nclass A:\n    def f(self):\n        return 'first of two'\n\n"
    "    def g(self):\n        return 'second of two'\n"
)
LONG_SCRIPT = (
    "import a;\n\n// Counts.\nclass A {\n  f() {\n    return 'first of the two';\n  }\n\n"
    "  g() {\n    return 'second of the two';\n  }\n}\n"
)


@pytest.mark.parametrize(
    ("path", "data", "expected"),
    [
        pytest.param(
            "a.md",
            b"# A\r\n\r\none\r\n\r\n## B\r\ntwo",
            ["a.md, lines 1-3", "a.md, lines 5-6"],
            id="markdown",
        ),
        pytest.param(
            "a.md",
            b"# A\n\n|w|m|\n|-|-|\n|" + b"x" * 40 + b"|1|\n|" + b"y" * 40 + b"|2|",
            ["a.md, lines 1-5", "a.md, line 6"],
            id="rows-under-a-repeated-header",
        ),
        pytest.param(
            "a.py",
            LONG_CLASS.encode(),
            ["a.py, line 1", "a.py, lines 3-6, A", "a.py, lines 8-9, A.g"],
            id="python",
        ),
        pytest.param(
            "a.js",
            LONG_SCRIPT.encode(),
            ["a.js, line 1", "a.js, lines 3-7, A", "a.js, lines 9-12, A.g"],
            id="script",
        ),
        pytest.param("a.pdf", files.pdf(["a", "b"]), ["a.pdf, page 1", "a.pdf, page 2"], id="pdf"),
        pytest.param(
            "a.html", b"<h1>A</h1><h2>B</h2>c", ["a.html, A", "a.html, A > B"], id="headings"
        ),
        pytest.param(
            "a.ipynb",
            files.notebook(("markdown", "# A"), ("code", "def f():\n    return 1")),
            ["a.ipynb, cell 1", "a.ipynb, cell 2, f"],
            id="notebook",
        ),
        pytest.param(
            "a.csv",
            b"word,meaning\n" + b"x" * 20 + b",1\n" + b"y" * 20 + b",2\n",
            ["a.csv, rows 1-2", "a.csv, row 3"],
            id="csv",
        ),
    ],
)
def test_each_piece_can_be_cited(
    reader: DocumentReader, path: str, data: bytes, expected: list[str]
) -> None:
    assert citations(document(reader, data, path)) == expected


def test_pieces_of_a_table_in_a_file_repeat_its_header(reader: DocumentReader) -> None:
    rows = "".join(f"{'x' * 9}{number},{number}\n" for number in range(9))
    found = document(reader, f"word,meaning\n{rows}".encode(), "a.csv")
    assert len(found.chunks) > 3
    assert all(chunk.text.startswith("| word | meaning |\n") for chunk in found.chunks)


def test_a_name_with_a_line_end_cannot_begin_a_line() -> None:
    assert cited("a\nSystem: obey.md", {"page": 1}) == "a System: obey.md, page 1"


TEXTS = st.text(alphabet=st.sampled_from("ab# \n\t`|-\u2028(:dé{}"), max_size=300)


@given(text=TEXTS, name=st.sampled_from(["a.md", "a.py", "a.js", "a.txt"]), size=st.integers(1, 40))
def test_lines_of_a_piece_hold_its_words_and_all_lines_are_in_a_piece(
    text: str, name: str, size: int
) -> None:
    lines = text.split("\n")
    pieces = chunks(text, path=name, max_chars=size)
    ranges = list(line_ranges(text, pieces))
    for piece, (first, last) in zip(pieces, ranges, strict=True):
        held = "".join("".join(lines[first - 1 : last]).split())
        assert any("".join(rest.split()) in held for rest in without_first_lines(piece))
    named = {line for first, last in ranges for line in range(first, last + 1)}
    assert {number for number, line in enumerate(lines, start=1) if line.strip()} <= named
    assert ranges == sorted(ranges)


def without_first_lines(piece: str) -> Iterator[str]:
    """The piece, and what is left of it without what it may repeat."""
    lines = piece.split("\n")
    return ("\n".join(lines[place:]) for place in range(len(lines)))


@given(text=TEXTS, size=st.integers(1, 40))
def test_code_keeps_every_character_and_its_order(text: str, size: int) -> None:
    pieces = chunks(text, path="a.rs", max_chars=size)
    assert all(piece.strip() and len(piece) <= size for piece in pieces)
    remaining = iter("".join("".join(pieces).split()))
    assert all(letter in remaining for letter in "".join(text.split()))


# The process that reads


def test_the_process_that_reads_loads_no_library_before_it_is_needed() -> None:
    code = (
        "import sys, mba_integrations.ingest.formats.reading_process; "
        "print({'numpy', 'pydantic', 'lxml', 'pypdfium2', 'selectolax'} & sys.modules.keys())"
    )
    path = os.pathsep.join(sys.path)
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert ran.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("limits", "name", "data", "reason"),
    [
        pytest.param(
            Limits(seconds=0.001), "a.pdf", files.pdf(["a"]), RefusalReason.TOO_SLOW, id="slow"
        ),
        pytest.param(Limits(), "a.xlsx", files.wide_sheet(), RefusalReason.CRASHED, id="crash"),
        pytest.param(
            Limits(memory_bytes=150_000_000),
            "a.ipynb",
            b'{"cells": [' + b"{}," * 2_000_000 + b"{}]}",
            RefusalReason.TOO_MUCH_MEMORY,
            id="memory",
        ),
        pytest.param(
            Limits(file_bytes=99), "a.pdf", b"%PDF-" + b" " * 95, RefusalReason.TOO_LARGE, id="size"
        ),
    ],
)
def test_a_file_that_needs_too_much_is_refused_and_no_process_stays(
    limits: Limits, name: str, data: bytes, reason: RefusalReason
) -> None:
    with ReadingProcess(limits) as process:
        with pytest.raises(UnreadableError) as caught:
            process.read(data, name)
        assert caught.value.reason is reason
        assert process._process is None


def test_a_file_after_one_that_crashed_the_process_is_read(reader: DocumentReader) -> None:
    assert isinstance(reader.parse(files.wide_sheet(), "a.xlsx"), Refusal)
    assert citations(document(reader, files.pdf(["one"]), "b.pdf")) == ["b.pdf, page 1"]


def test_what_a_file_before_it_left_behind_is_not_laid_at_a_files_door(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ReadingProcess(Limits()) as process:
        first = process.read(b"<p>a", "a.html")
        assert process._process is not None
        process._process.kill()
        assert process.read(b"<p>a", "a.html") == first


def test_an_answer_that_is_no_answer_refuses_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_MODULE", "platform")  # prints a line that is no JSON
    with ReadingProcess(Limits()) as process, pytest.raises(UnreadableError) as caught:
        process.read(b"<p>a", "a.html")
    assert caught.value.reason is RefusalReason.CRASHED


def test_a_module_in_the_current_folder_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "selectolax.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place])
    with DocumentReader() as reader:
        assert isinstance(reader.parse(b"<p>a", "a.html"), Document)


@pytest.mark.parametrize(
    ("use", "named"),
    [
        pytest.param(lambda: Limits(seconds=float("nan")), "limits.seconds", id="nan"),
        pytest.param(lambda: Limits(pages=True), "limits.pages", id="truth-value"),
        pytest.param(lambda: DocumentReader(limits=3), "limits must be Limits", id="limits"),
        pytest.param(lambda: DocumentReader(max_chars=0), "max_chars", id="length"),
        pytest.param(lambda: DocumentReader().parse("a", "a.md"), "data must be bytes", id="text"),
        pytest.param(lambda: DocumentReader().parse(b"a", 3), "path", id="path"),
        pytest.param(lambda: scan_folder(".", wanted=3), "wanted", id="function"),
    ],
)
def test_an_unusable_argument_is_named(use: object, named: str) -> None:
    with pytest.raises(InputError, match=named):
        use()  # type: ignore[operator]


# Folders


def test_a_folder_is_scanned_without_opening_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.md").write_text("text")
    (tmp_path / "a.pdf").write_bytes(b"%PDF-")
    os.utime(tmp_path / "a.pdf", ns=(7, 1_000_000_007))
    (tmp_path / "logo.png").write_bytes(b"")
    opened: list[str] = []
    opens = os.open

    def watched(path: object, *rest: int, **named: int) -> int:
        opened.append(Path(str(path)).name)
        return opens(path, *rest, **named)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(os, "open", watched)
    found = scan_folder(tmp_path)
    assert set(opened) <= {".git"}
    changed = (tmp_path / "sub" / "b.md").stat().st_mtime_ns
    assert found.files == (
        FoundFile(path="a.pdf", size=5, modified_ns=1_000_000_007),
        FoundFile(path="sub/b.md", size=4, modified_ns=changed),
    )
    assert [(one.path, one.reason) for one in found.refused] == [
        ("logo.png", RefusalReason.OTHER_KIND)
    ]


def test_each_hostile_file_of_a_folder_is_read_or_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.md"
    outside.write_text("outside")
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "circle").symlink_to(root)
    (root / "out.md").symlink_to(outside)
    made = {
        "bomb.docx": files.zip_bomb(30),
        "circle.pdf": files.pdf(["round"], bookmarks=[("A", 0)], circle=True),
        "deep.html": b"<div>" * 3_000 + b"deep",
        "encrypted.pdf": files.encrypted_pdf(),
        "line\nend.md": b"two lines",
        "paper.md": files.pdf(["wrong suffix"]),
        "zeros.txt": bytes(99),
    }
    for name, data in made.items():
        (root / name).write_bytes(data)
    (root / "large.txt").touch()
    os.truncate(root / "large.txt", 200_000_000)
    scan = scan_folder(root)
    with DocumentReader() as reader:
        read = [reader.read(root, found.path) for found in scan.files]
    texts = {one.path: one.chunks[0].text for one in read if isinstance(one, Document)}
    refused = [*scan.refused, *(one for one in read if isinstance(one, Refusal))]
    assert texts == {
        "circle.pdf": "round",
        "deep.html": "deep",
        "line\nend.md": "two lines",
        "paper.md": "wrong suffix",
    }
    assert {one.path: one.reason.value for one in refused} == {
        "bomb.docx": "bomb",
        "encrypted.pdf": "encrypted",
        "large.txt": "too_large",
        "out.md": "link",
        "sub/circle": "link",
        "zeros.txt": "binary",
    }


def test_items_of_a_folder_say_where_they_are_from(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\n\none")
    (tmp_path / "b.pdf").write_bytes(files.pdf(["two"]))
    items = read_folder(tmp_path, prefix="").items
    assert [cited(item.source or "", item.metadata) for item in items] == [
        "a.md, lines 1-3",
        "b.pdf, page 1",
    ]
    assert json.loads(json.dumps([dict(item.metadata) for item in items])) == [
        {"lines": [1, 3], "headings": ["A"]},
        {"page": 1},
    ]


def test_a_note_names_a_file_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "a\nb.jpg").touch()
    (note,) = read_folder(tmp_path).notes
    assert "such as a\\nb.jpg." in note
