"""What no file of the repository says: paths of one machine, extras that do not exist."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"].keys()
MODULES = sorted((ROOT / "mba_integrations").rglob("*.py"))
# Written in parts, so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.~)/-])/" + r"(?:home|Users|work|root|tmp|mnt|private)/\w")


def tracked_files() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    if done.returncode:
        pytest.skip("this is no git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name]


def readable_text(path: Path) -> str:
    """The text of a file; empty for one that is binary or gone."""
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, FileNotFoundError):
        return ""


def test_no_tracked_file_holds_a_path_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked_files()
        for number, line in enumerate(readable_text(path).splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert not found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("open('/" + "home/kate/x')", True, id="home"),
        pytest.param("see /" + "tmp/log", True, id="temporary"),
        pytest.param("docs/home/page.md", False, id="relative"),
        pytest.param("/homework/x", False, id="longer-name"),
    ],
)
def test_machine_paths_are_recognised(text: str, found: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) is found


def extras_in_errors() -> Iterator[tuple[str, str]]:
    """Place and extra of every `MissingExtraError(...)` whose extra is a literal."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("MissingExtraError"):
                for word in node.keywords:
                    if word.arg == "extra" and isinstance(word.value, ast.Constant):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", str(word.value.value)


def test_every_extra_that_an_error_names_exists() -> None:
    named = list(extras_in_errors())
    assert named
    assert not [(place, extra) for place, extra in named if extra not in EXTRAS]


def test_every_install_command_names_extras_that_exist() -> None:
    files = [*MODULES, ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    named = [
        (path.relative_to(ROOT), set(names.split(",")))
        for path in files
        for names in re.findall(r"mba-integrations\[([\w,-]+)\]", path.read_text(encoding="utf-8"))
    ]
    assert named
    assert not [(str(path), extras - EXTRAS) for path, extras in named if not extras <= EXTRAS]
