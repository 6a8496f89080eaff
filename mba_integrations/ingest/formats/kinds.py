"""What kind of file it is: by its content where that tells, else by its name.

A PDF called `notes.txt` is a PDF, a page of HTML called `paper.pdf` (what a download gives that
failed) is HTML. Plain text says nothing of its kind, so there the name decides.
"""

from __future__ import annotations

import os
import re
from enum import StrEnum

from mba_integrations.ingest.formats.refusing import RefusalReason, UnreadableError

DOCUMENT_SUFFIXES = frozenset({".adoc", ".markdown", ".md", ".mdx", ".org", ".rst", ".txt"})
CODE_SUFFIXES = frozenset(
    {".bash", ".c", ".cc", ".cfg", ".clj", ".cpp", ".cs", ".css", ".dart", ".el", ".erl"}
    | {".ex", ".exs", ".fish", ".go", ".gradle", ".graphql", ".h", ".hpp", ".hs"}
    | {".ini", ".java", ".jl", ".js", ".json", ".jsx", ".kt", ".kts", ".less", ".lua", ".m"}
    | {".mjs", ".ml", ".nim", ".php", ".pl", ".proto", ".ps1", ".py", ".pyi", ".pyx", ".r"}
    | {".rb", ".rs", ".sass", ".scala", ".scss", ".sh", ".sql", ".svelte", ".swift", ".tex"}
    | {".tf", ".toml", ".ts", ".tsx", ".vue", ".xml", ".yaml", ".yml", ".zig", ".zsh"}
)
PLAIN_NAMES = frozenset(
    {"authors", "changelog", "containerfile", "contributing", "copying", "dockerfile", "gemfile"}
    | {"justfile", "license", "makefile", "notice", "procfile", "rakefile", "readme"}
)
MARKDOWN_SUFFIXES = frozenset({".md", ".markdown", ".mdx"})


class Kind(StrEnum):
    """The format of a file."""

    MARKDOWN = "markdown"
    TEXT = "text"
    CODE = "code"
    HTML = "html"
    PDF = "pdf"
    DOCX = "docx"
    PPTX = "pptx"
    SHEETS = "sheets"
    CSV = "csv"
    NOTEBOOK = "notebook"


_FORMATS = {
    ".csv": Kind.CSV, ".docm": Kind.DOCX, ".docx": Kind.DOCX, ".htm": Kind.HTML,
    ".html": Kind.HTML, ".ipynb": Kind.NOTEBOOK, ".ods": Kind.SHEETS, ".pdf": Kind.PDF,
    ".pptm": Kind.PPTX, ".pptx": Kind.PPTX, ".tsv": Kind.CSV, ".xhtml": Kind.HTML,
    ".xlsb": Kind.SHEETS, ".xlsm": Kind.SHEETS, ".xlsx": Kind.SHEETS,
}  # fmt: skip
_OF_TEXT = frozenset({Kind.HTML, Kind.CSV, Kind.NOTEBOOK})
"""Formats whose files are text."""
_PDF_WITHIN = 1024
"""Readers accept a PDF whose header begins within so many bytes."""
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)


def suffix_of(path: str) -> str:
    """The suffix of a name, in small letters."""
    return os.path.splitext(path.rpartition("/")[2])[1].lower()


def is_text_name(path: str) -> bool:
    """Whether a file of that name is text, Markdown or code.

    >>> is_text_name("docs/guide.MD"), is_text_name("Makefile"), is_text_name("logo.png")
    (True, True, False)
    """
    name = path.rpartition("/")[2].lower()
    suffix = os.path.splitext(name)[1]
    return suffix in DOCUMENT_SUFFIXES or suffix in CODE_SUFFIXES or name in PLAIN_NAMES


def format_of_name(path: str) -> Kind | None:
    """The format that a name promises, if it is not plain text.

    >>> format_of_name("Handbook.PDF"), format_of_name("notes.md")
    (<Kind.PDF: 'pdf'>, None)
    """
    return _FORMATS.get(suffix_of(path))


def kind_of(data: bytes, path: str) -> Kind:
    """The kind of a file; DOCX stands for any zip, whose parts have to be looked at.

    Raises:
        UnreadableError: If it is an Office file that is encrypted or older than 2007.

    >>> kind_of(b"%PDF-1.7 ...", "notes.txt"), kind_of(b"hello", "paper.pdf")
    (<Kind.PDF: 'pdf'>, <Kind.TEXT: 'text'>)
    """
    if _is_pdf(data[:_PDF_WITHIN], path):
        return Kind.PDF
    if data.startswith(b"PK\x03\x04"):
        return Kind.DOCX
    if data.startswith(_OLE2):
        _refuse_ole2(data)
    named = format_of_name(path)
    if named in _OF_TEXT:
        return named
    if named is not None and _HTML.match(data[:_PDF_WITHIN]):
        return Kind.HTML
    suffix = suffix_of(path)
    if suffix in MARKDOWN_SUFFIXES:
        return Kind.MARKDOWN
    return Kind.CODE if suffix in CODE_SUFFIXES else Kind.TEXT


def _is_pdf(head: bytes, path: str) -> bool:
    """Whether it begins like one; with rubbish before that only where the name says so as well."""
    return head.startswith(b"%PDF-") or (b"%PDF-" in head and suffix_of(path) == ".pdf")


def _refuse_ole2(data: bytes) -> None:
    if _ENCRYPTED_PACKAGE in data:
        raise UnreadableError(RefusalReason.ENCRYPTED, "encrypted")
    raise UnreadableError(
        RefusalReason.OTHER_KIND, "of an Office format of before 2007; save it as .docx or .xlsx"
    )
