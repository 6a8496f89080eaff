"""`mba replay`: what other settings would have changed in past recalls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.changes import changes_in
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.arguments.workspaces import chosen_workspace
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, results, write_line
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.learning.replay.comparison import Comparison, Then, compared
from mba_integrations.learning.replay.executors import Processes
from mba_integrations.learning.replay.files.reading import read_records
from mba_integrations.learning.replay.files.writing import write_records
from mba_integrations.learning.replay.records import ReplayRecord

HELP = """Decide past recalls again under other settings, and show what would change.

Nothing is kept. Each recall is asked of the memories of then, so the workspace has to log texts
(logging.include_text). --config and --set say what is tried; without them it is what held then.

Examples:

\b
  mba replay --since 7d --set token_price=0.0001
  mba replay --since 2026-11-01 --config memory-budget.yaml --workspace development
  mba replay --since 7d --save recalls.parquet
  mba replay --file recalls.parquet --set stability=0.9 --workers 4
"""


@somewhere
def replay(
    *,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="As 24h, 7d, or a time; all by default."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings that are tried.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting that is tried. Repeatable."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Recalls of a file, .jsonl or .parquet."),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Write the recalls, and replay none."),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that replay.")] = 1,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show what other settings would have changed."""
    tried = _tried(config, workspace, changes or ())
    with _records(file, where, workspace, since) as records:
        if save is not None:
            count = write_records(records, save)
            remark("done", f"{count:,} recalls in {save}")
            return
        found = compared(records, tried, Processes(workers))
    if as_json:
        write_result({"comparison": found})
    else:
        _write(found)


@contextmanager
def _records(
    file: Path | None, where: Where, workspace: str, since: str | None
) -> Iterator[Iterable[ReplayRecord]]:
    start = None if since is None else _time(since)
    if file is not None:
        yield (one for one in read_records(file) if start is None or one.at >= start)
        return
    with opened_at(where, workspace) as service:
        records = service.allocations.replay_records(workspace, since=start)
        yield records
        skipped = getattr(records, "skipped", {})
    for reason, count in sorted(skipped.items()):
        remark("note", f"{count:,} recalls were skipped: {reason.replace('_', ' ')}")


def _time(text: str) -> datetime:
    """The time that a text names: a window before now, or a date."""
    from mba_integrations.services.contracts.statistics import WINDOW, hours_of

    if re.match(WINDOW, text):
        return datetime.now(UTC) - timedelta(hours=hours_of(text, None) or 0.0)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"--since is {text!r}. Give 24h, 7d or a time such as 2026-11-01."
        ) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _tried(
    config: Path | None, workspace: str, changes: Sequence[str]
) -> WorkspaceConfig | dict[str, Any]:
    named = changes_in(changes)
    return named if config is None else chosen_workspace(config, workspace).with_changes(**named)


def _write(found: Comparison) -> None:
    write_line(f"{found.records:,} recalls, {found.equal:,} would be decided the same")
    if not found.records:
        return
    table = Table("in the mean", box=None, pad_edge=False)
    table.add_column("then", justify="right")
    table.add_column("tried", justify="right")
    table.add_row("tokens of a prompt", *_means(found.used_tokens, found.records))
    for tier, tokens in found.tier_tokens.items():
        table.add_row(f"  {tier.value}", *_means(tokens, found.records))
    results().print(table)
    write_line(f"{found.entering:,} memories would come in, {found.leaving:,} would go")
    if found.useful:
        kept = found.useful_kept
        write_line(
            f"{found.useful:,} were found useful: {kept.before:,} were in, {kept.after:,} would be"
        )
    for count, said in (
        (found.without_prompt, "would have no prompt: their pins do not fit"),
        (found.inexact, "have numbers alone, and texts may decide otherwise"),
    ):
        if count:
            remark("note", f"{count:,} {said}")
    for one in found.examples:
        moves = [*(f"+{name}" for name in one.entering), *(f"-{name}" for name in one.leaving)]
        write_line(f"{in_one_line(one.allocation_id)}  {in_one_line(' '.join(moves))}")


def _means(tokens: Then, records: int) -> tuple[str, str]:
    return f"{tokens.before / records:,.0f}", f"{tokens.after / records:,.0f}"
