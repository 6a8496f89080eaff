"""Whether a store keeps the rules of `WorkspaceStore`."""

from __future__ import annotations

from collections.abc import Callable

from mba_integrations import WorkspaceConfig, WorkspaceStore
from mba_integrations.testing.rules import at_once, no_error, require


def check_workspace_store(make_store: Callable[[], WorkspaceStore]) -> None:
    """Check a store of workspaces.

    Args:
        make_store: Makes an empty store.

    Raises:
        AssertionError: With the first rule that is broken.
    """
    store = make_store()
    name = type(store).__name__
    with no_error(f"{name}: find, register or ids", "No rule lets them."):
        known = (store.find("a"), tuple(store.ids()))
        require(known == (None, ()), f"{name}: a new store knows a workspace; rule 1.")
        for config in (_config("a", 100), _config("b", 200), _config("a", 300)):
            store.register(config)
            told = f"{name}: find gives another workspace than was registered; rule 1."
            require(store.find(config.workspace_id) == config, told)
        told = f"{name}: a workspace of another id changed; rule 2."
        require(store.find("b") == _config("b", 200), told)
        ids = tuple(store.ids())
        told = f"{name}: ids gives {ids}, must be ('a', 'b'); rule 3: each once, in its place."
        require(ids == ("a", "b"), told)
    _check_threads(make_store(), name)


def _check_threads(store: WorkspaceStore, name: str) -> None:
    configs = [_config(f"w{number}", 100 + number) for number in range(40)]
    at_once(store.register, configs, f"{name}: register")
    found = [store.find(config.workspace_id) for config in configs]
    told = f"{name}: a workspace that one of several threads registered is lost; rule 4."
    require(found == configs, told)


def _config(workspace_id: str, tokens: int) -> WorkspaceConfig:
    """A workspace with settings of every form: groups, tiers, infinity, text of other scripts."""
    return WorkspaceConfig(
        workspace_id=workspace_id,
        description="\u65e5\u672c \U0001f600",
        max_total_tokens=tokens,
        tier_cap_tokens={"rag": 50},
        complexity_multipliers={"simple": {"rag": 0.5}},
        tier_half_life_days={"project": float("inf")},
        rendering={"format": "xml", "line_templates": {"rag": "[{date}] {text}"}},
        performance={"max_sessions": 7},
    )
