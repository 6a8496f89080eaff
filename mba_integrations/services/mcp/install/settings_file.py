"""A client's settings file with our server in it: everything else stays, and a copy is kept.

JSON is written anew with its members in their order. TOML is changed as text, so that comments
stay, and read again before it is written: where it does not say what it should, because somebody
wrote our table in another form, nothing is written.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.services.mcp.install.clients import SERVER_NAME, McpClient, Target

BACKUP_ENDING = ".before-mba"


class SettingsFileError(MemoryBudgetError, ValueError):
    """A client's settings cannot be read, or cannot be changed without harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a settings file is to become.

    Attributes:
        path: The file.
        before: Its text; None where it is not there.
        after: The text that it is to have.
    """

    path: Path
    before: str | None
    after: str

    @property
    def is_needed(self) -> bool:
        """Whether anything changes."""
        return self.before != self.after

    def apply(self) -> Path | None:
        """Write it, and give the copy of what stood there; None where nothing did.

        Raises:
            OSError: If the folder or the file cannot be written.
        """
        path = self.path.resolve()  # what a link names is written, and the link stays
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = 0o600 if self.before is None else path.stat().st_mode & 0o777
        backup = None
        if self.before is not None:
            backup = path.with_name(path.name + BACKUP_ENDING)
            _write(backup, self.before, mode)
        _write(path, self.after, mode)
        return backup


def _write(path: Path, text: str, mode: int) -> None:
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(file, "w", encoding="utf-8", newline="") as stream:
        stream.write(text)
    os.replace(new, path)


def with_server(client: McpClient, path: Path, target: Target) -> Change:
    """The file as it is to become.

    Raises:
        SettingsFileError: If it is broken; with the line, and with what to add by hand.
    """
    before = path.read_text(encoding="utf-8") if path.exists() else None
    change = _toml if path.suffix == ".toml" else _json
    return Change(path=path, before=before, after=change(client, path, before or "", target))


def server_in(client: McpClient, path: Path) -> Mapping[str, Any]:
    """Our server as a file has it.

    Raises:
        SettingsFileError: If it is broken, or has none.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    parse = _parsed_toml if path.suffix == ".toml" else _parsed_json
    servers = parse(path, text, "").get(client.key, {})
    found = servers.get(SERVER_NAME) if isinstance(servers, dict) else None
    if not isinstance(found, dict):
        raise SettingsFileError(
            f"{path} has no server {SERVER_NAME!r}. Write it with: mba mcp install --client "
            f"{client.name}"
        )
    return found


def _json(client: McpClient, path: Path, text: str, target: Target) -> str:
    entry = client.entry(target)
    by_hand = json.dumps({client.key: {SERVER_NAME: entry}})
    settings = _parsed_json(path, text, by_hand)
    servers = settings.get(client.key, {})
    if not isinstance(servers, dict):
        raise SettingsFileError(f"{path}: {client.key} is no object. Add by hand: {by_hand}")
    changed = {**settings, client.key: {**servers, SERVER_NAME: entry}}
    for key, wanted in client.also(target).items():
        there = changed.get(key, [])
        ids = {one["id"] for one in wanted}
        changed[key] = [one for one in there if one.get("id") not in ids] + list(wanted)
    return text if changed == settings else json.dumps(changed, indent=2, ensure_ascii=False) + "\n"


def _parsed_json(path: Path, text: str, by_hand: str) -> dict[str, Any]:
    try:
        settings = json.loads(text.removeprefix("\ufeff")) if text.strip() else {}
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise _broken(path, line, "is no JSON", by_hand) from error
    if not isinstance(settings, dict):
        raise _broken(path, 1, "is no JSON object", by_hand)
    return settings


def _broken(path: Path, line: int, what: str, by_hand: str) -> SettingsFileError:
    advice = f"Mend it, or add by hand: {by_hand}" if by_hand else "Mend it."
    return SettingsFileError(f"{path}:{line}: {what}. Nothing was changed. {advice}")


def _toml(client: McpClient, path: Path, text: str, target: Target) -> str:
    entry = client.entry(target)
    header = f"[{client.key}.{SERVER_NAME}]"
    table = "\n".join([header, *(f"{key} = {json.dumps(one)}" for key, one in entry.items())])
    settings = _parsed_toml(path, text, table)
    servers = settings.get(client.key, {})
    if isinstance(servers, dict) and servers.get(SERVER_NAME) == entry:
        return text
    kept = _without_table(text, header).rstrip("\n")
    changed = f"{kept}\n\n{table}\n" if kept else f"{table}\n"
    wanted = {**settings, client.key: {**dict(servers), SERVER_NAME: entry}}
    try:
        says = tomllib.loads(changed)
    except tomllib.TOMLDecodeError:
        says = {}
    if says != wanted:
        what = f"has {client.key} in a form that is not changed here"
        raise _broken(path, 1, what, table)
    return changed


def _parsed_toml(path: Path, text: str, by_hand: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = text.count("\n", 0, getattr(error, "pos", 0)) + 1
        raise _broken(path, line, f"is no TOML: {error}", by_hand) from error


def _without_table(text: str, header: str) -> str:
    """The text without a table and the tables below it."""
    below = f"{header[:-1]}."
    kept: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            inside = line.strip().startswith((header, below))
        if not inside:
            kept.append(line)
    return "".join(kept)
