"""`mba explain`: what came in, what stayed out, and why one item did."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from mba_integrations.commands.arguments import options
from mba_integrations.commands.arguments.inputs import Inputs
from mba_integrations.commands.arguments.request import Request, gathered
from mba_integrations.commands.arguments.workspaces import chosen_workspace, with_overrides
from mba_integrations.commands.printing.output import note_all, results
from mba_integrations.commands.printing.tables import (
    candidate_table,
    complexity_line,
    omitted_table,
    selected_table,
    summary,
    tier_table,
)
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.commands.why import Why, why
from mba_integrations.core.config.settings import LoggingSettings
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import Omitted

HELP = """Show what came into the prompt, what stayed out, and why.

Takes the same inputs as mba allocate. With --why, one item: its signals, its rank in its tier,
what it competed with, and the budget that would change the outcome.

Examples:

\b
  mba explain --memories notes.jsonl --query "Where does Kate live?" --budget 40
  mba explain -m notes.jsonl -q "Where does Kate live?" --budget 40 --why kate-ski
"""


def explain(
    *,
    query: options.Query = None,
    memories: options.Memories = None,
    messages: options.Messages = None,
    folder: options.Folders = None,
    pin_last: options.PinLast = True,
    workspace: options.Workspace = None,
    budget: options.Budget = None,
    model: options.Model = None,
    config: options.ConfigFile = None,
    prompt_format: options.Format = None,
    now: options.Now = None,
    local: options.Local = False,
    rows: Annotated[
        int, typer.Option("--rows", min=0, help="At most so many rows for each list; 0 for all.")
    ] = 20,
    item_ids: Annotated[
        list[str] | None,
        typer.Option("--why", metavar="ID", help="Explain this item. Repeatable."),
    ] = None,
) -> None:
    """Show what came into the prompt, what stayed out, and why."""
    settings = with_overrides(
        chosen_workspace(config, workspace), model=model, prompt_format=prompt_format
    )
    unlogged = settings.model_copy(update={"logging": LoggingSettings(enabled=False)})
    inputs = Inputs(memories=memories, messages=messages, folders=folder, pin_last_user=pin_last)
    request = gathered(
        inputs,
        query=query,
        config=unlogged,
        budget_tokens=budget,
        now=now,
        local=local,
    )
    note_all(request.notes)
    allocation = request.allocate()
    note_all(allocation.notes)
    console = results()
    if item_ids:
        for item_id in item_ids:
            _print_why(console, request, allocation, item_id)
    else:
        _print_tables(console, allocation, rows or None)


def _print_tables(console: Console, allocation: Allocation, max_rows: int | None) -> None:
    console.print(Text(summary(allocation)))
    console.print(complexity_line(allocation.complexity_estimate))
    gap = f"value {allocation.value:.3f}, at most {allocation.gap:.2%} below the optimum"
    console.print(Text(gap))
    console.print(tier_table(allocation, width=console.width))
    console.print(selected_table(allocation, max_rows=max_rows, width=console.width))
    console.print(omitted_table(allocation, max_rows=max_rows, width=console.width))


def _print_why(console: Console, request: Request, allocation: Allocation, item_id: str) -> None:
    reasons = why(item_id, allocation, request.allocate)
    console.print(Text(in_one_line(_outcome(reasons)), style="bold"))
    console.print(candidate_table("Its signals", [reasons.decision], width=console.width))
    console.print(Text(_standing(reasons)))
    console.print(Text(_budget(reasons, allocation.budget_tokens)))
    if reasons.rivals:
        title = _rivals_title(reasons)
        console.print(candidate_table(title, reasons.rivals, width=console.width))
    else:
        console.print(Text("Nothing competed with it."))


def _outcome(reasons: Why) -> str:
    decision = reasons.decision
    if isinstance(decision, Omitted):
        return f"{decision.id!r} is left out ({decision.reason.value}): {decision.detail}."
    because = "it is pinned" if decision.pinned else "it is worth its tokens"
    return f"{decision.id!r} is in the prompt: {because}."


def _standing(reasons: Why) -> str:
    return (
        f"Rank {reasons.rank:,} of {reasons.tier_count:,} in tier {reasons.decision.tier.value} "
        f"by score, {reasons.density_rank:,} by score per token."
    )


def _budget(reasons: Why, budget_tokens: int) -> str:
    least = reasons.deciding_budget_tokens
    if least is None:
        return "No larger budget brings it in."
    verb = "would bring it in" if isinstance(reasons.decision, Omitted) else "is enough for it"
    below = f" ({least - 1:,} is not)" if least > 1 else ""
    return f"A budget of {least:,} tokens {verb}{below}; this one has {budget_tokens:,}."


def _rivals_title(reasons: Why) -> str:
    same = all(rival.tier is reasons.decision.tier for rival in reasons.rivals)
    where = " from its tier" if same else ""
    if isinstance(reasons.decision, Omitted):
        return f"In the prompt{where}, the weakest first"
    return f"Left out{where}, the strongest first"
