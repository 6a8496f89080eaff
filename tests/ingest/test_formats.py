"""What is read of each format. Files are those that the formats' own libraries write."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest
from document_files import handbook, slides, workbook

from benchmarks import ingest_files as files
from mba_integrations.ingest.formats import markdown
from mba_integrations.ingest.formats.encoding import text_of
from mba_integrations.ingest.formats.kinds import Kind, kind_of
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.parts import FileText
from mba_integrations.ingest.formats.reading_process import read_file
from mba_integrations.ingest.formats.refusing import RefusalReason, UnreadableError


def read(data: bytes, name: str, **limits: Any) -> FileText:
    return read_file(data, name, Limits(**limits))


def refusal(data: bytes, name: str, **limits: Any) -> RefusalReason:
    with pytest.raises(UnreadableError) as caught:
        read(data, name, **limits)
    return caught.value.reason


def only_text(found: FileText) -> str:
    (part,) = found.parts
    return part.text


# Which format it is


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        pytest.param(b"%PDF-1.4", "notes.txt", Kind.PDF, id="pdf-called-text"),
        pytest.param(b"\n\n%PDF-1.4", "a.pdf", Kind.PDF, id="pdf-after-blanks"),
        pytest.param(b"Files begin with %PDF-1.4", "a.md", Kind.MARKDOWN, id="text-about-pdf"),
        pytest.param(b"<!DOCTYPE html><p>404", "a.pdf", Kind.HTML, id="error-page-called-pdf"),
        pytest.param(b"<html>", "a.md", Kind.MARKDOWN, id="markdown-with-html"),
        pytest.param(b"plain", "a.docx", Kind.TEXT, id="text-called-word"),
        pytest.param(b"a,b", "A.CSV", Kind.CSV, id="large-letters"),
        pytest.param(b"x", "a.py", Kind.CODE, id="code"),
        pytest.param(b"x", "Makefile", Kind.TEXT, id="no-suffix"),
    ],
)
def test_content_decides_where_it_tells(data: bytes, name: str, kind: Kind) -> None:
    assert kind_of(data, name) is kind


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param("Größe", "utf-8-sig", id="utf-8-with-mark"),
        pytest.param("Größe 漢字", "utf-16", id="utf-16-with-mark"),
        pytest.param("Größe 漢字", "utf-32", id="utf-32-with-mark"),
        pytest.param("A long line of plain Western text.", "utf-16-le", id="utf-16-without-mark"),
        pytest.param("A long line of plain Western text.", "utf-16-be", id="big-endian"),
        pytest.param("café", "latin-1", id="one-sign"),
        pytest.param("Привет, это текст на русском языке, длинный.", "cp1251", id="cyrillic"),
        pytest.param("これは日本語の文章です。今日は良い天気ですね。", "shift_jis", id="japanese"),
    ],
)
def test_text_is_read_in_the_encoding_it_was_written(text: str, encoding: str) -> None:
    assert text_of(text.encode(encoding)) == text


@pytest.mark.parametrize("data", [bytes(range(256)) * 40, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"])
def test_what_no_encoding_makes_a_text_of_is_binary(data: bytes) -> None:
    with pytest.raises(UnreadableError, match="binary"):
        text_of(data)


# PDF


def test_pages_stand_under_the_bookmarks_before_them() -> None:
    data = files.pdf(["one", "", "three"], bookmarks=[("Start", 0), ("End", 2)])
    found = read(data, "a.pdf")
    assert [(part.text, part.place) for part in found.parts] == [
        ("one", {"page": 1, "headings": ["Start"]}),
        ("three", {"page": 3, "headings": ["End"]}),
    ]


def test_references_in_a_circle_end() -> None:
    data = files.pdf(["one", "two"], bookmarks=[("A", 0), ("B", 1)], circle=True)
    assert [part.text for part in read(data, "a.pdf").parts] == ["one", "two"]


# Word, slides


def test_headings_lists_and_tables_of_a_word_file_become_markdown() -> None:
    found = read(handbook(), "a.docx")
    assert found.title == "Handbook"
    assert only_text(found) == (
        "# Setup\n\nInstall it.\n\n## Linux\n\n- apt\n\n"
        "| word | meaning |\n| --- | --- |\n| pin | kept |"
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param("<w:sdt><w:sdtContent>{}</w:sdtContent></w:sdt>", "in", id="content-control"),
        pytest.param("<w:p><w:ins><w:r><w:t>in</w:t></w:r></w:ins></w:p>", "in", id="inserted"),
        pytest.param(
            "{}<w:p><w:del><w:r><w:t>out</w:t></w:r></w:del></w:p>", "in", id="deleted-is-out"
        ),
        pytest.param(
            "<w:p><w:r><w:pict><w:txbxContent>{}</w:txbxContent></w:pict></w:r></w:p>",
            "in",
            id="text-box",
        ),
        pytest.param("<w:tbl><w:tr><w:tc>{}</w:tc></w:tr></w:tbl>", "in", id="frame"),
        pytest.param("<w:p><w:r><w:t># no</w:t></w:r></w:p>", "\\# no", id="no-heading"),
        pytest.param("<!-- {} --><w:p><w:r><w:t>in</w:t></w:r></w:p>", "in", id="comment"),
    ],
)
def test_text_of_a_word_file_is_found_wherever_it_is(body: str, text: str) -> None:
    paragraph = "<w:p><w:r><w:t>in</w:t></w:r></w:p>"
    assert only_text(read(files.word_of(body.replace("{}", paragraph)), "a.docx")) == text


def test_styles_that_build_on_themselves_make_no_heading() -> None:
    style = '<w:p><w:pPr><w:pStyle w:val="A"/></w:pPr><w:r><w:t>in</w:t></w:r></w:p>'
    circle = '<w:styles><w:style w:styleId="A"><w:basedOn w:val="A"/></w:style></w:styles>'
    relation = '<R xmlns="r"><One Id="s" Type="x/styles" Target="styles.xml"/></R>'
    namespace = circle.replace("<w:styles>", '<w:styles xmlns:w="w">')
    parts = {"word/styles.xml": namespace, "word/_rels/document.xml.rels": relation}
    assert only_text(read(files.word_of(style, **parts), "a.docx")) == "in"


def test_slides_have_titles_texts_tables_and_notes() -> None:
    found = read(slides(), "a.pptx")
    assert [(part.place, part.text) for part in found.parts] == [
        ({"slide": 1}, "# Plan\n\nWrite it.\nShip it.\n\nSmile."),
        ({"slide": 2}, "| day | sum |\n| --- | --- |\n| Monday | 3 |"),
    ]


# Sheets, notebooks, pages


def test_rows_of_a_sheet_know_their_numbers() -> None:
    day = datetime.date(2026, 3, 1)
    data = workbook({"Sales": [[], ["day", "sum"], [day, 3.0], [], ["x|y", True]], "None": []})
    (part,) = read(data, "a.xlsx").parts
    assert part.text.split("\n") == [
        *("# Sales", "", "| day | sum |", "| --- | --- |", "| 2026-03-01 | 3 |", "| x\\|y | True |")
    ]
    assert (part.place, part.numbers) == ({"sheet": "Sales"}, (2, 2, 2, 2, 3, 5))


@pytest.mark.parametrize("sign", list(",;\t|"))
def test_signs_between_the_values_of_a_csv_file_are_found(sign: str) -> None:
    data = f"a{sign}b\n1{sign}2\n\n3{sign}4.5\n".encode()
    (part,) = read(data, "a.csv").parts
    assert part.text.startswith("| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 |")
    assert part.numbers[:4] == (1, 1, 2, 4)


def test_a_macro_is_not_looked_at() -> None:
    body = "<w:p><w:r><w:t>in</w:t></w:r></w:p>"
    assert (
        only_text(read(files.word_of(body, **{"word/vbaProject.bin": "Shell"}), "a.docm")) == "in"
    )


def test_cells_of_a_notebook_are_parts() -> None:
    found = read(files.notebook(("markdown", "# Hi"), ("raw", " "), ("code", "x = 1")), "a.ipynb")
    assert [(part.place["cell"], part.text, part.is_markdown) for part in found.parts] == [
        (1, "# Hi", True),
        (3, "x = 1", False),
    ]


def test_an_old_notebook_has_its_cells_in_worksheets() -> None:
    data = b'{"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1\\n", "y"]}]}]}'
    assert only_text(read(data, "a.ipynb")) == "x = 1\ny"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        pytest.param("<h2>A <i>b</i></h2>c", "## A b\n\nc", id="heading"),
        pytest.param("<ul><li><p>a<li>b</ul>c", "- a\n\n- b\n\nc", id="list"),
        pytest.param("<p>a\n b<br>c", "a b\nc", id="lines"),
        pytest.param("<pre>a\n  # b</pre>", "```\na\n  # b\n```", id="code"),
        pytest.param("<pre>```</pre>", "````\n```\n````", id="fence-in-code"),
        pytest.param("<script>no</script><nav>no</nav>a<!-- no -->", "a", id="unseen"),
        pytest.param(
            "<table><tr><th>a<th>b<tr><td>1<td><table><tr><td>2</table></table>",
            "| a | b |\n| --- | --- |\n| 1 | 2 |",
            id="table-in-a-table",
        ),
        pytest.param("<table><tr><td>a<tr><td>b</table>", "a\n\nb", id="frame"),
        pytest.param("<p># a<p>~~~", "\\# a\n\n\\~~~", id="looks-like-markdown"),
        pytest.param("<h1></h1><div><div>a</div></div>", "a", id="empty-heading"),
    ],
)
def test_a_page_becomes_markdown(page: str, text: str) -> None:
    assert only_text(read(page.encode(), "a.html")) == text


def test_a_page_in_the_encoding_it_names() -> None:
    page = '<html><head><meta charset="windows-1251"><title>Я</title></head>Привет'
    found = read(page.encode("cp1251"), "a.html")
    assert (found.title, only_text(found)) == ("Я", "Привет")


# What is refused


@pytest.mark.parametrize(
    ("make", "name", "reason"),
    [
        pytest.param(files.encrypted_pdf, "a.pdf", RefusalReason.ENCRYPTED, id="pdf-password"),
        pytest.param(lambda: files.pdf([""]), "a.pdf", RefusalReason.NO_TEXT, id="scanned"),
        pytest.param(lambda: b"%PDF-1.7 rest", "a.pdf", RefusalReason.BROKEN, id="no-pdf"),
        pytest.param(lambda: files.zip_bomb(30), "a.docx", RefusalReason.BOMB, id="zip-bomb"),
        pytest.param(files.entity_bomb, "a.docx", RefusalReason.BROKEN, id="entity-bomb"),
        pytest.param(
            lambda: files.package({"d.xml": "<!DOCTYPE d [<!ENTITY a 'b'>]><d/>"}, "d.xml"),
            "a.docx",
            RefusalReason.BOMB,
            id="dtd",
        ),
        pytest.param(
            lambda: files.word_of("<w:sdt>" * 999), "a.docx", RefusalReason.BROKEN, id="cut-short"
        ),
        pytest.param(
            lambda: files.zipped({"a": "b"}), "a.docx", RefusalReason.OTHER_KIND, id="zip"
        ),
        pytest.param(lambda: b"PK\3\4...", "a.docx", RefusalReason.BROKEN, id="no-zip"),
        pytest.param(lambda: b"[]", "a.ipynb", RefusalReason.BROKEN, id="no-notebook"),
        pytest.param(lambda: b"[" * 99_999, "a.ipynb", RefusalReason.BROKEN, id="deep-notebook"),
        pytest.param(lambda: b"<p>", "a.html", RefusalReason.NO_TEXT, id="empty-page"),
        pytest.param(lambda: b"\0\1\2", "a.csv", RefusalReason.BINARY, id="binary-csv"),
        pytest.param(
            lambda: b'a\n"' + b"b" * 200_000, "a.csv", RefusalReason.BROKEN, id="endless-cell"
        ),
        pytest.param(
            lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "a.docx",
            RefusalReason.ENCRYPTED,
            id="office-password",
        ),
        pytest.param(
            lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.doc", RefusalReason.OTHER_KIND, id="old"
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(
    make: Callable[[], bytes], name: str, reason: RefusalReason
) -> None:
    assert refusal(make(), name) is reason


@pytest.mark.parametrize(
    ("make", "name", "limit"),
    [
        pytest.param(lambda: files.pdf(["a", "b"]), "a.pdf", {"pages": 1}, id="pages"),
        pytest.param(slides, "a.pptx", {"pages": 1}, id="slides"),
        pytest.param(
            lambda: files.notebook(*[("raw", "a")] * 2), "a.ipynb", {"pages": 1}, id="cells"
        ),
        pytest.param(lambda: b"a\nb", "a.csv", {"rows": 1}, id="csv-rows"),
        pytest.param(lambda: files.sheet({"A1": "a", "A9": "b"}), "a.xlsx", {"rows": 8}, id="rows"),
        pytest.param(lambda: b"<p>abc", "a.html", {"chars": 2}, id="page-chars"),
        pytest.param(lambda: files.pdf(["abc"]), "a.pdf", {"chars": 2}, id="pdf-chars"),
        pytest.param(lambda: files.word("abc"), "a.docx", {"chars": 2}, id="word-chars"),
        pytest.param(lambda: b"abc", "a.csv", {"chars": 2}, id="csv-chars"),
    ],
)
def test_one_over_a_limit_is_too_large(
    make: Callable[[], bytes], name: str, limit: dict[str, int]
) -> None:
    assert refusal(make(), name, **limit) is RefusalReason.TOO_LARGE
    ((key, most),) = limit.items()
    assert read(make(), name, **{key: most + 9}).parts


def test_a_fence_is_longer_than_any_in_it() -> None:
    assert markdown.fenced("````") == "`````\n````\n`````"
