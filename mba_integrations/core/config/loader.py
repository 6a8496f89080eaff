"""`MemoryBudgetConfigLoader`: settings files in, `WorkspaceConfig` out, and back.

The shape of a file is told in the comments of the shipped one, `configs/memory-budget.yaml`.
Reading the shipped file takes a few milliseconds; nothing is cached.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from mba_integrations.core.arguments import checked_iterable, checked_text, shown
from mba_integrations.core.config.file_settings import (
    VERSION,
    WORKSPACES,
    FileSettings,
    read_settings,
)
from mba_integrations.core.config.file_shape import ID_FIELD, file_shape
from mba_integrations.core.config.group import SettingsGroup
from mba_integrations.core.config.problems import nearest_hint
from mba_integrations.core.config.settings import (
    INFINITE,
    CountingSettings,
    LoggingSettings,
    PerformanceSettings,
)
from mba_integrations.core.config.workspace import SHARE_FIELDS, WorkspaceConfig
from mba_integrations.core.config.yaml_document import write_yaml
from mba_integrations.core.errors import (
    ConfigError,
    ConfigFileError,
    InputError,
    UnknownWorkspaceError,
)

SHIPPED_NAME = "configs/memory-budget.yaml"
_ALWAYS_WRITTEN = {"max_total_tokens", *SHARE_FIELDS.values()}


class MemoryBudgetConfigLoader:
    """Reads, checks and writes settings files.

    Each method that reads a file raises `ConfigFileError` with one line for each problem if the
    file cannot be read or is invalid: `file:line: key: what is wrong`; and `InputError` if what it
    was given is no path.

    >>> config = MemoryBudgetConfigLoader.load_shipped()["research"]
    >>> config.max_total_tokens
    16384
    """

    @staticmethod
    def load_from_yaml(path: str | Path) -> dict[str, WorkspaceConfig]:
        """The workspaces of a file by id, in the order of the file."""
        return read_settings(path).workspaces

    @staticmethod
    def load_workspace(path: str | Path, workspace_id: str) -> WorkspaceConfig:
        """One workspace of a file.

        Raises:
            UnknownWorkspaceError: If the file has no such workspace; with those that it has.
            InputError: If *workspace_id* is not a text.
        """
        checked_text("workspace_id", workspace_id)
        workspaces = read_settings(path).workspaces
        if workspace_id in workspaces:
            return workspaces[workspace_id]
        known = list(workspaces)
        hint = nearest_hint(workspace_id, known)
        listed = "" if hint.startswith("Known") else f" Known are: {', '.join(known)}."
        raise UnknownWorkspaceError(
            f"{path} has no workspace {shown(workspace_id)}. {hint}{listed}",
            key=ID_FIELD,
            value=workspace_id,
        )

    @staticmethod
    def validate(path: str | Path) -> tuple[str, ...]:
        """What is wrong with a file, one line for each problem; empty if it is valid.

        A file that cannot be read is a problem as well, not an exception; so is what is no path.
        """
        try:
            read_settings(path)
        except ConfigFileError as error:
            return error.problems
        except InputError as error:
            return (str(error),)
        return ()

    @staticmethod
    def load_counting_settings(path: str | Path) -> CountingSettings:
        """The tokenizer settings of the file as a whole; a workspace may override them."""
        return read_settings(path).counting

    @staticmethod
    def load_logging_settings(path: str | Path) -> LoggingSettings:
        """The log settings of the file as a whole; a workspace may override them."""
        return read_settings(path).logging

    @staticmethod
    def load_performance_settings(path: str | Path) -> PerformanceSettings:
        """The limits of the file as a whole; a workspace may override them."""
        return read_settings(path).performance

    @staticmethod
    def load_all(path: str | Path) -> FileSettings:
        """Workspaces and shared groups of a file, read once."""
        return read_settings(path)

    @staticmethod
    def shipped_path() -> Path:
        """The settings file that is shipped: within the wheel, or in a checkout beside it.

        Raises:
            ConfigFileError: If the installation lacks it.
        """
        package = Path(__file__).parents[2]
        for folder in (package, package.parent):
            if (folder / SHIPPED_NAME).is_file():
                return folder / SHIPPED_NAME
        raise ConfigFileError([f"{package / SHIPPED_NAME}: there is no such file."])

    @staticmethod
    def load_shipped() -> dict[str, WorkspaceConfig]:
        """The workspaces of the shipped file by id."""
        return read_settings(MemoryBudgetConfigLoader.shipped_path()).workspaces

    @staticmethod
    def to_yaml(
        configs: WorkspaceConfig | Iterable[WorkspaceConfig] | Mapping[str, WorkspaceConfig],
        *,
        include_defaults: bool = False,
    ) -> str:
        """The text of a file from which the same workspaces are read.

        Args:
            configs: One workspace, or several with different ids. The keys of a mapping are not
                looked at.
            include_defaults: Whether settings that have their default are written too. Without
                it, the ceiling and the shares are written, and what differs from the default.

        Raises:
            ConfigError: If there is no workspace, or two have the same id.
            InputError: If *configs* is anything else.

        >>> print(MemoryBudgetConfigLoader.to_yaml(WorkspaceConfig(workspace_id="notes")))
        version: 1
        workspaces:
          notes:
            max_total_tokens: 8192
            tier_allocation:
              working: 0.3
              project: 0.2
              long_term: 0.25
              rag: 0.25
        <BLANKLINE>
        """
        by_id: dict[str, Any] = {}
        for config in _listed(configs):
            if config.workspace_id in by_id:
                raise ConfigError(
                    f"two workspaces have the id {config.workspace_id!r}.", key=ID_FIELD
                )
            flat = _plain_settings(config, include_defaults, _ALWAYS_WRITTEN)
            del flat[ID_FIELD]
            by_id[config.workspace_id] = file_shape(flat)
        if not by_id:
            raise ConfigError("a settings file needs a workspace, got none.", key=WORKSPACES)
        return write_yaml({"version": VERSION, WORKSPACES: by_id})


def _listed(
    configs: WorkspaceConfig | Iterable[WorkspaceConfig] | Mapping[str, WorkspaceConfig],
) -> Iterable[WorkspaceConfig]:
    if isinstance(configs, WorkspaceConfig):
        return (configs,)
    if isinstance(configs, Mapping):
        configs = configs.values()
    checked_iterable("configs", configs, "a WorkspaceConfig, or several")
    listed = list(configs)
    for config in listed:
        if not isinstance(config, WorkspaceConfig):
            kind = type(config).__name__
            raise InputError(f"configs holds a {kind}, must be WorkspaceConfig.")
    return listed


def _plain_settings(
    group: SettingsGroup, include_defaults: bool, always: Iterable[str] = ()
) -> dict[str, Any]:
    plain = {}
    for name, field in type(group).model_fields.items():
        value = getattr(group, name)
        changed = field.is_required() or value != field.get_default(call_default_factory=True)
        if changed or include_defaults or name in always:
            plain[name] = _plain(value, include_defaults)
    return plain


def _plain(value: Any, include_defaults: bool) -> Any:
    if isinstance(value, SettingsGroup):
        return _plain_settings(value, include_defaults)
    if isinstance(value, Mapping):
        return {_plain(key, True): _plain(inner, True) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner, True) for inner in value]
    if isinstance(value, Enum):
        return value.value
    return INFINITE if value == math.inf else value
