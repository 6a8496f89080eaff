"""Settings of clients: the right shape in the right file, and nothing else there is touched."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from command_line import done, refused

from mba_integrations.services.mcp.install.clients import CLIENTS, Target
from mba_integrations.services.mcp.install.settings_file import (
    SettingsFileError,
    server_in,
    with_server,
)

LOCAL = Target(command=("/bin/mba", "mcp", "--db", "/data/memory.db"))
REMOTE = Target(
    command=("/bin/mba", "mcp", "--url", "https://m.example"), url="https://m.example/mcp/a"
)
STARTED = {"command": "/bin/mba", "args": ["mcp", "--db", "/data/memory.db"]}
ASKED = {"command": "/bin/mba", "args": ["mcp", "--url", "https://m.example"]}


def settings_of(path: Path) -> dict[str, Any]:
    text = path.read_text()
    return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CODEX_HOME", "XDG_CONFIG_HOME", "APPDATA", "MBA_URL", "MBA_DB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "file", "local", "remote"),
    [
        pytest.param(
            "claude-code",
            ".claude.json",
            {"mcpServers": {"mba": {"type": "stdio", **STARTED}}},
            {"type": "http", "headers": {"Authorization": "Bearer ${MBA_KEY}"}},
            id="claude-code",
        ),
        pytest.param(
            "claude-desktop",
            ".config/Claude/claude_desktop_config.json",
            {"mcpServers": {"mba": STARTED}},
            ASKED,
            id="claude-desktop",
        ),
        pytest.param(
            "codex",
            ".codex/config.toml",
            {"mcp_servers": {"mba": STARTED}},
            {"bearer_token_env_var": "MBA_KEY"},
            id="codex",
        ),
        pytest.param(
            "cursor",
            ".cursor/mcp.json",
            {"mcpServers": {"mba": STARTED}},
            {"headers": {"Authorization": "Bearer ${env:MBA_KEY}"}},
            id="cursor",
        ),
        pytest.param(
            "vscode",
            ".config/Code/User/mcp.json",
            {"servers": {"mba": {"type": "stdio", **STARTED}}},
            {"type": "http", "headers": {"Authorization": "Bearer ${input:mba-key}"}},
            id="vscode",
        ),
        pytest.param(
            "gemini",
            ".gemini/settings.json",
            {"mcpServers": {"mba": STARTED}},
            {"httpUrl": REMOTE.url, "headers": {"Authorization": "Bearer $MBA_KEY"}},
            id="gemini",
        ),
    ],
)
def test_each_client_gets_its_shape_in_its_file(
    home: Path, name: str, file: str, local: dict[str, Any], remote: dict[str, Any]
) -> None:
    client = CLIENTS[name]
    path = client.file(home, None)
    assert path == home / file
    change = with_server(client, path, LOCAL)
    assert change.apply() is None
    assert settings_of(path) == local
    with_server(client, path, REMOTE).apply()
    entry = dict(server_in(client, path))
    if "url" not in remote and "httpUrl" not in remote and name != "claude-desktop":
        assert entry.pop("url") == REMOTE.url
    assert entry == remote
    project = client.file(home, home / "project")
    assert (project is None) is (name == "claude-desktop")


OTHERS = {"other": {"command": "x"}, "mba": {"command": "old"}}
JSON_BEFORE = json.dumps({"theme": "dark", "mcpServers": OTHERS})
TOML_BEFORE = """# mine
model = "gpt-5"

[mcp_servers.mba]
command = "old"
[mcp_servers.mba.env]
A = "b"

[mcp_servers.other]  # keep
command = "x"
"""


@pytest.mark.parametrize(
    ("name", "before"), [("cursor", JSON_BEFORE), ("codex", TOML_BEFORE)], ids=["json", "toml"]
)
def test_all_else_stays_and_a_copy_is_kept(home: Path, name: str, before: str) -> None:
    client = CLIENTS[name]
    path = client.user_file(home)
    path.parent.mkdir()
    path.write_text(before)
    path.chmod(0o640)
    old = settings_of(path)
    backup = with_server(client, path, LOCAL).apply()
    assert backup is not None
    assert backup.read_text() == before
    assert settings_of(path) == {**old, client.key: {**old[client.key], "mba": STARTED}}
    assert not before.startswith("#") or path.read_text().startswith("# mine\n")
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
    again = with_server(client, path, LOCAL)
    assert not again.is_needed


def test_a_link_stays_a_link(home: Path) -> None:
    kept = home / "dotfiles.json"
    kept.write_text("{}")
    path = home / ".claude.json"
    path.symlink_to(kept)
    with_server(CLIENTS["claude-code"], path, LOCAL).apply()
    assert path.is_symlink()
    assert "mba" in kept.read_text()


def test_vs_code_asks_for_the_key_once(home: Path) -> None:
    client = CLIENTS["vscode"]
    path = home / "mcp.json"
    path.write_text('{"inputs": [{"id": "other"}, {"id": "mba-key", "type": "old"}]}')
    with_server(client, path, REMOTE).apply()
    assert [one["id"] for one in settings_of(path)["inputs"]] == ["other", "mba-key"]
    assert not with_server(client, path, REMOTE).is_needed


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        pytest.param("cursor", '{\n "a": 1,\n // hm\n}', ":3: is no JSON. Nothing", id="comment"),
        pytest.param("cursor", "[]", ":1: is no JSON object", id="list"),
        pytest.param("cursor", '{"mcpServers": []}', "mcpServers is no object", id="servers"),
        pytest.param("codex", "a = 1\nb =\n", "is no TOML", id="toml"),
        pytest.param(
            "codex", 'mcp_servers = {mba = {command = "x"}}', "in a form that is not", id="inline"
        ),
    ],
)
def test_a_broken_file_is_left_alone_and_told_what_to_add(
    home: Path, name: str, text: str, expected: str
) -> None:
    path = home / ("config.toml" if name == "codex" else "mcp.json")
    path.write_text(text)
    with pytest.raises(SettingsFileError) as refusal:
        with_server(CLIENTS[name], path, LOCAL)
    assert str(path) in str(refusal.value)
    assert expected in str(refusal.value)
    assert "by hand: " in str(refusal.value)
    assert path.read_text() == text


def test_a_file_without_our_server_says_how_to_write_it(home: Path) -> None:
    with pytest.raises(SettingsFileError, match="mba mcp install --client codex"):
        server_in(CLIENTS["codex"], home / "config.toml")


# the command


def test_installing_twice_changes_nothing_the_second_time(home: Path) -> None:
    asked = ("mcp", "install", "--client", "claude-code", "--db", str(home / "m.db"), "--json")
    first = json.loads(done(*asked))
    assert (first["changed"], first["backup"]) == (True, None)
    entry = settings_of(home / ".claude.json")["mcpServers"]["mba"]
    assert entry["args"][-5:] == ["mcp", "--db", str(home / "m.db"), "--workspace", "default"]
    assert json.loads(done(*asked))["changed"] is False
    assert {one.name for one in home.iterdir()} == {".claude.json"}


def test_a_dry_run_prints_the_file_and_writes_none(home: Path) -> None:
    printed = done("mcp", "install", "--client", "codex", "--dry-run", "--url", "https://m.example")
    assert tomllib.loads(printed)["mcp_servers"]["mba"] == {
        "url": "https://m.example/mcp/default",
        "bearer_token_env_var": "MBA_KEY",
    }
    assert not list(home.iterdir())


def test_what_cannot_be_installed_is_refused(home: Path) -> None:
    desktop = ("mcp", "install", "--client", "claude-desktop", "--project", str(home))
    assert "has no settings of a project" in refused(*desktop)
    server = ("mcp", "install", "--client", "codex", "--db", "postgresql://x/y")
    assert "Start `mba serve` on that database" in refused(*server)
    assert "has no server 'mba'" in refused("mcp", "check", "--client", "codex")
