"""Which settings a command uses: the shipped file or another, one workspace, and its overrides."""

from __future__ import annotations

from pathlib import Path

from mba_integrations.core.config.loader import MemoryBudgetConfigLoader
from mba_integrations.core.config.settings import PromptFormat
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import UnknownWorkspaceError


def workspaces(config_file: Path | None) -> dict[str, WorkspaceConfig]:
    """All workspaces of a file, the shipped one by default.

    Raises:
        ConfigFileError: If the file is invalid.
    """
    return MemoryBudgetConfigLoader.load_from_yaml(_file(config_file))


def chosen_workspace(config_file: Path | None, workspace_id: str | None) -> WorkspaceConfig:
    """One workspace: the one named, else `default`, else the only one.

    Raises:
        ConfigFileError: If the file is invalid.
        UnknownWorkspaceError: If there is no such workspace, or several to choose from.
    """
    if workspace_id is not None:
        return MemoryBudgetConfigLoader.load_workspace(_file(config_file), workspace_id)
    known = workspaces(config_file)
    if "default" in known:
        return known["default"]
    if len(known) == 1:
        return next(iter(known.values()))
    raise UnknownWorkspaceError(
        f"{config_file} has no 'default'. Choose --workspace: {', '.join(known)}."
    )


def _file(config_file: Path | None) -> Path:
    return config_file or MemoryBudgetConfigLoader.shipped_path()


def with_overrides(
    config: WorkspaceConfig,
    *,
    model: str | None = None,
    prompt_format: PromptFormat | None = None,
    log_file: Path | None = None,
) -> WorkspaceConfig:
    """The workspace with what was given on the command line in place of its settings."""
    counting, rendering, logging = config.counting, config.rendering, config.logging
    if model is not None:
        counting = counting.model_copy(update={"model": model})
    if prompt_format is not None:
        rendering = rendering.model_copy(update={"format": prompt_format})
    if log_file is not None:
        logging = logging.model_copy(update={"path": str(log_file), "enabled": True})
    changed = {"counting": counting, "rendering": rendering, "logging": logging}
    return config.model_copy(update=changed)
