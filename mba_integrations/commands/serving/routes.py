"""`mba routes`: what the routes of the gateway are worth, and a threshold for a wanted share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, results
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.core.errors import InputError
from mba_integrations.core.result.explanation import percent
from mba_integrations.services.store.rows.gateway.usage import UsageBy

if TYPE_CHECKING:
    from mba_integrations.commands.memory.database import Opened
    from mba_integrations.services.contracts.gateway import (
        CalibrationView,
        GatewayUsageView,
        RoutesView,
        UsageView,
    )

HELP = (
    "Which model the gateway asks: what routes cost, and from where on the strong model is asked."
)
SHOW_HELP = """Show what calls used, and what routes cost beside two ways without a router.

These are the strong model alone, and a coin that sends as many calls to it as cost the same.

Examples:

\b
  mba routes show --window 7d
  mba routes show --by level --url http://127.0.0.1:8377
"""
CALIBRATE_HELP = """Find from how many points on queries go to the strong model, for a wanted share.

It rests on the queries in the log, whose texts are kept under logging.include_text, or on those of
a file, one on each line. Nothing changes without --apply, which sets gateway.strong_points.

Examples:

\b
  mba routes calibrate --share 0.3 --window 30d
  mba routes calibrate --share 0.3 --queries queries.txt --apply
"""
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)
Window = Annotated[
    str | None,
    typer.Option("--window", metavar="24h", help="How far to look back: m, h or d. Default: all."),
]


@app.command("show", help=SHOW_HELP)
@somewhere
def show(
    *,
    window: Window = None,
    by: Annotated[
        UsageBy, typer.Option("--by", help="What calls are told apart by.")
    ] = UsageBy.MODEL,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show what calls used and what routes cost."""
    hours = _hours(window)
    with opened_at(where, workspace) as service:
        found = _usage(service, workspace, window, hours, by)
    if as_json:
        write_result(found.model_dump(mode="json"))
    else:
        _write_usage(found, by)


@app.command("calibrate", help=CALIBRATE_HELP)
@somewhere
def calibrate_routes(
    *,
    share: Annotated[
        float, typer.Option("--share", metavar="0..1", help="Of queries for the strong model.")
    ],
    window: Window = None,
    queries: Annotated[
        Path | None, typer.Option("--queries", metavar="FILE", help="Queries, one on each line.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Set gateway.strong_points.")] = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Find the threshold for a wanted share."""
    hours = _hours(window)
    if not 0.0 <= share <= 1.0:
        raise InputError(f"--share must be in [0, 1], got {share:g}.")
    if window is not None and queries is not None:
        raise InputError("--window is for the log, and --queries names a file. Leave one out.")
    with opened_at(where, workspace) as service:
        version = service.workspaces.row(workspace).settings_version
        if queries is None:
            found = _of_log(service, workspace, share, window, hours)
        else:
            found = _of_file(service, workspace, share, queries)
        if apply:
            changed = {"strong_points": found.strong_points}
            service.workspaces.change(workspace, expected_version=version, gateway=changed)
    if as_json:
        write_result({"calibration": {**found.model_dump(mode="json"), "applied": apply}})
        return
    _write_calibration(found, share)
    state = "is set" if apply else "is not set; --apply does"
    remark("done" if apply else "note", f"gateway.strong_points of {workspace!r} {state}")


def _hours(window: str | None) -> float | None:
    from mba_integrations.services.contracts.statistics import WINDOW, hours_of

    if window is not None and not re.match(WINDOW, window):
        raise InputError(f"--window must be like 30m, 24h or 7d, got {window!r}.")
    return hours_of(window, None)


def _usage(
    service: Opened, workspace: str, window: str | None, hours: float | None, by: UsageBy
) -> GatewayUsageView:
    from mba_integrations.services.contracts.gateway import GatewayUsageView
    from mba_integrations.services.memory.service import MemoryService
    from mba_integrations.services.spending.usage.telling import gateway_usage

    if isinstance(service, MemoryService):
        return GatewayUsageView.of(gateway_usage(service, workspace, hours=hours, by=by))
    return service.routes.usage(workspace, window=window, by=by.value)


def _of_log(
    service: Opened, workspace: str, share: float, window: str | None, hours: float | None
) -> CalibrationView:
    from mba_integrations.services.contracts.gateway import CalibrationView
    from mba_integrations.services.memory.service import MemoryService
    from mba_integrations.services.spending.routing.logged import calibrate_on_log

    if isinstance(service, MemoryService):
        return CalibrationView.of(calibrate_on_log(service, workspace, share, hours=hours))
    return service.routes.calibration(workspace, share, window=window)


def _of_file(service: Opened, workspace: str, share: float, path: Path) -> CalibrationView:
    from mba_integrations.core.budget.complexity import estimate_complexity
    from mba_integrations.services.contracts.gateway import CalibrationView
    from mba_integrations.services.spending.routing.calibrating import calibrate

    config = service.workspaces.config(workspace)
    lines = [line for line in _text_of(path).splitlines() if line.strip()]
    if not lines:
        raise InputError(f"--queries must have a query on a line, {path} has none.")
    estimates = (estimate_complexity(one, settings=config.complexity) for one in lines)
    return CalibrationView.of(calibrate(estimates, share, gateway=config.gateway))


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"--queries must be a text in UTF-8, {path} is none.") from None


def _write_usage(found: GatewayUsageView, by: UsageBy) -> None:
    since = "" if found.since is None else f" since {found.since:%Y-%m-%d %H:%M}Z"
    table = titled_table(f"Calls: {found.usage.requests:,}{since}")
    table.add_column(by.value, overflow="fold")
    for name in ("calls", "routed", "shadowed", "in", "out", "cached", "saved", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for group in found.groups:
        table.add_row(*map(Text, (in_one_line(group.key), *_figures(group.usage))))
    table.add_row(*map(Text, ("all", *_figures(found.usage))))
    results().print(table)
    _write_routes(found.routes)


def _figures(usage: UsageView) -> tuple[str, ...]:
    counts = (
        *(usage.requests, usage.routed, usage.shadowed, usage.input_tokens),
        *(usage.output_tokens, usage.cached_tokens, usage.saved_tokens),
    )
    return (*(f"{one:,}" for one in counts), _dollars(usage.cost if usage.priced else None))


def _write_routes(routes: RoutesView) -> None:
    table = titled_table(f"Routes, by {routes.calls:,} calls whose prices are known")
    table.add_column("way")
    for name in ("cost", "to the strong model"):
        table.add_column(name, justify="right")
    for way, cost, part in (
        ("as it was", routes.cost, routes.strong_share),
        ("by the routes", routes.routed_cost, None),
        ("the strong model alone", routes.single_cost, 1.0 if routes.calls else None),
        ("a coin of the same cost", routes.routed_cost, routes.random_share),
    ):
        table.add_row(way, _dollars(cost), "" if part is None else percent(part))
    results().print(table)


def _dollars(amount: float | None) -> str:
    return "" if amount is None else f"${amount:,.6g}"


def _write_calibration(found: CalibrationView, wanted: float) -> None:
    from mba_integrations.services.spending.routing.calibrating import PAST

    never = found.strong_points >= PAST
    points = f"{found.strong_points:,g}" + (" (no query has so many)" if never else "")
    table = titled_table(f"Routes by {found.queries:,} queries")
    table.add_column("what")
    table.add_column("is", justify="right")
    for what, value in (
        ("wanted for the strong model", percent(wanted)),
        ("expected there", percent(found.share)),
        ("of them with no known level", percent(found.unknown_share)),
        ("gateway.strong_points", points),
    ):
        table.add_row(what, value)
    results().print(table)
