"""What tests of the commands on memories share: a database of their own, and their JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import done


@pytest.fixture(autouse=True)
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MBA_DB", str(tmp_path / "memory.db"))
    monkeypatch.setenv("COLUMNS", "140")
    return tmp_path / "memory.db"


def said(*arguments: str, stdin: str | None = None) -> dict[str, Any]:
    """What a command prints as JSON."""
    parsed: dict[str, Any] = json.loads(done(*arguments, "--json", stdin=stdin))
    assert parsed["schema_version"] == 1
    return parsed


def remembered(*texts: str, options: tuple[str, ...] = ()) -> list[str]:
    """Ids of texts that are remembered now."""
    return [one["id"] for one in said("remember", *texts, *options)["results"]]
