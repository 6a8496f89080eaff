"""`mba remember`: texts into the memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import note_all, remark, write_line
from mba_integrations.commands.printing.progress import progress_of
from mba_integrations.commands.printing.visible import one_line
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.ingest.reading import STANDARD_INPUT
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.remembering.results import RememberResult

if TYPE_CHECKING:
    from mba_integrations.services import NewMemory

HELP = """Keep a memory: a fact, a note, a decision.

The first one makes the database and the workspace; nothing has to be set up. A text that is there
already is not kept twice.

Examples:

\b
  mba remember "Kate moved to Lisbon in March."
  mba remember "The API key rotates on Mondays." --tier project --tag ops
  git log -1 --format=%B | mba remember -
  mba remember --lines - < facts.txt
"""
_AT_ONCE = 1_000
_BYTES_AT_ONCE = 2 * 1024 * 1024
"""Of texts: a server takes 16 MiB of JSON, which writes a control character with six bytes."""
_SHOWN = 20


@somewhere
def remember(
    texts: Annotated[
        list[str], typer.Argument(metavar="TEXT...", help="The texts; - reads standard input.")
    ],
    *,
    tier: options.Tier = MemoryTier.LONG_TERM,
    subject: options.Subject = None,
    source: options.Source = None,
    session: options.Session = None,
    tags: options.Tags = None,
    importance: Annotated[
        float, typer.Option("--importance", min=0.0, max=1.0, help="How much it matters.")
    ] = 0.5,
    pin: Annotated[bool, typer.Option("--pin", help="Have it in every prompt.")] = False,
    expires: options.Expires = None,
    lines: Annotated[
        bool, typer.Option("--lines", help="Each line of standard input is a memory of its own.")
    ] = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    local: options.Local = False,
    as_json: options.AsJson = False,
) -> None:
    """Keep memories."""
    from mba_integrations.services import NewMemory

    now = datetime.now(UTC)
    memories = [
        NewMemory(
            item=MemoryItem(
                new_id(now),
                text,
                tier or MemoryTier.LONG_TERM,
                importance=importance,
                source=source,
                pinned=pin,
            ),
            subject=subject,
            expires_at=expires,
            tags=tuple(tags or ()),
            session_id=session,
            client="mba",
        )
        for text in _texts(texts, lines=lines)
    ]
    with opened_at(where, workspace, local=local, create=True) as service:
        replies = []
        with progress_of("Remembering") as progress:
            for part in _parts(memories):
                replies.append(service.remember(workspace, part))
                progress(sum(len(reply.results) for reply in replies), len(memories))
        service.jobs.run()
    note_all(note for reply in replies for note in reply.notes)
    results = [one for reply in replies for one in reply.results]
    if as_json:
        written = [one.to_dict() for one in results]
        write_result({"results": written, "change_seq": replies[-1].change_seq})
    else:
        _print(results, [memory.item.content for memory in memories])


def _parts(memories: Sequence[NewMemory]) -> Iterator[list[NewMemory]]:
    """As many memories as are kept at once, one by one where they are large."""
    part: list[NewMemory] = []
    size = 0
    for memory in memories:
        more = len(memory.item.content.encode("utf-8", "surrogatepass"))
        if part and (len(part) == _AT_ONCE or size + more > _BYTES_AT_ONCE):
            yield part
            part, size = [], 0
        part.append(memory)
        size += more
    yield part


def _print(results: Sequence[RememberResult], texts: Sequence[str]) -> None:
    for one, text in zip(results[:_SHOWN], texts, strict=False):
        word = "remembered" if one.created else "known"
        write_line(f"{word:<10}  {one.memory_id}  {one_line(text, max_chars=80)}")
    created = sum(one.created for one in results)
    if len(results) > 1:
        remark("done", f"{created:,} remembered, {len(results) - created:,} known before")


def _texts(given: Sequence[str], *, lines: bool) -> list[str]:
    """The texts, standard input read in the place of `-`.

    Raises:
        InputError: If there is no text.
    """
    if lines and STANDARD_INPUT not in given:
        raise typer.BadParameter("--lines is about standard input: give - as the text")
    found = [text for one in given for text in _read(one, lines=lines)]
    if not found:
        raise InputError("standard input is empty: there is nothing to remember.")
    return found


def _read(text: str, *, lines: bool) -> Iterator[str]:
    if text != STANDARD_INPUT:
        yield text
        return
    read = sys.stdin.read()
    for part in read.splitlines() if lines else [read.strip()]:
        if part.strip():
            yield part
