"""Whether a store keeps the rules of `SessionStore`."""

from __future__ import annotations

from collections.abc import Callable

from mba_integrations import (
    MemoryBudgetAllocator,
    MemoryItem,
    PerformanceSettings,
    PreviousPrompt,
    SessionStore,
    WorkspaceConfig,
)
from mba_integrations.testing.counters import WordCounter
from mba_integrations.testing.rules import at_once, no_error, require

LIMITS = PerformanceSettings()
ONE, TWO = "one workspace", "another: \u65e5\u672c/../\u00e9"


def check_session_store(make_store: Callable[[], SessionStore]) -> None:
    """Check a store of previous prompts.

    Args:
        make_store: Makes an empty store.

    Raises:
        AssertionError: With the first rule that is broken.
    """
    store = make_store()
    name = type(store).__name__
    first, second, of_two = _prompt(ONE, "first"), _prompt(ONE, "second"), _prompt(TWO, "first")
    with no_error(f"{name}: recall, remember or forget", "No rule lets them."):
        require(store.recall(ONE, "s", LIMITS) is None, f"{name}: a new session is known; rule 1.")
        for prompt in (first, second):
            store.remember("s", prompt, LIMITS)
            _require_known(store, name, "s", prompt)
        store.remember("s", of_two, LIMITS)
        store.remember("t", first, LIMITS)
        for session_id, prompt in (("s", second), ("s", of_two), ("t", first)):
            _require_known(store, name, session_id, prompt)
        told = f"{name}: a session is known in a workspace that is not its own; rule 2."
        require(store.recall(TWO, "t", LIMITS) is None, told)
        store.forget("nobody")
        store.forget("s")
        gone = [store.recall(workspace, "s", LIMITS) for workspace in (ONE, TWO)]
        told = f"{name}: a session is known in a workspace after forget; rule 3."
        require(gone == [None, None], told)
        _require_known(store, name, "t", first)
    _check_threads(make_store(), name, first)


def _check_threads(store: SessionStore, name: str, prompt: PreviousPrompt) -> None:
    sessions = [f"s{number}" for number in range(40)]
    at_once(lambda one: store.remember(one, prompt, LIMITS), sessions, f"{name}: remember")
    for session_id in sessions:
        _require_known(store, name, session_id, prompt)


def _require_known(store: SessionStore, name: str, session_id: str, prompt: PreviousPrompt) -> None:
    found = store.recall(prompt.workspace_id, session_id, LIMITS)
    told = f"{name}: recall gives another prompt than the one that was remembered last; rule 1."
    require(found == prompt, told)


def _prompt(workspace_id: str, query: str) -> PreviousPrompt:
    """The prompt of a call, with a long item, of which only a passage may come in."""
    allocator = MemoryBudgetAllocator(WordCounter())
    allocator.register_workspace(WorkspaceConfig(workspace_id=workspace_id, passage_min_tokens=10))
    items = [
        MemoryItem("a", f"The {query} text, with \ud800 and \u65e5\u672c.", "project"),
        MemoryItem("b", f"{query} sentence of a long document. " * 40, "rag"),
    ]
    return allocator.allocate_memory_budget(query, items, workspace_id, 60).as_previous
