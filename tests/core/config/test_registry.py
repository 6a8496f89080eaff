"""The workspaces of an allocator: `default`, those of a file, those of a store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mba_integrations import InputError, MemoryBudgetConfigLoader, WorkspaceConfig
from mba_integrations.core.config.registry import WorkspaceMemory, WorkspaceRegistry
from mba_integrations.core.config.watched_file import WatchedConfigFile
from mba_integrations.core.errors import UnknownWorkspaceError


def workspace(workspace_id: str, **settings: Any) -> WorkspaceConfig:
    return WorkspaceConfig(workspace_id=workspace_id, **settings)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.yaml"
    path.write_text("workspaces:\n  a: {max_total_tokens: 11}\n  b: {max_total_tokens: 22}\n")
    return path


@pytest.mark.parametrize("name", WorkspaceConfig.model_fields)
def test_the_default_workspace_is_the_same_with_and_without_the_shipped_file(name: str) -> None:
    built_in = WorkspaceRegistry(WorkspaceMemory()).get("default")
    of_file = MemoryBudgetConfigLoader.load_shipped()["default"]
    assert getattr(built_in, name) == getattr(of_file, name)


def test_a_registered_workspace_hides_that_of_the_file_and_the_file_the_default(file: Path) -> None:
    registry = WorkspaceRegistry(WorkspaceMemory())
    registry.watch(WatchedConfigFile(file))
    registry.register(workspace("b", max_total_tokens=33))
    registry.register(workspace("c", max_total_tokens=44))
    assert registry.ids() == ("default", "a", "b", "c")
    assert [registry.get(name).max_total_tokens for name in registry.ids()] == [8192, 11, 33, 44]
    registry.register(workspace("default", max_total_tokens=55))
    assert registry.get("default").max_total_tokens == 55


def test_an_unknown_workspace_is_refused_with_the_known_ones(file: Path) -> None:
    registry = WorkspaceRegistry(WorkspaceMemory())
    registry.watch(WatchedConfigFile(file))
    with pytest.raises(UnknownWorkspaceError, match="'x' is not registered; known are: default, a"):
        registry.get("x")


def test_a_file_that_is_invalid_at_first_is_not_watched(tmp_path: Path) -> None:
    registry = WorkspaceRegistry(WorkspaceMemory())
    with pytest.raises(ValueError, match="no such file"):
        registry.watch(WatchedConfigFile(tmp_path / "missing.yaml"))
    assert (registry.ids(), registry.notes()) == (("default",), ())


def test_what_is_wrong_with_the_file_since_is_a_note(file: Path) -> None:
    registry = WorkspaceRegistry(WorkspaceMemory())
    registry.watch(WatchedConfigFile(file))
    file.unlink()
    assert registry.get("a").max_total_tokens == 11
    (note,) = registry.notes()
    assert note.startswith(f"The settings of before stay in use. {file}: no such file")


class OddStore:
    """A store that finds whatever it is made with."""

    def __init__(self, found: object) -> None:
        self.found = found

    def find(self, workspace_id: str, /) -> Any:
        return self.found

    def register(self, config: WorkspaceConfig, /) -> None: ...

    def ids(self) -> tuple[str, ...]:
        return ()


@pytest.mark.parametrize("found", [3, "a", {"workspace_id": "a"}, 0, ""], ids=repr)
def test_what_a_store_finds_must_be_a_workspace(found: object) -> None:
    with pytest.raises(InputError, match=r"^workspaces\.find\(\) gave a (int|str|dict), must be a"):
        WorkspaceRegistry(OddStore(found)).get("a")


@pytest.mark.parametrize(
    ("store", "got"),
    [
        pytest.param("text", r"str, which has no register\(\)", id="text"),
        pytest.param({}, r"dict, which has no find\(\)", id="mapping"),
        pytest.param(WorkspaceMemory, r"the class WorkspaceMemory\. Make an object", id="class"),
    ],
)
def test_what_is_no_store_is_refused_with_what_it_lacks(store: Any, got: str) -> None:
    with pytest.raises(InputError, match=rf"^workspaces must be a WorkspaceStore, got {got}\.$"):
        WorkspaceRegistry(store)
