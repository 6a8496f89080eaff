"""`mba budgets`: what calls through the gateway may spend, and how that stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, results
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.core.config.gateway_settings import (
    GatewaySettings,
    OnExceed,
    SpendBudget,
    SpendPeriod,
    SpendScope,
    SpendUnit,
)
from mba_integrations.core.errors import InputError

if TYPE_CHECKING:
    from mba_integrations.commands.memory.database import Opened
    from mba_integrations.services.contracts.gateway import BudgetView

HELP = "What calls through the gateway may spend: set budgets, show how they stand."
SET_HELP = """Set what may be spent in a time, in place of the budget of that kind; none removes it.

A budget in usd needs the price of each model: dollars for a million tokens in and out, and for what
the provider's cache reads and writes where that is another one.

Examples:

\b
  mba budgets set 5 --unit usd --price gpt-4o-mini=0.15,0.6,0.075 --time-zone Europe/Lisbon
  mba budgets set 200000 --unit tokens --scope session --rolling-seconds 3600 --on-exceed shrink
  mba budgets set none --unit usd --time-zone Europe/Lisbon
"""
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)
_RATES = ("input", "output", "cached_input", "cache_write")


@app.command("show", help="Show how budgets stand: what is used, reserved and left, until when.")
@somewhere
def show(
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show how budgets stand."""
    with opened_at(where, workspace) as service:
        _write(_views(service, workspace), as_json=as_json)


@app.command("set", help=SET_HELP)
@somewhere
def set_budget(
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="How much; none for no budget.")],
    *,
    unit: Annotated[SpendUnit, typer.Option("--unit", help="What is counted.")],
    period: Annotated[
        SpendPeriod, typer.Option("--period", help="How long it lasts.")
    ] = SpendPeriod.DAY,
    rolling_seconds: Annotated[
        int | None,
        typer.Option("--rolling-seconds", metavar="N", help="The last N seconds, as the period."),
    ] = None,
    scope: Annotated[
        SpendScope, typer.Option("--scope", help="What each has one of.")
    ] = SpendScope.WORKSPACE,
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="In which days begin.")
    ] = "UTC",
    on_exceed: Annotated[
        OnExceed, typer.Option("--on-exceed", help="What becomes of a call without room.")
    ] = OnExceed.BLOCK,
    prices: Annotated[
        list[str] | None,
        typer.Option(
            "--price", metavar="MODEL=IN,OUT[,READ[,WRITE]]", help="Of a model. Repeatable."
        ),
    ] = None,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Set what may be spent in a time."""
    is_rolling = rolling_seconds is not None
    given: dict[str, Any] = {
        "scope": scope,
        "unit": unit,
        "period": SpendPeriod.ROLLING if is_rolling else period,
        "rolling_seconds": rolling_seconds,
        "time_zone": time_zone,
        "on_exceed": on_exceed,
    }
    budget = SpendBudget(**given, amount=1 if amount == "none" else _number("AMOUNT", amount))
    with opened_at(where, workspace) as service:
        row = service.workspaces.row(workspace)
        now = service.workspaces.config(workspace).gateway
        changed = _with_budget(now, budget, removed=amount == "none")
        changed["prices"] = {**now.model_dump()["prices"], **_prices(prices or [])}
        service.workspaces.change(workspace, expected_version=row.settings_version, gateway=changed)
        if not as_json:
            remark("done", f"budgets of {workspace!r} are set")
        _write(_views(service, workspace), as_json=as_json)


def _with_budget(now: GatewaySettings, budget: SpendBudget, *, removed: bool) -> dict[str, Any]:
    alike = (budget.account, budget.on_exceed)
    others = [one for one in now.spend if (one.account, one.on_exceed) != alike]
    if removed and len(others) == len(now.spend):
        raise InputError(f"there is no budget {budget.account} that would be removed.")
    kept = others if removed else [*others, budget]
    return {"spend": [one.model_dump(mode="json") for one in kept]}


def _prices(given: list[str]) -> dict[str, dict[str, float]]:
    found = {}
    for one in given:
        model, _, rates = one.rpartition("=")
        numbers = rates.split(",")
        if not model or not 2 <= len(numbers) <= len(_RATES):
            raise InputError(f"--price must be MODEL=IN,OUT[,READ[,WRITE]], got {one!r}.")
        rates_of = (_number("--price", number) for number in numbers)
        found[model] = dict(zip(_RATES, rates_of, strict=False))
    return found


def _number(name: str, given: str) -> float:
    try:
        return float(given)
    except ValueError:
        raise InputError(f"{name} must be a number, got {given!r}.") from None


def _views(service: Opened, workspace: str) -> list[BudgetView]:
    from mba_integrations.services.contracts.gateway import BudgetView
    from mba_integrations.services.memory.service import MemoryService
    from mba_integrations.services.spending.budgets.standing import budget_states

    if isinstance(service, MemoryService):
        return [BudgetView.of(one) for one in budget_states(service, workspace)]
    return service.budgets.views(workspace)


def _write(views: list[BudgetView], *, as_json: bool) -> None:
    if as_json:
        write_result({"budgets": [one.model_dump(mode="json") for one in views]})
        return
    table = titled_table(f"Budgets: {len(views):,}")
    for name in ("of", "period", "amount", "used", "reserved", "left", "until", "if exceeded"):
        table.add_column(name, justify="right" if name in _AMOUNTS else "left")
    for one in views:
        table.add_row(*map(Text, _cells(one)))
    results().print(table)


_AMOUNTS = ("amount", "used", "reserved", "left")


def _cells(view: BudgetView) -> tuple[str, ...]:
    is_money = view.unit is SpendUnit.USD
    amounts = (getattr(view, name) for name in _AMOUNTS)
    shown = [f"${one:,.6g}" if is_money else f"{one:,.0f}" for one in amounts]
    whose = view.scope.value if view.subject is None else f"{view.scope.value} {view.subject}"
    rolling = view.rolling_seconds
    period = view.period.value if rolling is None else f"last {rolling:,} s"
    until = "" if view.ends_at is None else f"{view.ends_at:%Y-%m-%d %H:%M}Z"
    return (in_one_line(whose), period, *shown, until, view.on_exceed.value)
