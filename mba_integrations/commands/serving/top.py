"""`mba top`: what workspaces are asked and what that takes, every second anew."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.places import place_of
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import results
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.core.errors import MemoryBudgetError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.rows.jobs import JobState

if TYPE_CHECKING:
    from mba_integrations.commands.memory.database import Opened

HELP = """Show what workspaces are asked, every second anew, until Ctrl-C.

Memories; recalls in a minute, of the last five; and of the last hour: tokens by tier, how much of
their budgets prompts use, how long a choice and each phase take, why most memories stayed out, how
many tokens stand as in the prompt before, and how many were saved by what stayed out. And jobs.

Examples:

\b
  mba top
  mba top --url http://127.0.0.1:8377 -w kate
  mba top --once --json
"""
_REFRESH_SECONDS = 1.0
_MINUTES = 5
_MOST_WORKSPACES = 20
_MOST_REASONS = 2
_TEXTS = "left out", "median ms by phase"
_WAITING = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a workspace is.

    Attributes:
        workspace_id: Which one.
        memories: Active memories by tier.
        recalls_per_minute: In the last minutes.
        recalls: In the last hour.
        tokens: Of all prompts of that hour, by tier.
        utilisation: Mean part of their budgets; None without any.
        p50_ms: Median duration of a choice; None without any.
        p95_ms: Its 95th percentile.
        phases: Median duration of each phase, in milliseconds.
        stable_tokens: Tokens that prompts share with those before them in their sessions.
        saved_tokens: Tokens of what stayed out.
        omitted: How many memories stayed out for each reason, most frequent first.
        jobs: Those that wait, run or failed.
    """

    workspace_id: str
    memories: Mapping[MemoryTier, int]
    recalls_per_minute: float
    recalls: int
    tokens: Mapping[MemoryTier, int]
    utilisation: float | None
    p50_ms: float | None
    p95_ms: float | None
    phases: Mapping[str, float]
    stable_tokens: int
    saved_tokens: int
    omitted: Mapping[str, int]
    jobs: Mapping[JobState, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What is shown at a moment.

    Attributes:
        at: When.
        place: Of what: a file, a database or a server.
        workspaces: The first of them.
        more: How many more there are.
    """

    at: datetime
    place: str
    workspaces: Sequence[Standing]
    more: int = 0


@somewhere
def top(
    *,
    workspaces: Annotated[
        list[str] | None,
        typer.Option("--workspace", "-w", metavar="ID", help="Which. Repeatable. Default: all."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print it once, for pipes.")] = False,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show what workspaces are asked."""
    console = results()
    if as_json:
        write_result({"frame": looked(where, workspaces)})
    elif once or not console.is_terminal:
        console.print(drawn(looked(where, workspaces)))
    else:
        with Live(console=console, auto_refresh=False) as live:
            _follow(live, where, workspaces)


def _follow(live: Live, where: Where, workspaces: Sequence[str] | None) -> None:
    """Draw until Ctrl-C. A server or a file that cannot be asked now may be a moment later."""
    try:
        while True:
            try:
                shown = drawn(looked(where, workspaces))
            except MemoryBudgetError as error:
                shown = Text(in_one_line(str(error)), style="bold")
            live.update(shown, refresh=True)
            time.sleep(_REFRESH_SECONDS)
    except KeyboardInterrupt:
        return


def looked(where: Where, workspaces: Sequence[str] | None) -> Frame:
    """How the workspaces are now.

    The place is opened anew each time, so that a server may take the file meanwhile, or let it go.
    """
    with opened(where) as service:
        known = workspaces or service.workspaces.ids()
        return Frame(
            at=datetime.now(UTC),
            place=where.url or place_of(where.database),
            workspaces=[_standing(service, name) for name in known[:_MOST_WORKSPACES]],
            more=max(0, len(known) - _MOST_WORKSPACES),
        )


def _standing(service: Opened, workspace_id: str) -> Standing:
    hour = service.statistics(workspace_id, time_window_hours=1.0)
    latest = service.statistics(workspace_id, time_window_hours=_MINUTES / 60)
    jobs = service.jobs.counts(workspace_id)
    return Standing(
        workspace_id=workspace_id,
        memories=service.counts(workspace_id),
        recalls_per_minute=latest.allocation_count / _MINUTES,
        recalls=hour.allocation_count,
        tokens={tier: one.used for tier, one in hour.tier_tokens.items()},
        utilisation=hour.mean_utilisation,
        p50_ms=hour.latency_ms_p50,
        p95_ms=hour.latency_ms_p95,
        phases={name: one.p50_ms for name, one in hour.phases.items() if one.p50_ms is not None},
        stable_tokens=hour.stable_prefix_tokens,
        saved_tokens=hour.saved_tokens,
        omitted=hour.omission_counts,
        jobs={state: jobs[state] for state in _WAITING if jobs.get(state)},
    )


def drawn(frame: Frame) -> RenderableType:
    """A frame as tables that fit a terminal of 80 columns, a line for each workspace."""
    more = f", and {frame.more:,} more" if frame.more else ""
    count = f"{len(frame.workspaces):,} workspaces{more}"
    title = f"{frame.at:%H:%M:%S} UTC  {frame.place}  {count}"
    numbers = "memories", "recalls/min", "used", "p50 ms", "p95 ms"
    tiers = *(tier.value for tier in MemoryTier), "stable", "saved"
    return Group(
        _table(title, frame, numbers, ("jobs",), _asked),
        _table("Tokens of the last hour", frame, tiers, (), _tokens),
        _table("Why most stayed out, and where the time went", frame, (), _TEXTS, _told),
    )


def _table(
    title: str,
    frame: Frame,
    numbers: Sequence[str],
    texts: Sequence[str],
    cells: Callable[[Standing], Sequence[str]],
) -> Table:
    """A table of figures and texts of each workspace."""
    table = titled_table(title)
    table.add_column("workspace", overflow="fold", min_width=8)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    for name in texts:
        table.add_column(name, overflow="fold")
    for one in frame.workspaces:
        shown = (one.workspace_id, *cells(one))
        table.add_row(*(Text(in_one_line(cell)) for cell in shown))
    return table


def _asked(one: Standing) -> Sequence[str]:
    return (
        f"{sum(one.memories.values()):,}",
        f"{one.recalls_per_minute:.1f}",
        "" if one.utilisation is None else f"{one.utilisation:.0%}",
        *("" if ms is None else f"{ms:.1f}" for ms in (one.p50_ms, one.p95_ms)),
        ", ".join(f"{count:,} {state.value}" for state, count in one.jobs.items()),
    )


def _tokens(one: Standing) -> Sequence[str]:
    by_tier = (one.tokens.get(tier, 0) for tier in MemoryTier)
    return tuple(f"{count:,}" for count in (*by_tier, one.stable_tokens, one.saved_tokens))


def _told(one: Standing) -> Sequence[str]:
    reasons = list(one.omitted.items())[:_MOST_REASONS]
    return (
        ", ".join(f"{count:,} {reason}" for reason, count in reasons),
        ", ".join(f"{name} {ms:.1f}" for name, ms in one.phases.items()),
    )
