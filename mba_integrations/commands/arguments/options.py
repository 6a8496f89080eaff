"""Options that several commands share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from mba_integrations.core.config.settings import PromptFormat


def iso_time(value: str) -> datetime:
    """A time as ISO 8601 writes it.

    Raises:
        typer.BadParameter: If it is none.
    """
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise typer.BadParameter(f"{value!r} is not ISO 8601, such as 2026-03-01T12:00Z") from None


Query = Annotated[
    str | None,
    typer.Option(
        "--query",
        "-q",
        metavar="TEXT",
        help="What is asked. Default: the last user message of --messages.",
    ),
]
Memories = Annotated[
    list[str] | None,
    typer.Option(
        "--memories",
        "-m",
        metavar="FILE",
        help="JSON with the fields of MemoryItem, one object a line or an array; - reads standard "
        "input. Repeatable.",
    ),
]
Messages = Annotated[
    list[str] | None,
    typer.Option(
        "--messages",
        metavar="FILE",
        help="Chat messages in OpenAI's format as working memory: a JSON array, an object with "
        "'messages', or one message a line. System messages and "
        "the last user message are pinned. Repeatable.",
    ),
]
Folders = Annotated[
    list[Path] | None,
    typer.Option(
        "--folder",
        metavar="DIR",
        help="Files as documents: text, Markdown, code, PDF, Office, ... Repeatable.",
    ),
]
PinLast = Annotated[
    bool,
    typer.Option(
        "--pin-last/--no-pin-last",
        help="Whether the last user message of --messages must be in the prompt.",
    ),
]
Workspace = Annotated[
    str | None,
    typer.Option(
        "--workspace",
        "-w",
        metavar="ID",
        help="Whose settings apply. Default: 'default', or the only one of --config.",
    ),
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Tables of the decision on standard error.")
]
Budget = Annotated[
    int | None,
    typer.Option(
        "--budget",
        "--budget-tokens",
        "-b",
        min=1,
        metavar="TOKENS",
        help="Exact total, instead of the workspace's ceiling scaled by complexity.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="Whose tokenizer counts."),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="YAML file with workspaces. Default: the shipped one.",
    ),
]
Format = Annotated[
    PromptFormat | None,
    typer.Option(
        "--format",
        "-f",
        help="How the prompt is written; 'messages' prints a JSON array.",
    ),
]
Now = Annotated[
    datetime | None,
    typer.Option(
        "--now",
        parser=iso_time,
        metavar="TIME",
        help="ISO 8601 time that ages are counted from. Default: the present.",
    ),
]
Local = Annotated[
    bool,
    typer.Option(
        "--local",
        help="Compare meanings too, with an embedder that needs no network (extra 'local').",
    ),
]
LogFile = Annotated[
    Path | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="Append a record of the allocation to this JSON-lines log.",
    ),
]
