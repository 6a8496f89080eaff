"""`mba evaluate`: what settings bring of what questions need, whose answers are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.tried import Changes, Config, tried_settings
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_here
from mba_integrations.commands.printing.memories import plain, write_result
from mba_integrations.commands.printing.output import remark, results
from mba_integrations.commands.printing.questions import (
    missed,
    missed_table,
    named_ids,
    note_not_there,
    write_figures,
)
from mba_integrations.core.errors import InputError
from mba_integrations.ingest.reading import name_of, read_bytes
from mba_integrations.learning.questions.evaluation import Evaluation
from mba_integrations.learning.questions.question import questions_in
from mba_integrations.services.store.rows.memories import MemoryFilter

if TYPE_CHECKING:
    from mba_integrations.services.memory.service import MemoryService

HELP = """Ask questions whose answers you know, and show what settings bring of what they need.

A line of the file is a question as JSON: query, and needed (ids of memories) or needed_text (pieces
of their texts); session_id, at and budget_tokens where you like. Nothing is logged or counted as
used. It reads a database itself, not through a server. --config and --set name settings that are
tried beside those of now. With --least the exit code is 1 where less of what is needed is in the
prompts, under what is tried where something is.

Examples:

\b
  mba evaluate questions.jsonl
  mba evaluate questions.jsonl --set token_price=0.0001 --all
  mba evaluate questions.jsonl --config memory-budget.yaml --least 0.8
"""
SHOWN = 20
_AT_ONCE = 500


@somewhere
def evaluate(
    file: Annotated[
        str, typer.Argument(metavar="QUESTIONS", help="JSON lines; - is standard input.")
    ],
    *,
    config: Config = None,
    changes: Changes = None,
    least: Annotated[
        float | None,
        typer.Option("--least", metavar="SHARE", help="Fail where the share is below, as 0.8."),
    ] = None,
    show_all: Annotated[
        bool, typer.Option("--all", help=f"Show all that miss something, not {SHOWN}.")
    ] = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    local: options.Local = False,
    as_json: options.AsJson = False,
) -> None:
    """Show what settings bring of what questions need."""
    if least is not None and not 0.0 < least <= 1.0:
        raise InputError(f"--least is {least:g}. Give a share above 0 and at most 1, as 0.8.")
    questions = questions_in(read_bytes(file), name_of(file))
    tried = tried_settings(config, workspace, changes or ())
    with opened_here(where, "mba evaluate", workspace=workspace, local=local) as service:
        found = service.questions.evaluate(workspace, questions, tried)
        rows = missed(found.evaluated)
        shown = rows if show_all else rows[:SHOWN]
        texts = _texts(service, workspace, named_ids(shown))
    if as_json:
        write_result({**plain(found.evaluated), "not_there": found.not_there})
    else:
        write_figures(found.evaluated)
        if shown:
            results().print(missed_table(shown, len(rows), texts))
    note_not_there(found.not_there)
    _check(found.evaluated.tried or found.evaluated.now, least)


def _texts(service: MemoryService, workspace: str, memory_ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for first in range(0, len(memory_ids), _AT_ONCE):
        named = frozenset(memory_ids[first : first + _AT_ONCE])
        page = service.list(workspace, MemoryFilter(memory_ids=named), limit=_AT_ONCE)
        found.update((row.memory_id, row.content) for row in page.rows)
    return found


def _check(found: Evaluation, least: float | None) -> None:
    """Refuse what brings less than it should."""
    if least is not None and found.evidence.value < least:
        remark(
            "error",
            f"{found.evidence.value:.1%} of what is needed is in the prompts, --least is "
            f"{least:.1%}.",
        )
        raise typer.Exit(1)
