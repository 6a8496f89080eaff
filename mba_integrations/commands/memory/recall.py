"""`mba recall`: the memories that answer a question, as a prompt within a budget."""

from __future__ import annotations

from typing import Annotated

import typer

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.options import Budget, Explain
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.recalls import explain_recall, write_recall

HELP = """Choose memories for a question and print the prompt.

The prompt goes to standard output and nothing else; a summary goes to standard error.

Examples:

\b
  mba recall "Where does Kate live?"
  mba recall "Where does Kate live?" --budget 200 --tier long_term --explain
  mba recall "What did we agree on?" --session chat-7 --json
"""


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
    explain: Explain = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    local: options.Local = False,
    pool_memories: options.PoolMemories = None,
    as_json: options.AsJson = False,
) -> None:
    """Choose memories for a question and print the prompt."""
    filters = options.wanted(tiers=tiers, subject=subject, source=source, tags=tags)
    with opened_at(where, workspace, local=local, pool_memories=pool_memories) as service:
        reply = service.recall(
            workspace,
            query,
            budget_tokens=budget,
            session_id=session,
            filters=filters,
            as_of=as_of,
        )
    explain_recall(reply, with_tables=explain)
    write_recall(reply, as_json=as_json)
