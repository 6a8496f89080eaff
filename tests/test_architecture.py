"""The tree is the architecture: who may import whom, what loads when, and how files are named.

Layers are the folders of the package, rooms those of the core. Imports count wherever they stand:
at the top, inside a function, for types only, or by name.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from imports import Import, imports_of
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
    "conversation": {"root", "core"},
    "langchain": {"root", "core", "conversation", "services"},
    "llamaindex": {"root", "core", "conversation", "services"},
    "learning": {"root", "core"},
    "testing": {"root", "core"},
    "ingest": {"root", "core", "conversation"},
    "local_embedder": {"root", "core"},
    "minilm_embedder": {"root", "core"},
    "services": {"root", "core", "conversation", "ingest", "learning"},
    "demo": {"root", "core", "ingest", "local_embedder"},
    "commands": {"root", "core", "learning", "ingest", "local_embedder", "demo", "services"},
    "cli": {"root", "core", "learning", "ingest", "local_embedder", "demo", "commands"},
    "__main__": {"cli"},
}

# Room of the core: the rooms that it may import, besides the ground. From the ground up.
GROUND = ("errors", "arguments", "arrays", "derived", "live", "model")
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "arguments": set(),
    "arrays": set(),
    "derived": set(),
    "live": set(),
    "model": set(),
    "rows": set(),
    "packing": set(),
    "counting": set(),
    "dialogue": set(),
    "times": set(),
    "search": {"rows"},
    "config": set(),
    "lifecycle": {"config", "times"},
    "log": {"config"},
    "layout": {"config", "counting", "dialogue"},
    "budget": {"config"},
    "pool": {"counting", "dialogue", "layout", "rows", "search", "times"},
    "value": {"config", "dialogue", "pool", "search", "times"},
    "selection": {
        *("budget", "config", "counting", "dialogue", "layout", "packing", "pool", "search"),
        "value",
    },
    "turns": {"config", "counting", "pool", "selection"},
    "result": {"budget", "config", "layout", "selection", "turns", "value"},
    "calls": {
        *("budget", "config", "counting", "layout", "log", "pool", "result", "selection", "turns"),
        *("search", "times", "value"),
    },
    "allocator": {
        *("budget", "calls", "config", "counting", "layout", "lifecycle", "log", "pool", "result"),
        *("search", "times", "turns"),
    },
}

# The rooms that layers other than the core may open. `rows`, `packing`, `selection`, `turns` and
# `calls` are how an allocation is made, and nobody's business outside.
OPEN_ROOMS = {
    *("errors", "arguments", "arrays", "derived", "live", "model", "times", "search", "config"),
    *("counting", "dialogue", "layout", "log", "lifecycle", "pool", "result", "allocator"),
}
# A replay of numbers alone makes an allocation from where texts are not read any more.
ALSO_OPEN = {
    "learning": {"value", "budget", "calls", "selection", "turns"},
    "commands": {"budget"},
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
    *("sqlalchemy", "alembic", "psycopg"),
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


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str | None:
    """The room of the core that a module, or a name in it, belongs to; None outside of the core."""
    parts = module.split(".")
    return parts[2] if parts[:2] == ["mba_integrations", "core"] and len(parts) > 2 else None


def rooms_opened(path: Path) -> Iterator[tuple[str, int]]:
    """Room and line of every import of the core."""
    for found in imports_of(path):
        room = room_of(found.module)
        if room is not None:
            yield room, found.line


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


def test_the_rooms_of_the_core_are_those_of_the_table() -> None:
    found = {room_of(module_of(path)) for path in of_layer("core")}
    assert found - {None} == ROOMS.keys()


def test_each_room_of_the_table_imports_only_what_stands_above_it() -> None:
    order = list(ROOMS)
    for room, allowed in ROOMS.items():
        assert all(order.index(other) < order.index(room) for other in allowed), room


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_only_the_rooms_below_it(room: str) -> None:
    below = list(ROOMS)[: list(ROOMS).index(room)]
    allowed = {*ROOMS[room], *(name for name in GROUND if name in below), room}
    wrong = [
        f"{place(path, line)} imports {target}"
        for path in of_layer("core")
        if room_of(module_of(path)) == room
        for target, line in rooms_opened(path)
        if target not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_all_that_the_table_says(room: str) -> None:
    opened = {
        target
        for path in of_layer("core")
        if room_of(module_of(path)) == room
        for target, _ in rooms_opened(path)
    }
    assert opened >= ROOMS[room]


def test_layers_open_only_the_rooms_that_are_open_to_them() -> None:
    wrong = [
        f"{place(path, line)} opens {room}"
        for path in MODULES
        if layer_of(path) not in ("root", "core")
        for room, line in rooms_opened(path)
        if room not in OPEN_ROOMS | ALSO_OPEN.get(layer_of(path), set())
    ]
    assert not wrong


def circles_of(edges: dict[str, set[str]]) -> list[list[str]]:
    """Every circle that a walk along the edges closes, as the names on its way."""
    circles: list[list[str]] = []
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> None:
        if name in way:
            circles.append([*way[way.index(name) :], name])
        elif name not in done:
            for other in sorted(edges.get(name, ())):
                walk(other, [*way, name])
            done.add(name)

    for name in sorted(edges):
        walk(name, [])
    return circles


def test_circles_are_found() -> None:
    assert circles_of({"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": set()}) == [
        ["a", "b", "c", "a"]
    ]
    assert circles_of({"a": {"a"}}) == [["a", "a"]]
    assert not circles_of({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_no_file_imports_itself_in_a_circle() -> None:
    modules = {module_of(path) for path in MODULES}
    edges: dict[str, set[str]] = {}
    for path in MODULES:
        for found in imports_of(path):
            # A name is imported from its module; a module may be imported by name.
            longest = (found.module, found.module.rpartition(".")[0])
            edges.setdefault(module_of(path), set()).update(
                [name for name in longest if name in modules][:1]
            )
    # The front door gives its names on first use; who asks it for one closes no circle.
    edges.pop("mba_integrations", None)
    assert not circles_of(edges)


@pytest.mark.parametrize(
    "room",
    sorted(path.name for path in (PACKAGE / "core").iterdir() if (path / "__init__.py").exists()),
)
def test_room_says_its_job_what_it_may_import_and_what_it_offers(room: str) -> None:
    tree = ast.parse((PACKAGE / "core" / room / "__init__.py").read_text(encoding="utf-8"))
    says = " ".join((ast.get_docstring(tree) or "").split())
    assert len(tree.body) == 1, "a room has one path to each name, so it re-exports none"
    assert "Imports " in says
    assert "Imports " in says
    assert "Offers " in says
    assert not [name for name in ROOMS[room] if name not in says]


_ROOM_ROW = re.compile(
    r"^\| \d+ \| (?P<rooms>[^|]+) \| [^|]+ \| (?P<opens>[^|]*) ?\|$", re.MULTILINE
)


def _rooms_of_the_page() -> dict[str, str]:
    """Rooms of the table in docs/architecture.md with what their row says they may import."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return {
        name.removesuffix(".py").rstrip("/"): row["opens"]
        for row in _ROOM_ROW.finditer(text)
        for name in re.findall(r"`([a-z./]+)`", row["rooms"])
    }


def test_architecture_page_lists_exactly_the_rooms_of_the_core() -> None:
    found = {
        path.stem
        for path in (PACKAGE / "core").iterdir()
        if path.stem not in ("__init__", "__pycache__")
    }
    assert _rooms_of_the_page().keys() == found


def test_architecture_page_says_what_each_room_may_import() -> None:
    for room, opens in _rooms_of_the_page().items():
        if room != "allocator":  # it is the front door and opens what it calls
            assert set(re.findall(r"`([a-z]+)`", opens)) == ROOMS[room], room


MOST_FILES = 13
"""More in one folder are a list to search, not a room to look around in."""


def test_no_folder_of_the_package_has_more_files_than_one_can_take_in() -> None:
    folders = {path.parent for path in MODULES}
    full = {
        str(folder.relative_to(ROOT)): count
        for folder in folders
        if (count := sum(path.name != "__init__.py" for path in folder.glob("*.py"))) > MOST_FILES
    }
    assert not full


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


def test_every_file_is_short() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert lines
    assert not [
        f"{path.relative_to(ROOT)}: {long}"
        for path, long in lines.items()
        if long > (500 if path.is_relative_to(ROOT / "tests") else 450)
    ]


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


def _on_the_page(heading: str) -> dict[str, set[str]]:
    """Of each name in a table of docs/architecture.md, the names in the row's last cell."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    table = page.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line[2:-2].split(" | ") for line in table.splitlines() if line.startswith("| ")][2:]
    name = re.compile(r"`(\w+)(?:\.py|/)?`")
    of_place = 0 if heading == "Layers" else 1
    return {
        one: set(name.findall(row[-1]))
        for row in rows
        for one in name.findall(re.sub(r"\([^)]*\)", "", row[of_place]))
    }


def test_the_page_has_the_layers_and_the_rooms_of_the_core() -> None:
    layers = {name: may - {"root"} for name, may in MAY_IMPORT.items() if name[0] != "_"}
    layers["mba_integrations"] = layers.pop("root") | MAY_IMPORT["root"]
    assert _on_the_page("Layers") == layers
    rooms = {name: set() if name == "allocator" else may for name, may in ROOMS.items()}
    assert _on_the_page("Rooms of the core") == rooms
