"""What the package exports, and what it says where llama-index-core is missing."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import tiktoken
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.memory.memory import BaseMemoryBlock
from llama_index.core.memory.types import BaseMemory
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.utils import get_tokenizer
from repository import ROOT

import mba_integrations.llamaindex as adapter
from mba_integrations.core.counting.tiktoken_counters import counter_for_model
from mba_integrations.llamaindex.counters import counter_of_tokenizer, users_tokenizer

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

WITHOUT_FRAMEWORK = """
import sys
sys.modules["llama_index"] = None
import mba_integrations.llamaindex as adapter
from mba_integrations import MissingExtraError
for name in adapter.__all__:
    try:
        getattr(adapter, name)
    except MissingExtraError as error:
        assert "pip install 'mba-integrations[llamaindex]'" in str(error), error
        assert error.extra == "llamaindex"
    else:
        raise AssertionError(name)
print("said for each name")
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_exported_name_is_there() -> None:
    assert sorted(adapter.__all__) == adapter.__all__
    for name in adapter.__all__:
        assert getattr(adapter, name).__module__.startswith("mba_integrations.llamaindex.")
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        adapter.Nothing  # noqa: B018 - the look-up is what is tested


def test_importing_the_package_does_not_import_the_framework() -> None:
    code = "import sys, mba_integrations.llamaindex as a; dir(a); print(*sys.modules)"
    assert "llama_index" not in {name.split(".")[0] for name in run(code).split()}


def test_every_name_says_how_to_install_the_framework() -> None:
    assert run(WITHOUT_FRAMEWORK) == "said for each name"


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("MemoryBudgetPostprocessor", BaseNodePostprocessor),
        ("BudgetedMemory", BaseMemory),
        ("BudgetedMemoryBlock", BaseMemoryBlock),
        ("BudgetedFunctionCallingLLM", FunctionCallingLLM),
    ],
)
def test_classes_are_what_the_framework_expects(name: str, base: type) -> None:
    assert issubclass(getattr(adapter, name), base)


def test_llamahub_metadata_names_what_can_be_imported() -> None:
    hub = PROJECT["tool"]["llamahub"]
    module = import_module(hub["import_path"])
    assert all(hasattr(module, name) for name in hub["class_authors"])


@functools.cache
def o200k() -> tiktoken.Encoding:
    """An encoding of that name, small, so that no vocabulary is needed."""
    ranks = {bytes([value]): value for value in range(256)}
    return tiktoken.Encoding(
        "o200k_base", pat_str=r"\s+|\S+", mergeable_ranks=ranks, special_tokens={"<|end|>": 256}
    )


@pytest.mark.parametrize(
    "tokenizer",
    [
        pytest.param(lambda: o200k().encode, id="method"),
        pytest.param(
            lambda: functools.partial(o200k().encode, allowed_special="all"), id="partial"
        ),
    ],
)
def test_encodings_of_tiktoken_are_recognised(tokenizer: Callable[[], Any]) -> None:
    counter = counter_of_tokenizer(tokenizer())
    assert counter.id == "tiktoken:o200k_base"
    assert counter.count("a <|end|>") == len("a <|end|>"), "special tokens count as text"


def test_a_tokenizer_counts_as_the_users_unless_it_is_the_frameworks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llama_index.core.global_tokenizer", None)
    assert users_tokenizer() is None
    get_tokenizer()
    assert users_tokenizer() is None
    own = functools.partial(o200k().encode, allowed_special="all")
    monkeypatch.setattr("llama_index.core.global_tokenizer", own)
    assert users_tokenizer() is own


def test_without_a_users_tokenizer_the_workspaces_model_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("llama_index.core.global_tokenizer", None)
    memory = adapter.BudgetedMemory.from_defaults(100)
    text = "Kate likes skiing in 2026."
    frame = 3 + 1
    assert len(memory.tokenizer_fn(text)) == counter_for_model("gpt-4o").count(text) + frame


def test_page_names_every_module() -> None:
    page = (ROOT / "docs" / "llamaindex.md").read_text(encoding="utf-8")
    folder = ROOT / "mba_integrations" / "llamaindex"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
    modules = {name for name in found if not name.endswith("__init__.py")}
    assert set(re.findall(r"^\| `([\w/]+\.py)` \|", page, re.MULTILINE)) == modules
