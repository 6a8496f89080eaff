"""What reading one file may take. A file that needs more is refused, never read in part."""

from __future__ import annotations

from dataclasses import dataclass, fields

from mba_integrations.core.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may need.

    Attributes:
        file_bytes: Size of a file that is not plain text.
        unpacked_bytes: What a zip says that it holds, all together.
        pages: Pages of a PDF, slides, or cells of a notebook.
        rows: Rows of all sheets.
        chars: Characters of text in the file.
        seconds: Time until the process that reads it is ended.
        memory_bytes: Address space of that process. Not held on Windows.

    Raises:
        InputError: If one is not a number above 0.

    >>> Limits(pages=0)
    Traceback (most recent call last):
    mba_integrations.core.errors.InputError: limits.pages must be a number above 0, got 0.
    """

    file_bytes: int = 50_000_000
    unpacked_bytes: int = 500_000_000
    pages: int = 5_000
    rows: int = 100_000
    chars: int = 10_000_000
    seconds: float = 30.0
    memory_bytes: int = 2_000_000_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not 0 < value < float("inf"):
                raise InputError(
                    f"limits.{field.name} must be a number above 0, got {value!r:.100}."
                )
