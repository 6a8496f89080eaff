"""Tutorials done as a reader does them: files are written, each line of a console is a process.

A block of `python title="name.py"` is a file; `$ python ...` in a `console` block runs in a process
of its own, and prints what the page shows, in which `...` stands for anything. What stands behind
`> ` is typed. `sh` blocks start `mba serve`, or start it again.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from document_blocks import Block, blocks_of
from repository import ROOT

TUTORIALS = [
    path
    for path in sorted((ROOT / "docs" / "tutorials").glob("*.md"))
    if 'title="' in path.read_text("utf-8")
]
_TYPED = re.compile(r"^> ?(.*)$", re.MULTILINE)
_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Reader:
    """Does what the blocks of a page say, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "MBA_DB": str(folder / "mine.db"),
        }
        self.server: subprocess.Popen[str] | None = None
        self.lines = 0

    def follow(self, block: Block) -> None:
        title = re.fullmatch(r'python title="(.+)"', block.language)
        if title:
            (self.folder / title[1]).write_text(block.code, encoding="utf-8")
        elif block.language == "sh":
            self.serve(block.code)
        elif block.language == "console" and "pip install" not in block.code:
            _, *steps = re.split(r"^\$ ", block.code, flags=re.MULTILINE)
            for step in steps:
                command, _, shown = step.partition("\n")
                self.run(command, shown)

    def run(self, command: str, shown: str) -> None:
        python, *arguments = shlex.split(command)
        assert python == "python"
        typed = _TYPED.findall(shown)
        ran = subprocess.run(
            [sys.executable, *arguments],
            input="".join(f"{line}\n" for line in typed),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stderr}"
        same = doctest.OutputChecker().check_output(_TYPED.sub("> ", shown), ran.stdout, _FLAGS)
        assert same, f"{command}\nThe page has\n{shown}\nIt printed\n{ran.stdout}"
        self.lines += 1

    def serve(self, command: str) -> None:
        """Start a server on a free port, after ending the one before."""
        self.stop()
        mba, *arguments = shlex.split(command)
        assert (mba, arguments[-2:]) == ("mba", ["--port", "8377"])
        self.server = subprocess.Popen(
            [sys.executable, "-m", "mba_integrations", *arguments[:-1], "0"],
            cwd=self.folder,
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.server.stderr is not None
        said = ""
        for line in self.server.stderr:
            said += line
            if found := re.search(r"serving .* at (http://[\d.:]+)", line):
                self.environment["MBA_URL"] = found[1]
                return
        pytest.fail(f"the server ended: {said}")

    def stop(self) -> None:
        if self.server is not None:
            self.server.send_signal(signal.SIGINT)
            self.server.communicate(timeout=60)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    reading = Reader(tmp_path)
    yield reading
    reading.stop()


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_the_tutorial_does_what_it_says(page: Path, reader: Reader) -> None:
    for block in blocks_of(page.read_text("utf-8")):
        reader.follow(block)
    assert reader.lines > 1


def test_a_tutorial_that_prints_something_else_is_noticed(reader: Reader) -> None:
    reader.follow(Block(language='python title="a.py"', code='print("Freya")\n', line=1))
    reader.follow(Block(language="console", code="$ python a.py\nFr...a\n", line=1))
    with pytest.raises(AssertionError, match="It printed"):
        reader.follow(Block(language="console", code="$ python a.py\nBergen\n", line=1))
