"""`mba config`: check a settings file, show workspaces, write a file to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from mba_integrations.commands.arguments import options
from mba_integrations.commands.arguments.workspaces import chosen_workspace, workspaces
from mba_integrations.commands.printing.output import remark, results, write_line, write_text
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.core.config.loader import MemoryBudgetConfigLoader
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import ConfigError, ConfigFileError, InputError
from mba_integrations.core.model import MemoryTier

HELP = "Check, show or write settings of workspaces."
VALIDATE_HELP = """Check a settings file; prints every problem with its line.

Examples:

\b
  mba config validate workspaces.yaml
"""
SHOW_HELP = """Show all workspaces as a table, or one as YAML with every setting.

Examples:

\b
  mba config show
  mba config show research
  mba config show notes --config workspaces.yaml
"""
INIT_HELP = """Write the shipped settings to a file, to be changed.

Examples:

\b
  mba config init
  mba config init settings/memory-budget.yaml --force
"""
_DEFAULT_NAME = Path("memory-budget.yaml")
_WIDTH_OF_FIGURES = 76
_LONGEST_WHOLE_NAME = 24
"""A console that has no room for the figures beside a name of this length shows name, tokens and
scoring; `mba config show ID` has the rest."""

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)


@app.command("validate", help=VALIDATE_HELP)
def validate(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Check a settings file."""
    try:
        known = workspaces(file)
    except ConfigFileError as error:
        for problem in error.problems:
            write_line(problem)
        count = len(error.problems)
        remark("error", f"{file}: {'1 problem' if count == 1 else f'{count:,} problems'}.")
        raise typer.Exit(1) from None
    write_line(f"{file}: no problems, {len(known):,} workspaces: {', '.join(known)}")


@app.command("show", help=SHOW_HELP)
def show(
    workspace: Annotated[str | None, typer.Argument(metavar="WORKSPACE")] = None,
    config: options.ConfigFile = None,
) -> None:
    """Show all workspaces, or one."""
    if workspace is None:
        console = results()
        console.print(_table(list(workspaces(config).values()), console.width))
    else:
        chosen = chosen_workspace(config, workspace)
        write_text(MemoryBudgetConfigLoader.to_yaml(chosen, include_defaults=True))


@app.command("init", help=INIT_HELP)
def init(
    path: Annotated[Path, typer.Argument(metavar="PATH")] = _DEFAULT_NAME,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write the shipped settings to a file."""
    content = MemoryBudgetConfigLoader.shipped_path().read_bytes()
    try:
        with path.open("wb" if force else "xb") as file:
            file.write(content)
    except FileExistsError:
        raise ConfigError(f"{path} is there already. Use --force to replace it.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}.") from error
    remark("done", f"wrote {path}. Check it after changes: mba config validate {path}")


def _table(configs: list[WorkspaceConfig], width: int) -> Table:
    longest = max((cell_len(in_one_line(one.workspace_id)) for one in configs), default=0)
    wide = width >= _WIDTH_OF_FIGURES + min(longest, _LONGEST_WHOLE_NAME)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("workspace", overflow="fold")
    figures = ("tokens", *(tier.value for tier in MemoryTier), "half-life")
    for name in figures if wide else figures[:1]:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("scoring", no_wrap=True)
    for one in configs:
        shares = (f"{one.share(tier):.0%}" for tier in MemoryTier)
        details = (*shares, f"{one.half_life_days:g} d") if wide else ()
        shown = Text(in_one_line(one.workspace_id))
        table.add_row(shown, f"{one.max_total_tokens:,}", *details, one.scoring_method.value)
    return table
