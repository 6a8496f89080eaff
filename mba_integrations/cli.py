"""The `mba` command. Importing this needs no extra; running it needs the extra `cli`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from mba_integrations.core.errors import MissingExtraError

_NEEDED = ("typer", "rich")
_INTERRUPTED_EXIT_CODE = 130
"""What a shell reports for a program that Ctrl-C ended: 128 + SIGINT."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    Args:
        arguments: What follows `mba`; those of the process by default.
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        quick = _quick(given)
        if quick is not None:
            raise SystemExit(quick(given[1:]))
        import importlib.util

        if any(importlib.util.find_spec(name) is None for name in _NEEDED):
            print(MissingExtraError("mba", extra="cli"), file=sys.stderr)
            raise SystemExit(1)
        from mba_integrations.commands.application import run

        run(given)
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED_EXIT_CODE) from None


def _quick(given: Sequence[str]) -> Callable[[Sequence[str]], int] | None:
    """What agents start and wait for: it neither needs the extra `cli` nor loads it."""
    match list(given):
        case ["hook", *_]:
            from mba_integrations.commands.agents.hook import run_hook

            return run_hook
        case ["mcp", *rest] if not rest or rest[0] not in ("install", "check", "--help", "-h"):
            from mba_integrations.commands.agents.stdio import serve_stdio

            return serve_stdio
        case _:
            return None
