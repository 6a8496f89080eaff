"""The tree is the architecture: who may import whom, what loads when, and how files are named."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from repository import ROOT

PACKAGE = ROOT / "mba_integrations"
MODULES = sorted(PACKAGE.rglob("*.py"))
SOURCES = sorted(
    path
    for folder in ("mba_integrations", "benchmarks", "examples", "tests", ".ci")
    for path in (ROOT / folder).rglob("*.py")
)

# Layer: the layers that it may import. `root` is mba_integrations/__init__.py, which gives the
# public names of the core. The last ones are the command line: `cli` starts it.
MAY_IMPORT: dict[str, set[str]] = {
    "root": {"core"},
    "core": set(),
    "langchain": {"root", "core"},
    "llamaindex": {"root", "core"},
    "learning": {"root", "core"},
    "testing": {"root", "core"},
    "ingest": {"root", "core"},
    "local_embedder": {"root", "core"},
    "services": {"root", "core", "learning", "ingest", "local_embedder"},
    "demo": {"root", "core", "ingest", "local_embedder"},
    "commands": {"root", "core", "learning", "ingest", "local_embedder", "demo"},
    "cli": {"root", "core", "learning", "ingest", "local_embedder", "demo", "commands"},
    "__main__": {"cli"},
}

# What the core may use of other people's packages. Anything beyond the first set costs import
# time or is optional, and is imported inside the function that needs it. pydantic_core is a part of
# pydantic, pinned by it.
CORE_AT_IMPORT = {"numpy", "pydantic", "pydantic_core"}
CORE_INSIDE_FUNCTIONS = {"yaml", "tiktoken", "Stemmer", "toktok", "tokenizers"}

FRAMEWORKS = {
    *("langchain", "langchain_core", "langchain_classic", "langgraph", "llama_index", "litellm"),
    *("fastapi", "starlette", "uvicorn", "requests", "httpx", "httpx2", "aiohttp", "urllib3"),
    *("typer", "click", "rich", "torch", "transformers", "sklearn", "scipy", "pandas"),
    *("wordllama", "huggingface_hub", "toktok", "tokenizers"),
}

# Nothing in the core draws lots or talks to another machine.
NOT_IN_CORE = {"random", "secrets", "socket", "ssl", "http", "urllib", "asyncio", "uuid"}

VAGUE_WORDS = {"util", "utils", "helper", "helpers", "manager", "v2"}
# A file called `common` has no job; a common divisor has one.
VAGUE_FILE_WORDS = VAGUE_WORDS | {"common", "misc"}
# Frameworks disagree on whether 1 is the highest priority or the lowest.
VAGUE_NAME_WORDS = VAGUE_WORDS | {"priority"}
# LangChain passes this argument by its name.
FOREIGN_NAMES = {"run_manager"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import statement, or one call of `import_module` with a literal name."""

    module: str
    line: int
    at_import: bool


def imports_of(path: Path) -> tuple[Import, ...]:
    return tuple(_walk(ast.parse(path.read_text(encoding="utf-8")), at_import=True))


def _walk(node: ast.AST, *, at_import: bool) -> Iterator[Import]:
    for name in _imported_names(node):
        yield Import(module=name, line=getattr(node, "lineno", 0), at_import=at_import)
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        for other in node.orelse:
            yield from _walk(other, at_import=at_import)
        return
    inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, at_import=at_import and not inside)


def _imported_names(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), names=names):
            # `from mba_integrations import core` names a module, not an attribute.
            return [f"{module}.{alias.name}" for alias in names]
        case ast.Call(
            func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            return [name]
    return []


def layer_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "root" if parts == ("__init__",) else parts[0]


def own_imports(path: Path) -> Iterator[tuple[str, int]]:
    """Layer and line of every import of this package."""
    for found in imports_of(path):
        parts = found.module.split(".")
        if parts[0] == "mba_integrations":
            yield (parts[1] if len(parts) > 1 and parts[1] in MAY_IMPORT else "root"), found.line


def foreign_imports(path: Path) -> Iterator[tuple[str, Import]]:
    """Top-level name and place of every import of somebody else's package."""
    for found in imports_of(path):
        name = found.module.split(".")[0]
        if name not in sys.stdlib_module_names and name != "mba_integrations":
            yield name, found


def of_layer(layer: str) -> list[Path]:
    return [path for path in MODULES if layer_of(path) == layer]


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_module_belongs_to_a_known_layer() -> None:
    assert {layer_of(path) for path in MODULES} <= MAY_IMPORT.keys()


def test_no_module_uses_relative_imports() -> None:
    relative = [
        place(path, node.lineno)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert not relative


@pytest.mark.parametrize("layer", MAY_IMPORT)
def test_layer_imports_only_the_layers_below_it(layer: str) -> None:
    allowed = MAY_IMPORT[layer] | {layer}
    wrong = [
        f"{place(path, line)} imports {target}"
        for path in of_layer(layer)
        for target, line in own_imports(path)
        if target not in allowed
    ]
    assert not wrong


def test_core_imports_only_numpy_and_pydantic_when_it_is_imported() -> None:
    wrong = [
        f"{place(path, found.line)} imports {name}"
        for path in of_layer("core")
        for name, found in foreign_imports(path)
        if found.at_import and name not in CORE_AT_IMPORT
    ]
    assert not wrong


def test_core_uses_no_package_beyond_its_dependencies() -> None:
    used = {name for path in of_layer("core") for name, _ in foreign_imports(path)}
    assert used <= CORE_AT_IMPORT | CORE_INSIDE_FUNCTIONS


def test_core_has_no_randomness_and_no_network() -> None:
    wrong = [
        f"{place(path, found.line)} imports {found.module}"
        for path in of_layer("core")
        for found in imports_of(path)
        if found.module.split(".")[0] in NOT_IN_CORE or found.module.startswith("numpy.random")
    ]
    wrong += [
        f"{place(path, node.lineno)} uses numpy.random"
        for path in of_layer("core")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("np.random", "numpy.random")
    ]
    assert not wrong


def loaded_after(statement: str) -> set[str]:
    """Top-level modules in a new interpreter after *statement*."""
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_but_itself() -> None:
    loaded = loaded_after("import mba_integrations")
    assert "mba_integrations" in loaded
    assert not loaded & (FRAMEWORKS | CORE_AT_IMPORT | CORE_INSIDE_FUNCTIONS)


def test_importing_every_public_name_loads_no_framework_and_nothing_heavy() -> None:
    loaded = loaded_after("from mba_integrations import *")
    assert "numpy" in loaded
    assert not loaded & (FRAMEWORKS | CORE_INSIDE_FUNCTIONS)


def test_allocating_with_a_given_counter_loads_no_framework_and_no_vocabulary() -> None:
    loaded = loaded_after(
        "from mba_integrations import MemoryBudgetAllocator, MemoryItem\n"
        "allocator = MemoryBudgetAllocator(token_counter=lambda text: len(text.split()))\n"
        "allocator.allocate_memory_budget('Kate?', [MemoryItem('a', 'Kate skis.', 'rag')])"
    )
    assert "numpy" in loaded
    # bm25s loads scipy where it is installed.
    assert not loaded & ((FRAMEWORKS | {"tiktoken"}) - {"scipy"})


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_has_at_most_500_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


def test_every_module_outside_of_the_tests_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if not path.is_relative_to(ROOT / "tests")
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


def words_of(name: str) -> set[str]:
    """The words of a snake_case or CamelCase name, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+\d*|\d+", name)}


def defined_names(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno
            case ast.ClassDef(name=name):
                yield name, node.lineno
            case ast.arg(arg=name):
                yield name, node.lineno
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name, node.lineno


def test_names_are_cut_into_words() -> None:
    assert words_of("_MemoryManager_v2") == {"memory", "manager", "v2"}
    assert words_of("HTTPHelper") == {"http", "helper"}
    assert words_of("utilisation") == {"utilisation"}


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    vague = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if any(words_of(part) & VAGUE_FILE_WORDS for part in path.relative_to(ROOT).parts)
    ]
    assert not vague


def test_no_class_function_or_field_has_a_name_that_says_nothing() -> None:
    vague = [
        f"{place(path, line)}: {name}"
        for path in MODULES
        for name, line in defined_names(path)
        if words_of(name) & VAGUE_NAME_WORDS and name not in FOREIGN_NAMES
    ]
    assert not vague


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
