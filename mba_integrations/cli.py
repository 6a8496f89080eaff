"""The `mba` command. Importing this needs no extra; running it needs the extra `cli`."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from mba_integrations.core.errors import MissingExtraError

_NEEDED = ("typer", "rich")
_INTERRUPTED_EXIT_CODE = 130
"""What a shell reports for a program that Ctrl-C ended: 128 + SIGINT."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    Args:
        arguments: What follows `mba`; those of the process by default.
    """
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        print(MissingExtraError("mba", extra="cli"), file=sys.stderr)
        raise SystemExit(1)
    try:
        from mba_integrations.commands.application import run

        run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED_EXIT_CODE) from None
