"""Where the memories are: `--db`, or `--url` with `--key`, as one argument of a command.

@somewhere
def get(memory_id: Id, *, where: Where, as_json: AsJson = False) -> None: ...

mba memories get ID --db notes.db       Where(database="notes.db")
mba memories get ID --url http://...    Where(url="http://...", key=...)
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, get_type_hints

import typer

from mba_integrations.commands.arguments.memory_options import Database

Url = Annotated[
    str | None,
    typer.Option("--url", envvar="MBA_URL", metavar="URL", help="A server, instead of a file."),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        envvar="MBA_KEY",
        metavar="KEY",
        help="Its key; better in the environment, where no list of processes shows it.",
    ),
]
_OPTIONS: dict[str, Any] = {"database": Database, "url": Url, "key": Key}


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Where the memories are.

    Attributes:
        database: Path or URL of a database; None for the user's own.
        url: A server in its place.
        key: The server's key.
    """

    database: str | None = None
    url: str | None = None
    key: str | None = field(default=None, repr=False)


def somewhere(command: Callable[..., None]) -> Callable[..., None]:
    """A command that has the three options in the place of its argument `where`."""

    @functools.wraps(command)
    def run(context: typer.Context, **given: Any) -> None:
        named = {name: given.pop(name) for name in _OPTIONS}
        command(**given, where=_chosen(context, **named))

    hints = get_type_hints(command, include_extras=True)
    own = inspect.signature(command).parameters.values()
    kept = [one.replace(annotation=hints[one.name]) for one in own if one.name != "where"]
    keyword = inspect.Parameter.KEYWORD_ONLY
    before = inspect.Parameter("context", keyword, annotation=typer.Context)
    options = [
        inspect.Parameter(name, keyword, default=None, annotation=kind)
        for name, kind in _OPTIONS.items()
    ]
    parameters = [*(one for one in kept if one.kind is not keyword), before, *options]
    parameters += [one for one in kept if one.kind is keyword]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    return run


def _chosen(
    context: typer.Context, database: str | None, url: str | None, key: str | None
) -> Where:
    """What was typed comes before what stands in the environment.

    Raises:
        typer.BadParameter: If a database and a server were typed.
    """
    typed = {name for name in ("database", "url") if _was_typed(context, name)}
    if len(typed) == 2:
        raise typer.BadParameter("give --db or --url, not both")
    if typed == {"database"} or not url:
        return Where(database=database)
    return Where(url=url, key=key or None)


def _was_typed(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
