"""`mba feedback`: what the answer to a past recall used, or what you think of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import note_all, remark, write_line
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.core.errors import InputError
from mba_integrations.ingest.reading import decoded, name_of, read_bytes
from mba_integrations.services.memory.feedback.judging import Thumb
from mba_integrations.services.store.rows.allocations import FeedbackRow

HELP = """Say what the answer to a past recall used, or what you think of it.

`mba recall --json` names the recall: allocation_id. Without an option it shows what was said. An
answer is read to see which memories it used, and is not kept.

Examples:

\b
  mba feedback 0199b3c4-0000-7000-8000-000000000000 --up
  mba feedback 0199b3c4-0000-7000-8000-000000000000 --useful ID --useless ID
  mba feedback 0199b3c4-0000-7000-8000-000000000000 --query "Where does Kate live?" --answer -
  mba feedback 0199b3c4-0000-7000-8000-000000000000
"""
_WORDS = {True: "useful", False: "useless", None: "unknown"}
_Ids = list[str] | None


@somewhere
def feedback(
    allocation_id: Annotated[str, typer.Argument(metavar="ALLOCATION", help="Which recall.")],
    *,
    cited: Annotated[
        _Ids, typer.Option("--cited", metavar="ID", help="The answer names it. Repeatable.")
    ] = None,
    answer: Annotated[
        str | None,
        typer.Option("--answer", metavar="FILE", help="The answer as text; - is standard input."),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option("--query", metavar="TEXT", help="What was asked, where it was not logged."),
    ] = None,
    useful: Annotated[
        _Ids, typer.Option("--useful", metavar="ID", help="You found it of use. Repeatable.")
    ] = None,
    useless: Annotated[
        _Ids, typer.Option("--useless", metavar="ID", help="You found it of no use. Repeatable.")
    ] = None,
    thumb: Annotated[
        bool | None, typer.Option("--up/--down", help="What you think of the whole prompt.")
    ] = None,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Say what an answer used, or show what was said."""
    given: dict[str, Any] = {
        "cited": cited or None,
        "answer": None if answer is None else decoded(read_bytes(answer), name_of(answer)),
        "query": query,
        "thumb": None if thumb is None else Thumb.UP if thumb else Thumb.DOWN,
        "thumbs": _thumbs(useful or (), useless or ()) or None,
    }
    with opened_at(where, workspace) as service:
        if any(value is not None for value in given.values()):
            reply = service.feedback(workspace, allocation_id, **given)
            note_all(reply.notes)
            for one in reply.not_in_prompt:
                remark("note", f"{in_one_line(one)} was not in the prompt")
            rows = reply.rows
        else:
            rows = service.allocations.feedback(workspace, allocation_id)
    _write(rows, as_json=as_json)


def _thumbs(useful: Sequence[str], useless: Sequence[str]) -> dict[str, Thumb]:
    both = set(useful) & set(useless)
    if both:
        raise InputError(f"memory {min(both)!r} is named by --useful and by --useless.")
    return {**dict.fromkeys(useful, Thumb.UP), **dict.fromkeys(useless, Thumb.DOWN)}


def _write(rows: tuple[FeedbackRow, ...], *, as_json: bool) -> None:
    if as_json:
        write_result({"feedback": rows})
        return
    for row in rows:
        memory = "the whole prompt" if row.memory_id is None else in_one_line(row.memory_id)
        write_line(f"{row.origin.value:<8}{_WORDS[row.useful]:<8}  {row.weight:.2f}  {memory}")
    if not rows:
        remark("note", "nothing was said of it")
