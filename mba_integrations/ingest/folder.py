"""Text, Markdown and code files of a folder as memory items, cut into pieces.

Files are taken in the order of their paths. Hidden files and folders, symbolic links, binaries,
files over the size limit, files that are not UTF-8 and other kinds of files are left out, and the
notes count them. Where the folder lies in a git work tree, ignored files are left out as well;
elsewhere folders of installed dependencies are.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.ingest.chunking import MAX_CHARS, chunks
from mba_integrations.ingest.git import GitError, tracked_files
from mba_integrations.ingest.reading import Ingested, Track, decoded, silently

MAX_FILE_BYTES = 1_000_000
MAX_FILES = 5_000
"""Keeps a run on a home folder from reading for hours; a note says when it is reached."""

DOCUMENT_SUFFIXES = frozenset({".adoc", ".markdown", ".md", ".mdx", ".org", ".rst", ".txt"})
CODE_SUFFIXES = frozenset(
    {".bash", ".c", ".cc", ".cfg", ".clj", ".cpp", ".cs", ".css", ".dart", ".el", ".erl"}
    | {".ex", ".exs", ".fish", ".go", ".gradle", ".graphql", ".h", ".hpp", ".hs", ".html"}
    | {".ini", ".java", ".jl", ".js", ".json", ".jsx", ".kt", ".kts", ".less", ".lua", ".m"}
    | {".mjs", ".ml", ".nim", ".php", ".pl", ".proto", ".ps1", ".py", ".pyi", ".pyx", ".r"}
    | {".rb", ".rs", ".sass", ".scala", ".scss", ".sh", ".sql", ".svelte", ".swift", ".tex"}
    | {".tf", ".toml", ".ts", ".tsx", ".vue", ".xml", ".yaml", ".yml", ".zig", ".zsh"}
)
PLAIN_NAMES = frozenset(
    {"authors", "changelog", "containerfile", "contributing", "copying", "dockerfile", "gemfile"}
    | {"justfile", "license", "makefile", "notice", "procfile", "rakefile", "readme"}
)
DEPENDENCY_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages", "venv"})
_BINARY_PROBE_BYTES = 8192
"""A NUL byte among the first so many marks a binary, as git decides it."""


def is_text_name(path: str) -> bool:
    """Whether a file of that name is text, Markdown or code.

    >>> is_text_name("docs/guide.MD"), is_text_name("Makefile"), is_text_name("logo.png")
    (True, True, False)
    """
    name = path.rpartition("/")[2].lower()
    suffix = os.path.splitext(name)[1]
    return suffix in DOCUMENT_SUFFIXES or suffix in CODE_SUFFIXES or name in PLAIN_NAMES


def read_folder(
    folder: str | Path,
    *,
    tier_of: Callable[[str], MemoryTier | None] = lambda path: MemoryTier.RAG,
    max_chars: int = MAX_CHARS,
    max_file_bytes: int = MAX_FILE_BYTES,
    max_files: int = MAX_FILES,
    prefix: str | None = None,
    track: Track = silently,
) -> Ingested:
    """Pieces of the files in *folder*, files in path order, pieces in file order.

    An item's `source` is the path, its `position` the number of the piece, its id
    `path#position`.

    Args:
        folder: Where to look, subfolders included.
        tier_of: Tier of a file by its path below the folder; None leaves it out without a note.
        max_chars: Longest piece.
        max_file_bytes: Files above it are left out.
        max_files: Files after so many are left out.
        prefix: What stands before the paths in ids and sources; the folder as given by default.
        track: Goes through the paths and may show how far it is.

    Raises:
        InputError: If the folder is not one.
    """
    root = Path(folder)
    if not root.is_dir():
        what = "is a file, not a folder" if root.exists() else "does not exist"
        raise InputError(f"{folder}: {what}.")
    shown = (root.as_posix() if prefix is None else prefix).removeprefix("./").rstrip("/")
    before = "" if shown in ("", ".") else f"{shown}/"
    left_out = _LeftOut()
    paths = _wanted(root, tier_of, left_out)
    left_out.add("over the limit of files", paths[max_files:])
    items: list[MemoryItem] = []
    for path in track(paths[:max_files], f"Reading {folder}"):
        text = _text(root / path, path, max_file_bytes, left_out)
        tier = tier_of(path)
        if text is not None and tier is not None:
            items.extend(_items(text, f"{before}{path}", tier, max_chars))
    return Ingested(items=tuple(items), notes=tuple(left_out.notes(str(folder))))


def _items(text: str, source: str, tier: MemoryTier, max_chars: int) -> Iterator[MemoryItem]:
    for place, chunk in enumerate(chunks(text, path=source, max_chars=max_chars)):
        yield MemoryItem(f"{source}#{place}", chunk, tier, source=source, position=float(place))


@dataclass(slots=True)
class _LeftOut:
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, paths: Sequence[str], example: str = "") -> None:
        if paths:
            self.counts[reason] += len(paths)
            self.examples.setdefault(reason, example or paths[0])

    def notes(self, folder: str) -> Iterator[str]:
        for reason, count in self.counts.items():
            yield f"{folder}: {count:,} left out, {reason}, such as {self.examples[reason]}."


def _wanted(
    root: Path, tier_of: Callable[[str], MemoryTier | None], left_out: _LeftOut
) -> list[str]:
    """Paths below *root* that are worth opening, sorted."""
    found = sorted(path for path in _listed(root, left_out) if tier_of(path) is not None)
    hidden = [path for path in found if any(part.startswith(".") for part in path.split("/"))]
    left_out.add("hidden", hidden)
    seen = set(hidden)
    links = [path for path in found if path not in seen and (root / path).is_symlink()]
    left_out.add("symbolic links", links)
    seen.update(links)
    others = [path for path in found if path not in seen and not is_text_name(path)]
    left_out.add("not text, Markdown or code by name", others)
    seen.update(others)
    return [path for path in found if path not in seen]


def _listed(root: Path, left_out: _LeftOut) -> Iterator[str]:
    try:
        yield from tracked_files(root)
    except GitError:
        yield from _walked(root, left_out)


def _walked(root: Path, left_out: _LeftOut) -> Iterator[str]:
    for folder, subfolders, names in os.walk(root):
        below = Path(folder).relative_to(root)
        hidden = sorted(name for name in subfolders if name.startswith("."))
        dependencies = sorted(DEPENDENCY_FOLDERS.intersection(subfolders))
        left_out.add("hidden folders", [(below / name).as_posix() for name in hidden])
        left_out.add("dependency folders", [(below / name).as_posix() for name in dependencies])
        subfolders[:] = sorted({*subfolders} - {*hidden} - {*dependencies})
        for name in names:
            yield (below / name).as_posix()


def _text(file: Path, path: str, max_file_bytes: int, left_out: _LeftOut) -> str | None:
    try:
        size = file.stat().st_size
        if not file.is_file() or size > max_file_bytes:
            left_out.add(f"over {max_file_bytes:,} bytes", [path], f"{path} ({size:,})")
            return None
        data = file.read_bytes()
    except OSError as error:
        left_out.add("cannot be read", [path], f"{path} ({error.strerror})")
        return None
    if b"\0" in data[:_BINARY_PROBE_BYTES]:
        left_out.add("binary", [path])
        return None
    try:
        return decoded(data, path)
    except InputError as error:
        left_out.add("not UTF-8", [path], str(error).removesuffix("."))
        return None
