"""Rows of workbooks and of CSV files as tables, the first row that is not empty as their header."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from mba_integrations.ingest.formats.encoding import text_of
from mba_integrations.ingest.formats.kinds import Kind
from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.markdown import heading, table
from mba_integrations.ingest.formats.parts import FileText, Part
from mba_integrations.ingest.formats.refusing import (
    RefusalReason,
    UnreadableError,
    broken,
    check_count,
)

_DELIMITERS = ",;\t|"
_PROBED_LINES = 20


def read_workbook(data: bytes, limits: Limits, *, title: str | None = None) -> FileText:
    """The values of each sheet, hidden ones too; formulas as what they last came to.

    Raises:
        UnreadableError: If it is encrypted or broken, or has too many rows or no text.
    """
    import python_calamine as calamine

    parts: list[Part] = []
    rows = 0
    try:
        book = calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        for name in _sheet_names(book):
            sheet = book.get_sheet_by_name(name)
            check_count(rows := rows + sheet.height, limits.rows, "rows")
            # It begins with the first row of the sheet, whatever is in it.
            numbered = enumerate(sheet.iter_rows(), start=1)
            cells = ((at, [_written(cell) for cell in row]) for at, row in numbered)
            parts.extend(_part(cells, {"sheet": name}, heading(1, name), limits))
    except calamine.PasswordError:
        raise UnreadableError(RefusalReason.ENCRYPTED, "encrypted") from None
    except calamine.CalamineError as error:
        raise broken("workbook", error) from None
    return _read(Kind.SHEETS, parts, title)


def _sheet_names(book: Any) -> list[str]:
    """Sheets of cells; charts and macros have none."""
    return [one.name for one in book.sheets_metadata if str(one.typ).endswith("WorkSheet")]


def read_csv(data: bytes, limits: Limits) -> FileText:
    """The rows of a file of separated values.

    Raises:
        UnreadableError: If it is binary, or has too many rows or no text.
    """
    text = text_of(data)
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=_delimiter(text))
    try:
        parts = list(_part(_csv_rows(reader, limits), {}, "", limits))
    except csv.Error as error:
        raise broken("table", f"line {reader.line_num:,}: {error}") from None
    return _read(Kind.CSV, parts, None)


def _csv_rows(reader: Any, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    for number, row in enumerate(reader, start=1):
        check_count(number, limits.rows, "rows")
        yield number, row


def _delimiter(text: str) -> str:
    """The sign that splits most lines of the beginning into the same number of cells."""
    lines = [line for line in text[:100_000].split("\n") if line.strip()][:_PROBED_LINES]

    def agreement(sign: str) -> tuple[int, int]:
        counts = Counter(line.count(sign) for line in lines if sign in line)
        (cells, agreeing), *_ = counts.most_common(1) or [(0, 0)]
        return agreeing, cells

    return max(_DELIMITERS, key=agreement)


def _part(
    rows: Iterable[tuple[int, list[str]]], place: dict[str, Any], head: str, limits: Limits
) -> Iterator[Part]:
    """The rows that are not empty as one table; nothing if there are none."""
    kept: list[list[str]] = []
    numbers: list[int] = []
    chars = 0
    for number, row in rows:
        if any(cell.strip() for cell in row):
            chars += sum(map(len, row))
            check_count(chars, limits.chars, "characters of text")
            kept.append(row)
            numbers.append(number)
    if kept:
        above = [numbers[0]] * (2 if head else 0)
        text = f"{head}\n\n{table(kept)}" if head else table(kept)
        lines = (*above, numbers[0], *numbers[:1], *numbers[1:])
        yield Part(text=text, place=place, counts="rows", numbers=lines)


def _read(kind: Kind, parts: list[Part], title: str | None) -> FileText:
    if not parts:
        raise UnreadableError(RefusalReason.NO_TEXT, "without text")
    return FileText(kind=kind, title=title, parts=tuple(parts))


def _written(value: object) -> str:
    """A cell as a person reads it: whole numbers without a fraction, days without a midnight."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, (date, time)):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return str(value) if isinstance(value, (str, float, int, timedelta)) else ""
