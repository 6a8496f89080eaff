"""The site of `make docs` has every page, every public name, every example and every error once.

Nothing is built here: `make docs` is strict, and .ci/run runs it.
"""

from __future__ import annotations

import doctest
import importlib.util
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from repository import ROOT

SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
DOCS = ROOT / SITE["docs_dir"]


def pages_of(part: Any) -> Iterator[str]:
    """The files that a part of the navigation names."""
    if isinstance(part, str):
        yield part
        return
    for below in part.values() if isinstance(part, dict) else part:
        yield from pages_of(below)


def error_classes() -> set[str]:
    """Public classes of the package whose bases lead to `MemoryBudgetError`."""
    bases: dict[str, set[str]] = {}
    for path in (ROOT / "mba_integrations").rglob("*.py"):
        for name, of in re.findall(
            r"^class ([A-Z]\w*)\(([^)]*)\):", path.read_text("utf-8"), re.MULTILINE
        ):
            bases.setdefault(name, set()).update(re.split(r",\s*", of))
    found = {"MemoryBudgetError"}
    while more := {name for name, of in bases.items() if of & found} - found:
        found |= more
    return found


def public_packages() -> set[str]:
    """The package, and those in it that export names."""
    top = ROOT / "mba_integrations"
    return {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in [top / "__init__.py", *top.glob("*/__init__.py")]
        if "__all__ = [" in path.read_text(encoding="utf-8")
    }


def test_navigation_names_every_page_once() -> None:
    pages = {path.relative_to(DOCS).as_posix(): 1 for path in DOCS.rglob("*.md")}
    assert Counter(pages_of(SITE["nav"])) == pages


def test_navigation_has_the_four_kinds() -> None:
    titles = [title for part in SITE["nav"] for title in part]
    assert titles == ["Home", "Tutorials", "How to", "Reference", "Explanation"]


def test_site_asks_no_other_host() -> None:
    """Fonts, the scripts of the plugin `offline` and repositories' counts are asked for there."""
    plugins = {name for one in SITE["plugins"] for name in ([one] if isinstance(one, str) else one)}
    assert SITE["theme"]["font"] is False
    assert plugins == {"search", "mkdocstrings"}
    assert "repo_url" not in SITE


def test_target_builds_strictly_and_looks_for_other_hosts() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\ndocs:")[2].partition("\n\n")[0]
    assert "zensical build --clean --strict" in recipe
    assert recipe.count("@! grep") == 2


def test_every_public_package_has_its_page() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (DOCS / "api").glob("*.md")]
    shown = [name for text in texts for name in re.findall(r"^::: (\S+)$", text, re.MULTILINE)]
    assert Counter(shown) == dict.fromkeys(public_packages(), 1)


def test_page_of_examples_has_every_program() -> None:
    page = (DOCS / "examples.md").read_text(encoding="utf-8")
    programs = {path.name for path in (ROOT / "examples").glob("*.py")}
    assert set(re.findall(r'^--8<-- "examples/(\S+)"$', page, re.MULTILINE)) == programs
    assert set(re.findall(r"^## (\S+)$", page, re.MULTILINE)) == programs
    # An anchor is the name without its dot.
    links = set(re.findall(r"\(#(\S+?)\)", page))
    assert links == {program.replace(".", "") for program in programs}


def test_page_of_errors_has_every_class_in_one_row() -> None:
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    cells = "\n".join(re.findall(r"^\| (`\w+Error`[^|]*) \|", page, re.MULTILINE))
    rows = Counter(re.findall(r"`(\w+Error)`", cells))
    assert rows == dict.fromkeys(error_classes() - {"MemoryBudgetError"}, 1)


@pytest.fixture(scope="module")
def examples_in_docstrings() -> Any:
    pytest.importorskip("griffe")
    path: Path = DOCS / "griffe_doctests.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Text.", "Text.", id="no-example"),
        pytest.param(">>> 1\n1", "~~~pycon\n>>> 1\n1\n~~~", id="alone"),
        pytest.param(
            "A.\n\n>>> 1\n1\n\n>>> 2\n2\n\nB.",
            "A.\n\n~~~pycon\n>>> 1\n1\n~~~\n\n~~~pycon\n>>> 2\n2\n~~~\n\nB.",
            id="two-in-text",
        ),
        pytest.param("a >>> b", "a >>> b", id="not-at-the-beginning"),
    ],
)
def test_examples_are_fenced(examples_in_docstrings: Any, text: str, expected: str) -> None:
    assert examples_in_docstrings.fenced(text) == expected.replace("~~~", "```")


def test_example_of_the_fence_holds(examples_in_docstrings: Any) -> None:
    assert doctest.testmod(examples_in_docstrings) == (0, 1)
