"""Text, Markdown and code files of a folder as memory items, cut into pieces.

Files are taken in the order of their paths. Hidden files and folders, symbolic links, binaries,
pipes and devices, files over the size limit, files that are not UTF-8 or whose name is not, and
other kinds of files are left out, and the notes count them. Where the folder lies in a git work
tree, ignored files are left out as well; elsewhere folders of installed dependencies are.

Nothing outside of the folder is read and nothing in it is run (`opening`, `git_program`).
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mba_integrations.core.arguments import (
    check_function,
    checked_path,
    checked_text,
    checked_whole,
)
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.ingest.chunking import MAX_CHARS, chunks
from mba_integrations.ingest.git import tracked_files
from mba_integrations.ingest.git_folder import GitError, NoRepositoryError
from mba_integrations.ingest.opening import UnsuitableFileError, read_below
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
_GONE = "deleted"


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
        InputError: If the folder is not one, or another argument is unusable.
    """
    check_function("tier_of", tier_of)
    check_function("track", track)
    max_chars = checked_whole("max_chars", max_chars, at_least=1)
    max_file_bytes = checked_whole("max_file_bytes", max_file_bytes)
    max_files = checked_whole("max_files", max_files)
    root = _root(folder)
    before = _before(root.as_posix() if prefix is None else checked_text("prefix", prefix))
    left_out = _LeftOut()
    paths = _wanted(root, tier_of, left_out)
    left_out.add("over the limit of files", paths[max_files:])
    items: list[MemoryItem] = []
    for path in track(paths[:max_files], f"Reading {folder}"):
        text = _text(root, path, max_file_bytes, left_out)
        tier = tier_of(path)
        if text is not None and tier is not None:
            items.extend(_items(text, f"{before}{path}", tier, max_chars))
    return Ingested(items=tuple(items), notes=tuple(left_out.notes(os.fspath(folder))))


def _root(folder: str | Path) -> Path:
    root = checked_path("folder", folder)
    try:
        is_folder = stat.S_ISDIR(root.stat().st_mode)
    except FileNotFoundError:
        raise InputError(f"{folder}: does not exist.") from None
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}.") from error
    if not is_folder:
        raise InputError(f"{folder}: is a file, not a folder.")
    return root


def _before(prefix: str) -> str:
    """What stands before the paths in ids and sources: nothing for the folder one is in."""
    shown = prefix.removeprefix("./").rstrip("/")
    return "" if shown in ("", ".") else f"{shown}/"


def _items(text: str, source: str, tier: MemoryTier, max_chars: int) -> Iterator[MemoryItem]:
    for place, chunk in enumerate(chunks(text, path=source, max_chars=max_chars)):
        yield MemoryItem(f"{source}#{place}", chunk, tier, source=source, position=float(place))


@dataclass(slots=True)
class _LeftOut:
    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def add(self, reason: str, paths: Sequence[str], example: str = "") -> None:
        if paths:
            self.counts[reason] += len(paths)
            self.examples.setdefault(reason, example or paths[0])

    def notes(self, folder: str) -> Iterator[str]:
        yield from (f"{folder}: {said}" for said in self.remarks)
        for reason, count in self.counts.items():
            yield f"{folder}: {count:,} left out, {reason}, such as {self.examples[reason]}."


def _wanted(
    root: Path, tier_of: Callable[[str], MemoryTier | None], left_out: _LeftOut
) -> list[str]:
    """Paths below *root* that are worth opening, sorted."""
    wanted = []
    for path in sorted(_listed(root, left_out)):
        name_is_text = _is_utf8(path)
        if name_is_text and tier_of(path) is None:
            continue
        reason = _unwanted(root, path) if name_is_text else "name not UTF-8"
        if reason is None:
            wanted.append(path)
        elif reason != _GONE:
            left_out.add(reason, [path], _escaped(path))
    return wanted


def _unwanted(root: Path, path: str) -> str | None:
    """Why a path is not opened; None if it is."""
    if any(part.startswith(".") for part in path.split("/")):
        return "hidden"
    try:
        mode = (root / path).lstat().st_mode
    except OSError:
        return _GONE
    if stat.S_ISLNK(mode):
        return "symbolic links"
    if stat.S_ISDIR(mode):
        return "repositories of their own"
    return None if is_text_name(path) else "not text, Markdown or code by name"


def _is_utf8(path: str) -> bool:
    """Whether the system's bytes for *path* are UTF-8; others are surrogates in Python."""
    return path.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in path)


def _escaped(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _listed(root: Path, left_out: _LeftOut) -> Iterator[str]:
    try:
        yield from tracked_files(root)
    except GitError as error:
        if not isinstance(error, NoRepositoryError):
            left_out.remarks.append(f"ignored files are not left out: {error}")
        yield from _walked(root, left_out)


def _walked(root: Path, left_out: _LeftOut) -> Iterator[str]:
    for folder, subfolders, names in os.walk(root):
        below = Path(folder).relative_to(root)
        hidden = sorted(name for name in subfolders if name.startswith("."))
        dependencies = sorted(DEPENDENCY_FOLDERS.intersection(subfolders))
        left_out.add("hidden folders", [(below / name).as_posix() for name in hidden])
        left_out.add("dependency folders", [(below / name).as_posix() for name in dependencies])
        subfolders[:] = sorted({*subfolders} - {*hidden} - {*dependencies})
        # A link to a folder is listed, to be counted; os.walk does not enter it.
        links = [name for name in subfolders if os.path.islink(os.path.join(folder, name))]
        for name in (*names, *links):
            yield (below / name).as_posix()


def _text(root: Path, path: str, max_file_bytes: int, left_out: _LeftOut) -> str | None:
    try:
        data = read_below(root, path, max_bytes=max_file_bytes)
    except UnsuitableFileError as error:
        left_out.add(str(error), [path], f"{path} ({error.detail})" if error.detail else path)
        return None
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
