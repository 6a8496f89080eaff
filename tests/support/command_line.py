"""What the tests of the command line share: a folder of inputs, and ways to run commands."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import typer.main
import typer.testing
from repository import ROOT
from typer.testing import CliRunner, Result

from mba_integrations import MemoryTier, QueryComplexity
from mba_integrations.commands.application import app
from mba_integrations.core.log.records import AllocationRecord, TierRecord

# A runner makes all commands anew at each call, which takes longer than most of them.
vars(typer.testing)["_get_command"] = cache(typer.main.get_command)

NOTES = (
    {"id": "kate-ski", "content": "Kate likes skiing in the north.", "tier": "project"},
    {"id": "kate-oslo", "content": "Kate lives in Oslo, near the harbour.", "tier": "long_term"},
    {"id": "bread", "content": "Bread needs salt, water, flour and time.", "tier": "rag"},
    {"id": "greeting", "content": "Hello, how can I help?", "tier": "working"},
)
CHAT = (
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "I moved to Oslo."},
    {"role": "assistant", "content": "How is it?"},
    {"role": "user", "content": "Where do I live?"},
)
WORKSPACES = """
workspaces:
  notes:
    max_total_tokens: 1000
    tier_allocation:
      working_memory_pct: 0.25
      project_memory_pct: 0.25
      long_term_memory_pct: 0.25
      rag_memory_pct: 0.25
"""
QUESTION = ("--query", "Where does Kate live?")


def record() -> AllocationRecord:
    return AllocationRecord(
        timestamp=datetime.now(UTC).isoformat(),
        workspace_id="default",
        complexity=QueryComplexity.SIMPLE,
        budget_tokens=100,
        used_tokens=90,
        value=1.0,
        upper_bound=1.0,
        duration_ms=2.0,
        tiers={
            MemoryTier.RAG: TierRecord(budget_tokens=100, used_tokens=90, selected=2, omitted=1)
        },
        omission_reasons={"outranked": 1},
        selected_count=2,
        counter_id="words",
        exact=True,
        notes=(),
    )


def prepare(path: Path) -> Path:
    """A folder below *path* with every file that the examples of the help name."""
    here = path / "here"
    for name in ("here/docs", "here/settings", "another-project"):
        (path / name).mkdir(parents=True)
    (path / "another-project" / "README.md").write_text("# Another\n\nproject")
    (here / "docs" / "install.md").write_text("# Install\n\nRun pip install it.")
    (here / "notes.jsonl").write_text("".join(json.dumps(note) + "\n" for note in NOTES))
    (here / "chat.json").write_text(json.dumps(CHAT))
    (here / "workspaces.yaml").write_text(WORKSPACES)
    (here / "log.jsonl").write_text(json.dumps(record().to_dict()) + "\n")
    return here


def mba(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=stdin)


def done(*arguments: str, stdin: str | None = None) -> str:
    """Standard output of a command that succeeds."""
    result = mba(*arguments, stdin=stdin)
    assert result.exit_code == 0, (result.stderr, repr(result.exception))
    return result.stdout


def refused(*arguments: str, exit_code: int = 1, stdin: str | None = None) -> str:
    """Standard error of a command that fails without a result and without a traceback."""
    result = mba(*arguments, stdin=stdin)
    assert result.exit_code == exit_code
    assert not result.stdout
    assert isinstance(result.exception, SystemExit)
    return result.stderr


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


def allocation_of(*arguments: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(done("allocate", "--json", *arguments))
    return parsed
