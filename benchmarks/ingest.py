"""Measure how fast a folder is read, and what hostile files cost.

    python -m benchmarks.ingest
    python -m benchmarks.ingest --files 10000 --parts markdown scan stored mixed

Part `markdown` reads files of 5 KB, `scan` finds them without reading, `stored` syncs them into a
workspace, then once more as they are, then with one of them changed; `mixed` syncs files of all
formats with hostile ones among them, one in a hundred. None of it makes vectors. From 2,000 files
on other processes read them; `--here` has this one do it. Folders are made for the run and deleted.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import random
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TypeVar
from unittest.mock import MagicMock, patch

from benchmarks import ingest_files as files
from mba_integrations.ingest.documents.reader import DocumentReader
from mba_integrations.ingest.documents.scanning import scan_folder
from mba_integrations.ingest.folder import read_folder
from mba_integrations.services import RagService
from mba_integrations.services.rag import reading_pool

Result = TypeVar("Result")
_WORDS = (
    *("budget", "memory", "token", "prompt", "tier", "workspace", "item", "score", "rank"),
    *("query", "recall", "store", "chunk"),
)
_FILE_CHARS = 5_000
_SECTION_WORDS = 70
_IN_A_FOLDER = 200
_HOSTILE_EVERY = 100
_LARGE = ".large.txt"
_OUTSIDE = "Nobody outside of the folder reads zeppelin."


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Speed of reading folders.")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--here", action="store_true", help="read all files in this process")
    options = parser.parse_args(arguments)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"{machine}, Python {platform.python_version()}")
    print(f"python -m benchmarks.ingest {shlex.join(arguments or sys.argv[1:])}")
    least = math.inf if options.here else reading_pool.FROM_FILES
    apart = patch.object(reading_pool, "FROM_FILES", least)
    with tempfile.TemporaryDirectory(prefix="mba-ingest-") as made, apart:
        for part in options.parts:
            PARTS[part](Path(made), options.files)


def markdown(made: Path, count: int) -> None:
    """Files a second, by the clock and by this process's CPU."""
    folder = _written(made / "markdown", _markdown_files(count))
    read = _timed(f"{count:,} Markdown files", count, lambda: read_folder(folder, max_files=count))
    print(f"    {len(read.items):,} pieces, {len(read.notes)} notes")


def scan(made: Path, count: int) -> None:
    """Files found a second, with size and time of change."""
    folder = _written(made / "scanned", _markdown_files(count))
    _timed(f"{count:,} files found", count, lambda: scan_folder(folder))


def stored(made: Path, count: int) -> None:
    """Files a second into a store, and what a second sync and one changed file take."""
    folder = _written(made / "stored", _markdown_files(count))
    with _workspace(made / "stored.db") as rag:
        steps = ("put", "as they were", "one of them changed")
        for step in steps:
            if step == steps[-1]:
                (folder / "000" / "00000.md").write_text("# Other\n\nAnother text.\n")
            with _reads() as read:
                name = f"{count:,} Markdown files, {step}"
                report = _timed(name, count, lambda: rag.sync_folder("bench", folder))
            print(f"    {report.added_pieces:,} pieces, {read.call_count:,} files read here")


def mixed(made: Path, count: int) -> None:
    """Files of every format; each is kept or refused, and the reasons are counted."""
    folder = _written(made / "mixed", _mixed_files(count))
    (made / "outside.md").write_text(_OUTSIDE)
    os.symlink(folder, folder / "circle")
    os.symlink(made / "outside.md", folder / "way-out.md")
    with _workspace(made / "mixed.db") as rag:
        report = _timed(f"{count:,} mixed files", count, lambda: rag.sync_folder("bench", folder))
        asked = rag.retrieve("bench", _OUTSIDE, budget_tokens=400)
    outcomes = Counter(one.reason for one in report.refused)
    print(f"    {report.created:,} kept, {sum(outcomes.values()):,} refused:")
    for reason, times in outcomes.most_common():
        print(f"        {times:,}: {reason}")
    print(f"    text of outside in the store: {_OUTSIDE in asked.prompt_text}")
    print(
        f"    largest memory: {_peak_mb('self')} MB here, {_peak_mb('children')} MB in the reader"
    )


@contextmanager
def _workspace(path: Path) -> Iterator[RagService]:
    with RagService.open(path, background=False) as rag:
        rag.memory.create_workspace("bench")
        yield rag


@contextmanager
def _reads() -> Iterator[MagicMock]:
    """What counts the files that are read."""
    whole = DocumentReader.read
    with patch.object(DocumentReader, "read", autospec=True, side_effect=whole) as read:
        yield read


def _timed(work: str, count: int, run: Callable[[], Result]) -> Result:
    clock, own, others = time.perf_counter(), time.process_time(), _cpu_of_others()
    result = run()
    clock, own = time.perf_counter() - clock, time.process_time() - own
    others = _cpu_of_others() - others
    rate = f"{count / clock:,.0f} a second, {count / (own + others):,.0f} a second of CPU"
    print(f"{work}: {clock:.2f} s, CPU {own:.2f} s and {others:.2f} s of other processes; {rate}")
    return result


def _cpu_of_others() -> float:
    """CPU of the processes that this one started, once they have ended."""
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _peak_mb(who: str) -> int:
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF if who == "self" else resource.RUSAGE_CHILDREN)
    return used.ru_maxrss // 1024


def _written(folder: Path, made: Iterator[tuple[str, bytes]]) -> Path:
    for place, (name, data) in enumerate(made):
        path = folder / f"{place // _IN_A_FOLDER:03d}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if name.endswith(_LARGE):
            os.truncate(path, 200_000_000)
    return folder


def _markdown_files(count: int) -> Iterator[tuple[str, bytes]]:
    draw = random.Random(1)
    return ((f"{place:05d}.md", _markdown(draw, place).encode()) for place in range(count))


def _markdown(draw: random.Random, number: int) -> str:
    """Sections of a paragraph each, every fifth with a table."""
    blocks = [f"# Document {number}"]
    while sum(map(len, blocks)) < _FILE_CHARS:
        text = " ".join(draw.choices(_WORDS, k=_SECTION_WORDS)).capitalize()
        blocks.append(f"## Part {len(blocks)}\n\n{text}.")
        if len(blocks) % 5 == 0:
            rows = "".join(f"| {one} | {other} |\n" for one, other in pairwise(_WORDS[:5]))
            blocks.append(f"| word | meaning |\n| --- | --- |\n{rows}")
    return "\n\n".join(blocks)


def _mixed_files(count: int) -> Iterator[tuple[str, bytes]]:
    draw = random.Random(2)
    hostile = list(_HOSTILE.items())
    for place in range(count):
        text = _markdown(draw, place)
        if place % _HOSTILE_EVERY == 0:
            name, make = hostile[place // _HOSTILE_EVERY % len(hostile)]
            yield f"{place:05d}{name}", make()
        else:
            suffix, write = _FORMATS[place % len(_FORMATS)]
            yield f"{place:05d}{suffix}", write(text)


def _plain(text: str) -> bytes:
    return text.encode()


def _html(text: str) -> bytes:
    return "".join(f"<h2>Part</h2><p>{block}</p>" for block in text.split("\n\n")).encode()


def _csv(text: str) -> bytes:
    return "\n".join(",".join(line.split()[:5]) for line in text.split("\n") if line).encode()


_FORMATS: list[tuple[str, Callable[[str], bytes]]] = [
    (".md", _plain),
    (".txt", lambda text: text.encode("utf-16")),
    (".html", _html),
    (".pdf", lambda text: files.pdf([block[:80] for block in text.split("\n\n")])),
    (".docx", lambda text: files.word(*text.split("\n\n"))),
    (".xlsx", lambda text: files.sheet({f"A{n}": w for n, w in enumerate(_WORDS, start=1)})),
    (".csv", _csv),
    (".ipynb", lambda text: files.notebook(("markdown", text), ("code", "x = 1"))),
    (".py", lambda text: b"class A:\n    def f(self):\n        return 1\n" * 50),
    (".js", lambda text: b"function f() {\n  return 1;\n}\n" * 50),
]
_HOSTILE: dict[str, Callable[[], bytes]] = {
    ".encrypted.pdf": files.encrypted_pdf,
    ".circle.pdf": lambda: files.pdf(["one"], bookmarks=[("A", 0)], circle=True),
    ".bomb.docx": files.zip_bomb,
    ".entities.docx": files.entity_bomb,
    ".really-a-pdf.md": lambda: files.pdf(["one"]),
    _LARGE: lambda: b"x",
    ".binary.txt": lambda: bytes(range(256)) * 100,
    ".line\nend.md": lambda: b"text",
    ".deep.html": lambda: b"<div>" * 5_000 + b"deep",
    ".broken.ipynb": lambda: b'{"cells": [',
    ".wide.xlsx": files.wide_sheet,
}
PARTS: dict[str, Callable[[Path, int], None]] = {
    "markdown": markdown,
    "scan": scan,
    "stored": stored,
    "mixed": mixed,
}


if __name__ == "__main__":
    main()
