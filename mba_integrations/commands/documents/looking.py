"""`mba documents list`, `show` and `retrieve`: which there are, what is in one, what answers."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.options import Budget, Explain
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.documents.opening import documents_at
from mba_integrations.commands.documents.printing import (
    details,
    document_table,
    remark_citations,
)
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, results, write_text
from mba_integrations.commands.printing.recalls import explain_recall, write_recall
from mba_integrations.commands.printing.visible import in_one_line

LIST_HELP = """List documents, by their ids.

Examples:

\b
  mba documents list
  mba documents list --limit 100 --json
"""
RETRIEVE_HELP = """Choose passages of documents for a question and print the prompt.

The prompt goes to standard output and nothing else; where its passages stand goes to standard
error, or into the JSON.

Examples:

\b
  mba documents retrieve "How do I install it?"
  mba documents retrieve "How do I install it?" --budget 200 --with-memories --explain
  mba documents retrieve "How do I install it?" --session chat-7 --json
"""

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of a document.")]


@somewhere
def list_documents(
    *,
    origin: Annotated[
        str | None, typer.Option("--origin", metavar="NAME", help="Only those of this folder.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="How many.")] = 20,
    after: Annotated[
        str | None, typer.Option("--after", metavar="ID", help="Go on behind this id.")
    ] = None,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """List documents."""
    with documents_at(where, workspace) as documents:
        page = documents.list(workspace, origin=origin, after=after, limit=limit)
    if as_json:
        write_result({"documents": page.documents, "after": page.next_after})
    elif page.documents:
        results().print(document_table(f"Documents of {workspace}", page.documents))
        if page.next_after is not None:
            remark("note", in_one_line(f"there are more: --after {page.next_after}"))
    else:
        remark("note", "there are no documents")


@somewhere
def show(
    document_id: Id,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show one document with its pieces."""
    with documents_at(where, workspace) as documents:
        row = documents.get(workspace, document_id)
        pieces = documents.pieces(workspace, document_id)
    if as_json:
        told = [{"id": p.memory_id, "content": p.content, "metadata": p.metadata} for p in pieces]
        write_result({"document": row, "pieces": told})
        return
    console = results()
    for name, value in details(row):
        console.print(Text(f"{name:<16}  {in_one_line(value)}"), soft_wrap=True)
    for piece in pieces:
        write_text(f"\n{piece.content}\n")


@somewhere
def retrieve(
    query: Annotated[str, typer.Argument(metavar="QUESTION", help="What is asked.")],
    *,
    budget: Budget = None,
    with_memories: Annotated[
        bool, typer.Option("--with-memories", help="Memories share the budget.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--document", metavar="ID", help="Only this document. Repeatable."),
    ] = None,
    session: options.Session = None,
    explain: Explain = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    local: options.Local = False,
    pool_memories: options.PoolMemories = None,
    as_json: options.AsJson = False,
) -> None:
    """Choose passages of documents for a question and print the prompt."""
    with documents_at(where, workspace, local=local, pool_memories=pool_memories) as documents:
        reply = documents.retrieve(
            workspace,
            query,
            budget_tokens=budget,
            session_id=session,
            with_memories=with_memories,
            document_ids=only or None,
        )
    remark_citations(() if as_json else reply.citations)
    explain_recall(reply, with_tables=explain)
    write_recall(reply, as_json=as_json)
