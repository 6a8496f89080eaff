"""The tree of errors."""

from __future__ import annotations

import pickle

import pytest

from mba_integrations.core import errors
from mba_integrations.core.config.workspace import InvalidWorkspaceError, WorkspaceConfig


def invalid_workspace() -> InvalidWorkspaceError:
    with pytest.raises(InvalidWorkspaceError) as caught:
        WorkspaceConfig(workspace_id="w", max_total_tokens=0)
    return caught.value


ERRORS = [
    errors.MemoryBudgetError("what"),
    errors.ConfigError("what", key="k", value=3),
    errors.ConfigFileError(["a.yaml:1: what", "a.yaml:2: else"]),
    errors.UnknownWorkspaceError("what", key="workspace_id", value="w"),
    errors.InputError("what"),
    errors.DuplicateItemError("what", item_id="a"),
    errors.PoolError("what"),
    errors.PinnedOverBudgetError("what", needed_tokens=5, budget_tokens=3),
    errors.TokenizerError("what"),
    errors.MissingExtraError("this", extra="local"),
    invalid_workspace(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_crosses_a_process_boundary_whole(error: errors.MemoryBudgetError) -> None:
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


def test_every_error_of_the_module_hangs_on_the_root() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    raised = [kind for kind in kinds if issubclass(kind, Exception)]
    assert len(raised) == 11
    assert all(issubclass(kind, errors.MemoryBudgetError) for kind in raised)
    tree = errors.__doc__ or ""
    assert all(kind.__name__ in tree for kind in raised)
