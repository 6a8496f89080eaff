"""Settings that a command tries in place of others: `--config` and `--set`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mba_integrations.commands.arguments.workspaces import chosen_workspace
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError

Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings that are tried.")
]
_SET = typer.Option("--set", metavar="NAME=VALUE", help="A setting that is tried. Repeatable.")
Changes = Annotated[list[str] | None, _SET]
NeededChanges = Annotated[list[str], _SET]


def tried_settings(
    config: Path | None, workspace: str, changes: Sequence[str]
) -> WorkspaceConfig | dict[str, Any]:
    """The workspace's settings in a file with the changes; without a file the changes alone.

    Raises:
        ConfigFileError: If the file is invalid.
        InputError: If a change has no name or no value.
        UnknownWorkspaceError: If the file has no such workspace.
    """
    named = changes_in(changes)
    return named if config is None else chosen_workspace(config, workspace).with_changes(**named)


def changes_in(changes: Sequence[str]) -> dict[str, Any]:
    """Settings by name, of `name=value`; the name of one in a group has a dot.

    Raises:
        InputError: If one has no name or no value.
    """
    found: dict[str, Any] = {}
    for change in changes:
        name, sign, value = change.partition("=")
        if not sign or not name:
            raise InputError(f"--set is {change!r}. Give a name and a value: token_price=0.0001.")
        *groups, last = name.split(".")
        into = found
        for group in groups:
            into = into.setdefault(group, {})
        into[last] = _value(value)
    return found


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
