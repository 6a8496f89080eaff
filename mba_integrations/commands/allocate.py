"""`mba allocate`: memories and a query in, a prompt out."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from mba_integrations.commands.arguments import options
from mba_integrations.commands.arguments.inputs import Inputs
from mba_integrations.commands.arguments.request import gathered
from mba_integrations.commands.arguments.workspaces import chosen_workspace, with_overrides
from mba_integrations.commands.printing.output import (
    note_all,
    remark,
    remarks,
    write_json,
    write_text,
)
from mba_integrations.commands.printing.tables import (
    complexity_line,
    omitted_table,
    selected_table,
    summary,
    tier_table,
)
from mba_integrations.core.config.settings import PromptFormat
from mba_integrations.core.result.allocation import Allocation

HELP = """Choose memories for a query and print the prompt.

The prompt goes to standard output and nothing else, so it can be piped; a summary goes to
standard error.

Examples:

\b
  mba allocate --memories notes.jsonl --query "Where does Kate live?"
  mba allocate --messages chat.json --budget 500
  mba allocate --folder docs -q "How do I install it?" --workspace research --json
  mba allocate -m notes.jsonl -q "Where does Kate live?" --texts
  cat notes.jsonl | mba allocate -m - -q "Where does Kate live?" --format xml
"""
_SHOWN_ROWS = 20


def allocate(
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
    log: options.LogFile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole allocation as JSON instead.")
    ] = False,
    texts: Annotated[
        bool, typer.Option("--texts", help="Print JSON with the text of every item as well.")
    ] = False,
    explain: options.Explain = False,
) -> None:
    """Choose memories for a query and print the prompt."""
    settings = with_overrides(
        chosen_workspace(config, workspace), model=model, prompt_format=prompt_format, log_file=log
    )
    inputs = Inputs(memories=memories, messages=messages, folders=folder, pin_last_user=pin_last)
    request = gathered(
        inputs,
        query=query,
        config=settings,
        budget_tokens=budget,
        now=now,
        local=local,
    )
    note_all(request.notes)
    allocation = request.allocate()
    if explain:
        _explain(allocation)
    note_all(allocation.notes)
    remark("done", summary(allocation))
    _print(allocation, as_json=as_json or texts, texts=texts)


def _print(allocation: Allocation, *, as_json: bool, texts: bool) -> None:
    if as_json:
        write_json(_with_texts(allocation) if texts else allocation.to_dict())
    elif allocation.prompt_format is PromptFormat.MESSAGES:
        write_json(allocation.to_messages())
    else:
        write_text(allocation.prompt_text)


def _with_texts(allocation: Allocation) -> dict[str, Any]:
    """The allocation with the text of every item, as `content` beside its id."""
    written = allocation.to_dict()
    for name, decisions in (("selected", allocation.selected), ("omitted", allocation.omitted)):
        written[name] = [
            {**entry, "content": decision.content}
            for entry, decision in zip(written[name], decisions, strict=True)
        ]
    return written


def _explain(allocation: Allocation) -> None:
    console = remarks()
    console.print(complexity_line(allocation.complexity_estimate))
    console.print(tier_table(allocation, width=console.width))
    console.print(selected_table(allocation, max_rows=_SHOWN_ROWS, width=console.width))
    console.print(omitted_table(allocation, max_rows=_SHOWN_ROWS, width=console.width))
