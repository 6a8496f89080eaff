"""The names of `mba_integrations.langchain`, what they need, and what type checkers see of them."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

import mba_integrations.langchain as package

INSTALL = "pip install 'mba-integrations[{extra}]'"


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


def without(*modules: str) -> str:
    """Code after which the modules are not installed."""
    return (
        "import importlib.util, sys\n"
        f"gone = {modules!r}\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: "
        "None if name.split('.')[0] in gone else find(name, *a)\n"
        "class Finder:\n"
        "    def find_spec(self, name, *a):\n"
        "        if name.split('.')[0] in gone: raise ImportError(name)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )


@pytest.mark.parametrize("name", package.__all__)
def test_public_name_can_be_imported_and_is_documented(name: str) -> None:
    value = getattr(package, name)
    assert value.__doc__


def test_all_is_sorted_and_type_checkers_see_it() -> None:
    assert package.__all__ == sorted(package.__all__)
    tree = ast.parse(Path(package.__file__).read_text(encoding="utf-8"))
    block = next(
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    names = {
        alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert names == set(package.__all__)
    assert set(dir(package)) >= names


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="MemoryBudgetMidleware"):
        _ = package.MemoryBudgetMidleware  # type: ignore[attr-defined]


def test_without_the_extra_there_is_one_error_with_the_command() -> None:
    code = without("langchain_core", "langchain", "langgraph")
    done = run(f"{code}import mba_integrations.langchain")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "MissingExtraError: mba_integrations.langchain needs an optional dependency" in last
    assert INSTALL.format(extra="langchain") in last
    assert "During handling" not in done.stderr


@pytest.mark.parametrize(
    ("gone", "name", "extra"),
    [
        pytest.param("langchain", "MemoryBudgetMiddleware", "langchain", id="middleware"),
        pytest.param("langchain", "MemoryPromotionMiddleware", "langchain", id="promotion"),
        pytest.param("langgraph", "LangGraphStoreSource", "langchain", id="store"),
        pytest.param("langchain_classic", "BudgetedMemory", "langchain-classic", id="classic"),
    ],
)
def test_a_name_that_needs_more_says_so(gone: str, name: str, extra: str) -> None:
    code = without(gone) + f"from mba_integrations.langchain import {name}"
    done = run(code)
    assert done.returncode == 1
    assert f"mba_integrations.langchain.{name} needs" in done.stderr
    assert INSTALL.format(extra=extra) in done.stderr


NEED_CORE_ONLY = (
    "BudgetedChatMessageHistory",
    "BudgetedDocumentCompressor",
    "BudgetedRetriever",
    "EmbeddingsEmbedder",
    "MessageCounter",
    "RetrieverSource",
    "as_runnable",
)


def test_names_that_need_langchain_core_need_nothing_else() -> None:
    """In one process: what is not installed is so for the last name as for the first."""
    code = without("langchain", "langgraph", "langchain_classic")
    done = run(code + "\n".join(f"from {package.__name__} import {n}" for n in NEED_CORE_ONLY))
    assert done.returncode == 0, done.stderr


def test_importing_the_package_loads_no_framework() -> None:
    done = run("import mba_integrations.langchain, sys; print('langchain_core' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


USER_CODE = """
from dataclasses import dataclass
from typing import Any

from langchain.agents import create_agent
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable
from langgraph.runtime import Runtime
from langgraph.store.memory import InMemoryStore

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, WorkspaceConfig
from mba_integrations.langchain import (
    BudgetedChatMessageHistory,
    BudgetedDocumentCompressor,
    BudgetedMemory,
    BudgetedRetriever,
    EmbeddingsEmbedder,
    LangGraphStoreSource,
    MemoryBudgetMiddleware,
    MemoryPromotionMiddleware,
    MemorySource,
    MessageCounter,
    RetrieverSource,
    as_runnable,
)


@dataclass
class User:
    user_id: str


def namespace(runtime: Runtime[Any]) -> tuple[str, ...]:
    return ("memories", runtime.context.user_id)


def build(model: BaseChatModel, retriever: BaseRetriever, embeddings: Embeddings) -> None:
    source = LangGraphStoreSource(namespace, tier="long_term")
    sources: list[MemorySource] = [source, RetrieverSource(retriever, tier="rag")]
    middleware = MemoryBudgetMiddleware(
        8_000,
        memories=[*sources, retriever],
        workspace=WorkspaceConfig(workspace_id="agent"),
        embedder=embeddings,
        token_counter=len,
    )
    agent = create_agent(
        model,
        middleware=[middleware, MemoryPromotionMiddleware(source)],
        context_schema=User,
        store=InMemoryStore(),
    )
    agent.invoke({"messages": [{"role": "user", "content": "hi"}]}, context=User("kate"))
    documents: list[Document] = BudgetedRetriever(
        retrievers=[retriever, RetrieverSource(retriever, share=0.5)], budget_tokens=500
    ).invoke("q", budget_tokens=100)
    BudgetedDocumentCompressor(budget_tokens=100).compress_documents(documents, "q")
    allocator = MemoryBudgetAllocator(embedder=EmbeddingsEmbedder(embeddings))
    items = [MemoryItem("a", "x", "rag")]
    step: Runnable[Any, Allocation] = as_runnable(allocator, memories=items)
    text: str = step.invoke("q").prompt_text
    BudgetedMemory(budget_tokens=100).save_context({"input": text}, {"output": text})
    total: int = MessageCounter(model="gpt-4o")(BudgetedChatMessageHistory(100).messages)
    print(total)
"""

# As what is installed, the package is read for its types, and its own code is not checked again.
# What is skipped stands behind the names that the user's code uses, and takes most of the time.
AS_INSTALLED = """
[mypy]
python_version = 3.11
plugins = pydantic.mypy
[mypy-mba_integrations.*]
follow_imports = silent
[mypy-alembic.*,httpx.*,httpx2.*,jinja2.*,langgraph_sdk.*,langsmith.*,psycopg.*,rich.*,sqlalchemy.*]
follow_imports = skip
"""
CACHE = ROOT / ".mypy_cache" / "user_code"  # of its own: other settings do not empty it


def test_user_code_passes_strict_type_checking(tmp_path: Path) -> None:
    path = tmp_path / "user_code.py"
    path.write_text(USER_CODE, encoding="utf-8")
    config = tmp_path / "mypy.ini"
    config.write_text(AS_INSTALLED, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(path)]
    done = subprocess.run(
        [*command, "--config-file", str(config), "--cache-dir", str(CACHE)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout


def test_page_names_every_module_and_every_public_name() -> None:
    page = (ROOT / "docs" / "langchain.md").read_text(encoding="utf-8")
    folder = ROOT / "mba_integrations" / "langchain"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py")}
    modules = {name for name in found if not name.endswith("__init__.py")}
    assert set(re.findall(r"^\| `([a-z_/]+\.py)`", page, re.MULTILINE)) == modules
    assert not [name for name in package.__all__ if f"`{name}`" not in page]


@pytest.mark.parametrize(
    ("missing", "names"),
    [
        pytest.param("langchain_classic", ["BudgetedMemory"], id="classic"),
        pytest.param(
            "langchain", ["MemoryBudgetMiddleware", "MemoryPromotionMiddleware"], id="agents"
        ),
        pytest.param("langgraph", ["LangGraphStoreSource", "MemoryServiceStore"], id="graphs"),
    ],
)
def test_all_names_are_those_that_can_be_imported(missing: str, names: list[str]) -> None:
    program = (
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        f"util.find_spec = lambda name, *rest: None if name == {missing!r} else find(name, *rest)\n"
        "from mba_integrations.langchain import *\n"
        "import mba_integrations.langchain as package\n"
        f"assert set(package.__all__).isdisjoint({names!r})\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
