"""`mba recall`: the memories that answer a question, as a prompt within a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.options import Budget
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import (
    note_all,
    remark,
    remarks,
    write_json,
    write_text,
)
from mba_integrations.commands.printing.tables import (
    omitted_table,
    selected_table,
    summary,
    tier_table,
)
from mba_integrations.core.config.settings import PromptFormat

if TYPE_CHECKING:
    from mba_integrations.commands.remote.recalled import ToldRecall
    from mba_integrations.services.memory.recalling.reply import RecallReply

HELP = """Choose memories for a question and print the prompt.

The prompt goes to standard output and nothing else; a summary goes to standard error.

Examples:

\b
  mba recall "Where does Kate live?"
  mba recall "Where does Kate live?" --budget 200 --tier long_term --explain
  mba recall "What did we agree on?" --session chat-7 --json
"""
_SHOWN_ROWS = 20


@somewhere
def recall(
    query: Annotated[str, typer.Argument(metavar="QUESTION", help="What is asked.")],
    *,
    budget: Budget = None,
    session: options.Session = None,
    tiers: options.Tiers = None,
    subject: options.Subject = None,
    source: options.Source = None,
    tags: options.Tags = None,
    as_of: options.AsOf = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Tables of the decision on standard error.")
    ] = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    local: options.Local = False,
    as_json: options.AsJson = False,
) -> None:
    """Choose memories for a question and print the prompt."""
    filters = options.wanted(tiers=tiers, subject=subject, source=source, tags=tags)
    with opened_at(where, workspace, local=local) as service:
        reply = service.recall(
            workspace,
            query,
            budget_tokens=budget,
            session_id=session,
            filters=filters,
            as_of=as_of,
        )
    _explain(reply, with_tables=explain)
    if as_json:
        write_result(reply.to_dict())
    elif reply.allocation.prompt_format is PromptFormat.MESSAGES:
        write_json(reply.messages())
    else:
        write_text(reply.prompt_text)


def _explain(reply: RecallReply | ToldRecall, *, with_tables: bool) -> None:
    allocation = reply.allocation
    if with_tables:
        console = remarks()
        console.print(tier_table(allocation, width=console.width))
        console.print(selected_table(allocation, max_rows=_SHOWN_ROWS, width=console.width))
        console.print(omitted_table(allocation, max_rows=_SHOWN_ROWS, width=console.width))
    note_all(reply.notes)
    apart = [f"{count:,} {name}" for name, count in reply.not_considered.to_dict().items() if count]
    if apart:
        remark("note", f"not considered: {', '.join(apart)}")
    if not reply.selected:
        remark("note", "nothing that is remembered is worth its tokens for this question")
    remark("done", summary(allocation))
