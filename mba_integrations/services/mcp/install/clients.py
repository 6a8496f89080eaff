"""The clients that are known: where each keeps its servers, and how it wants them written.

    claude-code     ~/.claude.json, or .mcp.json of a project     mcpServers, with a type
    claude-desktop  claude_desktop_config.json                    mcpServers, commands only
    codex           ~/.codex/config.toml                          [mcp_servers.NAME]
    cursor          ~/.cursor/mcp.json                            mcpServers
    vscode          mcp.json of the user's folder                 servers, with a type
    gemini          ~/.gemini/settings.json                       mcpServers, httpUrl

No key is written: where a server wants one, the entry names the variable MBA_KEY, which the client
fills in, or asks for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVER_NAME = "mba"
KEY_VARIABLE = "MBA_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a client is to start or to ask.

    Attributes:
        command: The program and its arguments, which speaks over its pipes.
        url: Where a server answers over HTTP; None where the command is to be started.
    """

    command: tuple[str, ...]
    url: str | None = None


Entry = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class McpClient:
    """A client and its settings.

    Attributes:
        name: By which it is chosen.
        title: What it is called.
        key: Under which its settings have servers.
        user_file: Gives the file of its user, in a home folder.
        project_file: The file in a project's folder; None where it has none.
        entry: Writes a server as it wants it.
        also: Settings besides servers that an entry needs.
        after: What a person does then.
    """

    name: str
    title: str
    key: str
    user_file: Callable[[Path], Path]
    project_file: str | None
    entry: Callable[[Target], Entry]
    also: Callable[[Target], Mapping[str, list[Entry]]] = lambda _: {}
    after: str = "Restart it."

    def file(self, home: Path, project: Path | None) -> Path | None:
        """Its settings; None where it has none of a project."""
        if project is None:
            return self.user_file(home)
        return None if self.project_file is None else project / self.project_file


def _settings_folder(home: Path) -> Path:
    """Where programs with windows keep their settings."""
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", home / "AppData" / "Roaming"))
    return Path(os.environ.get("XDG_CONFIG_HOME", home / ".config"))


def _codex_home(home: Path) -> Path:
    return Path(os.environ.get("CODEX_HOME", home / ".codex"))


def _started(target: Target) -> Entry:
    return {"command": target.command[0], "args": list(target.command[1:])}


def _typed(reference: str) -> Callable[[Target], Entry]:
    """An entry that says of which type it is; *reference* is how the client names a variable."""

    def entry(target: Target) -> Entry:
        if target.url is None:
            return {"type": "stdio", **_started(target)}
        return {"type": "http", "url": target.url, "headers": _headers(reference)}

    return entry


def _untyped(url_key: str, reference: str) -> Callable[[Target], Entry]:
    def entry(target: Target) -> Entry:
        if target.url is None:
            return _started(target)
        return {url_key: target.url, "headers": _headers(reference)}

    return entry


def _headers(reference: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {reference}"}


def _for_codex(target: Target) -> Entry:
    if target.url is None:
        return _started(target)
    return {"url": target.url, "bearer_token_env_var": KEY_VARIABLE}


def _asked_for_key(target: Target) -> Mapping[str, list[Entry]]:
    """VS Code asks a person for the key once, and keeps it apart."""
    if target.url is None:
        return {}
    described = {"id": "mba-key", "type": "promptString", "description": "Key of the mba server"}
    return {"inputs": [{**described, "password": True}]}


CLIENTS: Mapping[str, McpClient] = {
    client.name: client
    for client in (
        McpClient(
            name="claude-code",
            title="Claude Code",
            key="mcpServers",
            user_file=lambda home: home / ".claude.json",
            project_file=".mcp.json",
            entry=_typed("${MBA_KEY}"),
            after="Start a new session; /mcp shows it.",
        ),
        McpClient(
            name="claude-desktop",
            title="Claude Desktop",
            key="mcpServers",
            user_file=lambda home: _settings_folder(home) / "Claude" / "claude_desktop_config.json",
            project_file=None,
            entry=_started,  # it takes no URL from this file: the command asks the server
        ),
        McpClient(
            name="codex",
            title="Codex",
            key="mcp_servers",
            user_file=lambda home: _codex_home(home) / "config.toml",
            project_file=".codex/config.toml",
            entry=_for_codex,
            after="Start a new session; /mcp shows it.",
        ),
        McpClient(
            name="cursor",
            title="Cursor",
            key="mcpServers",
            user_file=lambda home: home / ".cursor" / "mcp.json",
            project_file=".cursor/mcp.json",
            entry=_untyped("url", "${env:MBA_KEY}"),
        ),
        McpClient(
            name="vscode",
            title="VS Code",
            key="servers",
            user_file=lambda home: _settings_folder(home) / "Code" / "User" / "mcp.json",
            project_file=".vscode/mcp.json",
            entry=_typed("${input:mba-key}"),
            also=_asked_for_key,
            after="Choose MCP: List Servers and start it.",
        ),
        McpClient(
            name="gemini",
            title="Gemini CLI",
            key="mcpServers",
            user_file=lambda home: home / ".gemini" / "settings.json",
            project_file=".gemini/settings.json",
            entry=_untyped("httpUrl", "$MBA_KEY"),
            after="Start a new session; /mcp shows it.",
        ),
    )
}
