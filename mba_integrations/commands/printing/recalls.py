"""A recall: the prompt to standard output, how it was chosen to standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

_SHOWN_ROWS = 20


def write_recall(reply: RecallReply | ToldRecall, *, as_json: bool) -> None:
    """Write the prompt, or the whole reply as JSON."""
    if as_json:
        write_result(reply.to_dict())
    elif reply.allocation.prompt_format is PromptFormat.MESSAGES:
        write_json(reply.messages())
    else:
        write_text(reply.prompt_text)


def explain_recall(reply: RecallReply | ToldRecall, *, with_tables: bool) -> None:
    """Say how the prompt came about; *with_tables*, also what came in and what stayed out."""
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
