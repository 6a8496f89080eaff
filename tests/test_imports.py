"""Imports are found wherever they stand; the tests of the architecture rest on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from imports import imports_of


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("import yaml", [("yaml", True)], id="at-import"),
        pytest.param("def f():\n import yaml", [("yaml", False)], id="inside-a-function"),
        pytest.param("class A:\n import yaml", [("yaml", True)], id="class-bodies-run"),
        pytest.param("if TYPE_CHECKING:\n import yaml", [], id="types-only"),
        pytest.param("import_module('yaml')", [("yaml", True)], id="by-name"),
        pytest.param("lambda: importlib.import_module('y')", [("y", False)], id="by-name-later"),
        pytest.param("from a.b import c, d", [("a.b.c", True), ("a.b.d", True)], id="from"),
        pytest.param("try:\n import a\nexcept ImportError:\n import b", [("a", True), ("b", True)]),
    ],
)
def test_imports_are_found(tmp_path: Path, code: str, expected: list[tuple[str, bool]]) -> None:
    path = tmp_path / "module.py"
    path.write_text(code, encoding="utf-8")
    assert [(found.module, found.at_import) for found in imports_of(path)] == expected
