"""`mba stats` and `mba log export`: what a JSON-lines log of allocations says."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mba_integrations.commands.printing.output import note_all, remark, results, write_json
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.core.errors import InputError
from mba_integrations.core.log.file import export_records, read_log_file
from mba_integrations.core.log.records import LogRecord
from mba_integrations.core.log.statistics import AllocationStatistics, statistics, window

STATS_HELP = """Show statistics of a log: utilisation, complexity, omissions, latency.

A log is written by mba allocate --log FILE, or where logging.path is set.

Examples:

\b
  mba stats log.jsonl
  mba stats log.jsonl --workspace default --hours 24 --json
"""
LOG_HELP = "Work with a log of allocations."
EXPORT_HELP = """Write a log as one versioned JSON file; an interruption leaves an old file whole.

Examples:

\b
  mba log export log.jsonl log.json
"""
_LISTED_PROBLEMS = 5
_WIDTH_OF_NAMES = 60

log_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=LOG_HELP)

LogArgument = Annotated[Path, typer.Argument(metavar="LOG", help="JSON-lines log.")]


def stats(
    log: LogArgument,
    workspace: Annotated[
        str | None, typer.Option("--workspace", "-w", metavar="ID", help="Only this workspace.")
    ] = None,
    hours: Annotated[
        float | None, typer.Option("--hours", help="Only the last so many hours.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Show statistics of a log."""
    since = None if hours is None else datetime.now(UTC) - window(hours)
    found = statistics(_records(log), workspace_id=workspace, since=since)
    if as_json:
        write_json(found.to_dict())
    else:
        _print(results(), found)


@log_app.callback()
def _log() -> None:
    """Keeps `export` a subcommand, so that others can join it."""


@log_app.command("export", help=EXPORT_HELP)
def export(
    log: LogArgument, output: Annotated[Path, typer.Argument(metavar="OUT", help="JSON file.")]
) -> None:
    """Write a log as one JSON file."""
    records = _records(log)
    export_records(records, output, exported_at=datetime.now(UTC))
    remark("done", f"wrote {len(records):,} records to {output}")


def _records(log: Path) -> tuple[LogRecord, ...]:
    read = read_log_file(log)
    for problem in read.problems[:_LISTED_PROBLEMS]:
        note_all([f"{log}:{problem.line_number}: {problem.message}"])
    if read.problem_count and not read.records:
        raise InputError(f"{log}: none of its {read.problem_count:,} lines is a record of a log.")
    if read.problem_count:
        note_all([f"{read.problem_count:,} lines of {log} are no records and left out."])
    return read.records


def _print(console: Console, found: AllocationStatistics) -> None:
    console.print(Text(in_one_line(_headline(found)), style="bold"))
    if not found.allocation_count:
        return
    for line in _lines(found):
        console.print(Text(in_one_line(line)))
    console.print(_tiers(found, console.width))


def _headline(found: AllocationStatistics) -> str:
    of = f" of workspace {found.workspace_id}" if found.workspace_id else ""
    if not found.allocation_count:
        return f"No allocations{of} in this log and time."
    span = f"{found.first_timestamp} to {found.last_timestamp}"
    return f"{found.allocation_count:,} allocations{of}, {span}"


def _lines(found: AllocationStatistics) -> list[str]:
    latency = (found.latency_ms_p50, found.latency_ms_p95, found.latency_ms_p99)
    return [
        f"utilisation   mean {_percent(found.mean_utilisation)}, "
        f"median {_percent(found.median_utilisation)}; "
        f"{found.mean_used_tokens or 0.0:,.0f} tokens a prompt",
        f"complexity    {_counted({key.value: n for key, n in found.complexity_counts.items()})}",
        f"omissions     {_counted(found.omission_counts)}",
        "latency       "
        + ", ".join(
            f"p{rank} {value or 0.0:.1f} ms"
            for rank, value in zip((50, 95, 99), latency, strict=True)
        ),
        f"gap           mean {found.mean_gap or 0.0:.2%} below the optimum at most",
        f"moves         {found.promoted:,} promotions, {found.demoted:,} demotions recommended",
        f"estimates     {found.inexact_count:,} allocations counted by an estimate, "
        f"{found.noted_count:,} with notes",
    ]


def _tiers(found: AllocationStatistics, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("tier", no_wrap=True)
    wide = width >= _WIDTH_OF_NAMES
    for name in ("utilisation" if wide else "used", "mean tokens" if wide else "mean", "in", "out"):
        table.add_column(name, justify="right", no_wrap=True)
    for tier, one in found.tiers.items():
        tokens = "-" if one.mean_used_tokens is None else f"{one.mean_used_tokens:,.0f}"
        used = _percent(one.mean_utilisation)
        table.add_row(tier.value, used, tokens, f"{one.selected:,}", f"{one.omitted:,}")
    return table


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "none"


def _percent(part: float | None) -> str:
    return "-" if part is None else f"{part:.1%}"
