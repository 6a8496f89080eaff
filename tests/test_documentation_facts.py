"""What README.md and docs/ say of settings, names and commands is what the code has."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from command_line import done, mba, prepare
from repository import ROOT
from shown_sessions import Session, steps_of

import mba_integrations
from mba_integrations import WorkspaceConfig
from mba_integrations.commands.application import app
from mba_integrations.core.config.group import SettingsGroup

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_COMMANDS = re.compile(r"^```bash\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


_SETTING_ROW = re.compile(r"^\| `(?P<name>[a-z_]+)` \|(?P<cells>.*)\|$", re.MULTILINE)
_HEADING = re.compile(r"^## .*$", re.MULTILINE)


def _tables() -> dict[str, dict[str, list[str]]]:
    """Rows of docs/configuration.md by section: the group's field name, '' for the top level."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    tables: dict[str, dict[str, list[str]]] = {}
    starts = [*_HEADING.finditer(text)]
    ends = [*(found.start() for found in starts[1:]), len(text)]
    for found, end in zip(starts, ends, strict=True):
        group = re.search(r"`([a-z_]+)`", found.group())
        name = group[1] if group else ""
        for row in _SETTING_ROW.finditer(text[found.end() : end]):
            cells = [cell.strip() for cell in row["cells"].split("|")]
            tables.setdefault(name, {})[row["name"]] = cells
    return tables


def _settings_groups() -> dict[str, Any]:
    """Every settings group by its field in `WorkspaceConfig`; '' is the workspace itself."""
    config = WorkspaceConfig(workspace_id="any")
    groups: dict[str, Any] = {"": config}
    for name in WorkspaceConfig.model_fields:
        value = getattr(config, name)
        if isinstance(value, SettingsGroup):
            groups[name] = value
    return groups


def test_configuration_page_lists_exactly_the_settings() -> None:
    groups = _settings_groups()
    expected = {
        name: [field for field in type(group).model_fields if field not in groups]
        for name, group in groups.items()
    }
    assert {name: sorted(rows) for name, rows in _tables().items()} == {
        name: sorted(fields) for name, fields in expected.items()
    }


def test_configuration_page_states_the_defaults() -> None:
    """A default in code font is a Python literal; other cells describe it in words."""
    groups = _settings_groups()
    wrong = []
    for name, rows in _tables().items():
        for field, (_, default, *_) in rows.items():
            if type(groups[name]).model_fields[field].is_required():
                wrong += [] if default == "required" else [f"{name}.{field} is required"]
                continue
            value = getattr(groups[name], field)
            shown = value.value if hasattr(value, "value") else value
            literal = re.fullmatch(r"`(.+)`", default)
            if literal and literal[1] != repr(shown).replace("'", '"'):
                wrong.append(f"{name}.{field}: page says {literal[1]}, default is {shown!r}")
            if not literal and isinstance(shown, int | float | bool | str):
                wrong.append(f"{name}.{field}: page gives no literal, default is {shown!r}")
    assert not wrong


def test_the_page_on_installing_lists_every_extra_once() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    table = text[text.index("| extra | brings |") :].split("\n\n")[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    listed = [name for cell in cells for name in re.findall(r"`([a-z-]+)`", cell)]
    assert sorted(listed) == sorted(extras["optional-dependencies"])


def test_the_python_page_lists_every_public_name() -> None:
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    public = [name for name in mba_integrations.__all__ if not name.startswith("_")]
    assert not [name for name in public if f"`{name}`" not in text]


def commands_of(page: Path) -> list[str]:
    """Lines of the page's bash blocks that call `mba`."""
    blocks = _COMMANDS.finditer(page.read_text(encoding="utf-8"))
    lines = [line for block in blocks for line in block["code"].splitlines()]
    return [line for line in lines if line.startswith("mba ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_mba_commands_of_the_page_succeed(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = prepare(tmp_path)
    shutil.copytree(ROOT / "configs", folder / "configs")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MBA_DB", str(tmp_path / "memory.db"))
    for command in commands_of(page):
        ran = mba(*shlex.split(command)[1:])
        assert ran.exit_code == 0, f"{command}\n{ran.stderr}"


def every_command(group: Any, *before: str) -> Iterator[str]:
    """Names of the commands that do something, as they are typed."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from every_command(command, *before, name)
        else:
            yield " ".join((*before, name))


def test_the_pages_of_commands_show_every_command() -> None:
    pages = [ROOT / "docs" / name for name in ("commands.md", "api_server.md", "mcp.md")]
    shown = "\n".join(page.read_text("utf-8") for page in pages)
    commands = list(every_command(typer.main.get_command(app), "mba"))
    assert len(commands) > 50
    # A hook is called by a line in an agent's settings.
    called = r'(?:^\$ |"command": ")'
    assert not [
        name for name in commands if not re.search(rf"{called}{name}\b", shown, re.MULTILINE)
    ]


def test_the_table_of_commands_names_every_one() -> None:
    page = (ROOT / "docs" / "command_line.md").read_text("utf-8")
    table = page[page.index("| command | what it does |") :].split("\n\n")[0]
    named = re.findall(r"`(?:mba )?([a-z]+)(?: [a-z]+)?`", table)
    commands: Any = typer.main.get_command(app)
    assert set(named) >= set(commands.commands)


def test_the_page_of_commands_shows_what_they_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(prepare(tmp_path))
    monkeypatch.syspath_prepend(Path.cwd())
    monkeypatch.setenv("MBA_DB", str(tmp_path / "memory.db"))
    monkeypatch.setenv("COLUMNS", "80")
    session, flags = Session(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for step in steps_of(ROOT / "docs" / "commands.md"):
        printed = session.run(step.command)
        same = doctest.OutputChecker().check_output(step.output, printed, flags)
        assert same, f"{step.command}\nThe page has\n{step.output}\nIt printed\n{printed}"


def test_output_on_the_command_line_page_is_what_the_commands_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(prepare(tmp_path))
    monkeypatch.setenv("MBA_DB", str(tmp_path / "memory.db"))
    page = ROOT / "docs" / "command_line.md"
    printed = "".join(done(*shlex.split(line)[1:]) for line in commands_of(page))
    blocks = re.findall(r"^```text\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    parts = [part.strip() for block in blocks for part in block.split("...\n")]
    assert len(parts) == 5
    assert not [part for part in parts if part not in printed]
