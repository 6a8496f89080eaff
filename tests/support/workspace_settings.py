"""A workspace of some settings, and what is said of unusable ones."""

from __future__ import annotations

from typing import Any

import pytest

from mba_integrations.core.config.workspace import InvalidWorkspaceError, WorkspaceConfig


def make(**values: Any) -> WorkspaceConfig:
    return WorkspaceConfig(**{"workspace_id": "w", **values})


def refused(**values: Any) -> tuple[str, ...]:
    """The problems of settings that are refused."""
    with pytest.raises(InvalidWorkspaceError) as caught:
        make(**values)
    return tuple(str(problem) for problem in caught.value.problems)
