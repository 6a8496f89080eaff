"""Options of the commands on memories that stay."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from mba_integrations.commands.arguments.options import iso_time
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryState

DEFAULT_WORKSPACE = "default"


def _utc_time(value: str) -> datetime:
    time = iso_time(value)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


Database = Annotated[
    str | None,
    typer.Option(
        "--db",
        envvar="MBA_DB",
        metavar="PATH|URL",
        help="A SQLite file, or postgresql://... Default: memory.db in your data folder.",
    ),
]
Workspace = Annotated[
    str,
    typer.Option("--workspace", "-w", envvar="MBA_WORKSPACE", metavar="ID", help="Whose memories."),
]
Local = Annotated[
    bool,
    typer.Option(
        "--local",
        envvar="MBA_LOCAL",
        help="Compare meanings too, with an embedder that needs no network (extra 'local').",
    ),
]
PoolMemories = Annotated[
    int | None,
    typer.Option(
        "--pool-memories",
        envvar="MBA_POOL_MEMORIES",
        min=1,
        metavar="NUMBER",
        help="Of a larger workspace Postgres finds candidates first. Default: 1,000,000.",
    ),
]
Extractor = Annotated[
    str | None,
    typer.Option(
        "--extractor",
        metavar="MODULE:FUNCTION",
        help="From chat messages to a list of texts that are worth remembering, by a job.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Tier = Annotated[MemoryTier | None, typer.Option("--tier", "-t", help="Which tier.")]
Tiers = Annotated[
    list[MemoryTier] | None, typer.Option("--tier", "-t", help="Only this tier. Repeatable.")
]
Subject = Annotated[
    str | None, typer.Option("--subject", metavar="NAME", help="The person it is about.")
]
Source = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="What it was said or written in.")
]
Session = Annotated[
    str | None, typer.Option("--session", metavar="ID", help="The conversation that it is part of.")
]
Tags = Annotated[
    list[str] | None, typer.Option("--tag", metavar="WORD", help="A word to filter by. Repeatable.")
]
Contains = Annotated[
    str | None,
    typer.Option("--contains", metavar="TEXT", help="Only texts that hold this."),
]
Expires = Annotated[
    datetime | None,
    typer.Option(
        "--expires",
        parser=_utc_time,
        metavar="TIME",
        help="From when it is not recalled any more; ISO 8601, in UTC where it names no zone.",
    ),
]
AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        parser=_utc_time,
        metavar="TIME",
        help="What a recall at that time would have seen; ISO 8601, in UTC where it names no zone.",
    ),
]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="TEXT", help="Why, for the history.")
]
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of memories.")]


def ask(would: str, question: str, *, yes: bool) -> None:
    """Ask whether something is to be done that cannot be undone.

    Raises:
        InputError: With *would*, if nobody is there to answer.
        typer.Abort: If the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError(f"{would} Say so with --yes.")
    typer.confirm(question, abort=True, err=True)


def wanted(
    *,
    tiers: list[MemoryTier] | None = None,
    subject: str | None = None,
    source: str | None = None,
    tags: list[str] | None = None,
    contains: str | None = None,
    states: list[MemoryState] | None = None,
) -> MemoryFilter | None:
    """The memories that the options name; None where they name all."""
    found = MemoryFilter(
        tiers=frozenset(tiers) if tiers else None,
        subjects=None if subject is None else frozenset({subject}),
        sources=None if source is None else frozenset({source}),
        tags=frozenset(tags or ()),
        contains=contains,
        states=frozenset(states) if states else MemoryFilter().states,
    )
    return None if found == MemoryFilter() else found
