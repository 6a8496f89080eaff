"""The command `mba`: its subcommands, and how errors become lines and exit codes.

Exit codes: 0 done, also where the reader of a pipe had enough; 1 a problem in input, settings or
budget; 2 wrong usage; 3 a database or a server that does not answer, or a file that is held by a
process which does not; 130 interrupted.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mba_integrations.commands import (
    allocate,
    config,
    demo,
    evaluate,
    explain,
    feedback,
    replay,
    stats,
    tune,
)
from mba_integrations.commands.agents import mcp
from mba_integrations.commands.documents import application as documents
from mba_integrations.commands.memory import (
    doctor,
    embeddings,
    forget,
    jobs,
    lifecycle,
    memories,
    recall,
    remember,
    retention,
    stored_file,
    transfer,
    workspaces,
)
from mba_integrations.commands.printing.output import remark, write_text
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.commands.serving import budgets, keys, routes, serve, top
from mba_integrations.core.errors import ConfigFileError, MemoryBudgetError
from mba_integrations.services.client.errors import ServerError
from mba_integrations.services.store.errors import (
    StoreBusyError,
    StoreInUseError,
    StoreUnreachableError,
)

_UNREACHABLE_EXIT_CODE = 3
_UNREACHABLE = (StoreUnreachableError, StoreInUseError, StoreBusyError)
"""The same command may work later, or where the database answers."""
_LATER = (429, 503)
"""Statuses by which a server says the same."""


class ErrorLines(TyperGroup):
    """Turns what goes wrong on purpose into one line on standard error and exit code 1."""

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Run the command line; help and version may meet a closed pipe as well."""
        try:
            return super().main(*arguments, **settings)
        except BrokenPipeError:
            _discard_output()
            raise SystemExit(0) from None
        except SystemExit as error:
            if isinstance(error.__context__, BrokenPipeError):
                _discard_output()
                raise SystemExit(0) from None
            raise

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        """Read the options before the subcommand."""
        with _visible_usage():
            return super().make_context(*arguments, **settings)

    def invoke(self, ctx: Any) -> Any:
        """Run the subcommand."""
        try:
            with _visible_usage():
                return super().invoke(ctx)
        except BrokenPipeError:
            _discard_output()
            raise typer.Exit(0) from None
        except MemoryBudgetError as error:
            remark("error", _line(error))
            raise typer.Exit(_exit_code(error)) from None
        except OSError as error:
            remark("error", f"{error.filename or 'system'}: {error.strerror or error}.")
            raise typer.Exit(1) from None


app = typer.Typer(
    name="mba",
    cls=ErrorLines,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("allocate", help=allocate.HELP)(allocate.allocate)
app.command("explain", help=explain.HELP)(explain.explain)
app.command("demo", help=demo.HELP)(demo.demo)
app.command("stats", help=stats.STATS_HELP)(stats.stats)
app.add_typer(config.app, name="config")
app.add_typer(stats.log_app, name="log")
app.command("remember", help=remember.HELP)(remember.remember)
app.command("recall", help=recall.HELP)(recall.recall)
app.command("forget", help=forget.HELP)(forget.forget)
app.command("feedback", help=feedback.HELP)(feedback.feedback)
app.command("evaluate", help=evaluate.HELP)(evaluate.evaluate)
app.command("replay", help=replay.HELP)(replay.replay)
app.add_typer(tune.app, name="tune")
app.add_typer(memories.app, name="memories")
app.add_typer(documents.app, name="documents")
app.add_typer(workspaces.app, name="workspaces")
app.add_typer(jobs.app, name="jobs")
app.add_typer(retention.app, name="retention")
app.add_typer(lifecycle.app, name="lifecycle")
app.command("export", help=transfer.EXPORT_HELP)(transfer.export)
app.command("import", help=transfer.IMPORT_HELP)(transfer.import_)
app.add_typer(stored_file.backup_app, name="backup")
app.add_typer(stored_file.database_app, name="db")
app.add_typer(embeddings.app, name="embeddings")
app.command("doctor", help=doctor.HELP)(doctor.doctor)
app.command("serve", help=serve.HELP)(serve.serve)
app.add_typer(keys.app, name="keys")
app.add_typer(budgets.app, name="budgets")
app.add_typer(routes.app, name="routes")
app.command("top", help=top.HELP)(top.top)
app.add_typer(mcp.app, name="mcp")
app.command(
    "hook",
    help=mcp.HOOK_HELP,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(mcp.hook)


def _show_version(wanted: bool) -> None:
    if wanted:
        try:
            installed = version("mba-integrations")
        except PackageNotFoundError:
            installed = "from a folder, not installed"
        write_text(f"mba {installed}\n")
        raise typer.Exit


@app.callback()
def mba(
    show_version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Decide which memories enter a prompt: never over the token budget, and explained."""


def run(arguments: Sequence[str]) -> None:
    """Run the command line and leave the process with its exit code."""
    app(args=list(arguments), prog_name="mba")


def _exit_code(error: MemoryBudgetError) -> int:
    if isinstance(error, ServerError):
        unreachable = error.kind is None or error.status in _LATER
    else:
        unreachable = isinstance(error, _UNREACHABLE)
    return _UNREACHABLE_EXIT_CODE if unreachable else 1


def _line(error: MemoryBudgetError) -> str:
    if isinstance(error, ConfigFileError) and len(error.problems) > 1:
        more = len(error.problems) - 1
        return f"{error.problems[0]} And {more:,} more; mba config validate shows all."
    return str(error)


@contextlib.contextmanager
def _visible_usage() -> Iterator[None]:
    """Make messages about wrong usage safe to print: they repeat what was typed, or globbed."""
    try:
        yield
    except Exception as error:
        # Typer carries a copy of click, and the class of these errors is private to it.
        if isinstance(getattr(error, "message", None), str) and hasattr(error, "format_message"):
            vars(error)["message"] = in_one_line(error.message)  # type: ignore[attr-defined]
        raise


def _discard_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter's exit stays quiet."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
            continue
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
