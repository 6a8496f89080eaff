"""Options of the commands that agents start, read by the standard library."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from mba_integrations.commands.arguments.places import file_of, place_of
from mba_integrations.core.errors import InputError

DEFAULT_WORKSPACE = "default"
_COLUMNS = 98


def parser(prog: str, description: str) -> argparse.ArgumentParser:
    """A parser with the options that say whose memories."""
    made = argparse.ArgumentParser(
        prog=prog,
        description=description,
        formatter_class=_formatter,
        allow_abbrev=False,
    )
    said = os.environ.get
    made.add_argument("--db", metavar="PATH", default=said("MBA_DB"), help="The SQLite file.")
    made.add_argument(
        "--workspace", "-w", metavar="ID", default=said("MBA_WORKSPACE"), help="Whose memories."
    )
    made.add_argument(
        "--url", metavar="URL", default=said("MBA_URL"), help="A server, instead of a file."
    )
    made.add_argument(
        "--key",
        metavar="KEY",
        default=said("MBA_KEY"),
        help="Its key; better in the environment as MBA_KEY, where no list of processes shows it.",
    )
    return made


def _formatter(prog: str) -> argparse.RawDescriptionHelpFormatter:
    # One is made for each option; without a width it imports shutil, and that all that compresses.
    return argparse.RawDescriptionHelpFormatter(prog, width=_COLUMNS)


def file_for(options: argparse.Namespace) -> Path:
    """The SQLite file that the options name.

    Raises:
        InputError: If they name a database on a server.
    """
    place = place_of(options.db)
    file = file_of(place)
    if file is None:
        raise InputError(
            f"a server is started for a file alone, got {place.partition('://')[0]}://.... Start "
            "`mba serve` on that database, and give its --url."
        )
    return file


def parsed(made: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The options; leaves the process with exit code 2 where they are none."""
    return made.parse_args(list(arguments))
