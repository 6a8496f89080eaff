"""Every code block of the pages, and every example in a docstring, runs as written.

A document's `python` blocks run in order in one namespace, in an empty folder that holds a copy of
`configs/`; its `pycon` blocks are sessions in the same namespace. `yaml`, `json` and `toml` blocks
must parse. Blocks of other languages are shown, not run.
"""

from __future__ import annotations

import doctest
import json
import re
import shutil
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from document_blocks import BLOCK, Block, blocks_of
from repository import ROOT

DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "mba_integrations").rglob("*.py"))
}
WITH_EXAMPLES = [name for name, path in MODULES.items() if ">>>" in path.read_text("utf-8")]
PARSERS: dict[str, Callable[[str], Any]] = {
    "yaml": yaml.safe_load,
    "yml": yaml.safe_load,
    "json": json.loads,
    "toml": tomllib.loads,
}


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder_with_settings(empty_folder: Path) -> Path:
    shutil.copytree(ROOT / "configs", empty_folder / "configs")
    return empty_folder


def run_document(text: str, name: str) -> None:
    """Run the blocks; a failure's traceback shows the line of the document."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks_of(text):
        if block.language == "python":
            code = "\n" * (block.line - 1) + block.code
            exec(compile(code, name, "exec"), namespace)
        elif block.language == "pycon":
            run_session(block, name, namespace)
        elif block.language in PARSERS:
            PARSERS[block.language](block.code)


def run_session(block: Block, name: str, namespace: dict[str, Any]) -> None:
    example = doctest.DocTestParser().get_doctest(block.code, namespace, name, name, block.line - 1)
    runner = doctest.DebugRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    runner.run(example, clear_globs=False)
    namespace.update(example.globs)


@pytest.mark.usefixtures("folder_with_settings")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_of_the_document_runs(document: Path) -> None:
    run_document(document.read_text(encoding="utf-8"), str(document))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_of_the_document_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    shown = "\n".join(block.code for block in blocks_of(document.read_text(encoding="utf-8")))
    assert set(re.findall(r"^(?:\$ )?make ([a-z]+)", shown, re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_the_document_lead_to_files(document: Path) -> None:
    text = BLOCK.sub("", document.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert not [link for link in local if not (document.parent / link).exists()]


def test_every_module_can_be_imported() -> None:
    assert all(import_module(name) for name in MODULES)


@pytest.mark.usefixtures("empty_folder")
@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_in_docstrings_hold(name: str) -> None:
    module = import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    # A run, even of nothing, looks up all files whose lines any traceback has read.
    examples = [found for found in doctest.DocTestFinder().find(module, name) if found.examples]
    assert examples
    assert not sum(runner.run(found).failed for found in examples)


FENCED = """Text.

```python
x = 1
```

   ```pycon
   >>> x + 1
   2
   ```

```yaml
a: 1
```
"""


def test_blocks_are_found_with_language_and_line() -> None:
    found = [(block.language, block.code, block.line) for block in blocks_of(FENCED)]
    assert found == [
        ("python", "x = 1\n", 4),
        ("pycon", ">>> x + 1\n2\n", 8),
        ("yaml", "a: 1\n", 13),
    ]


def test_blocks_share_a_namespace() -> None:
    run_document(FENCED, "fenced.md")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("```python\nassert False\n```\n", AssertionError, id="python"),
        pytest.param("```pycon\n>>> 1\n2\n```\n", doctest.DocTestFailure, id="session"),
        pytest.param("```pycon\n>>> 1 / 0\n```\n", doctest.UnexpectedException, id="raises"),
        pytest.param("```yaml\na: [\n```\n", yaml.YAMLError, id="yaml"),
        pytest.param("```json\n{\n```\n", json.JSONDecodeError, id="json"),
    ],
)
def test_block_that_is_wrong_is_noticed(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        run_document(text, "wrong.md")
