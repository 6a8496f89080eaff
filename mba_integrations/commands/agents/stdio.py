"""`mba mcp`: a server over this process's pipes, for a client that starts it."""

from __future__ import annotations

import argparse
import contextlib
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mba_integrations.commands.agents.options import (
    DEFAULT_WORKSPACE,
    file_for,
    parsed,
    parser,
)
from mba_integrations.core.errors import MemoryBudgetError

if TYPE_CHECKING:
    from mba_integrations.services.mcp.stdio.upstream import Upstream

DESCRIPTION = """Serve memories to an agent over standard input and output (Model Context Protocol).

Starts a server for the file if none runs, and passes messages on to it. A client starts this
command; `mba mcp install` writes its settings.

Examples:
  mba mcp
  mba mcp --db project.db --workspace default
  MBA_KEY=mba_... mba mcp --url https://memory.example.com --workspace team
"""


def serve_stdio(arguments: Sequence[str]) -> int:
    """Answer a client until it closes the pipe; gives the exit code."""
    options = parsed(parser("mba mcp", DESCRIPTION), arguments)
    from mba_integrations.services.mcp.stdio.proxy import Proxy

    try:
        upstream = _upstream(options)
    except MemoryBudgetError as error:
        from mba_integrations.commands.printing.output import remark  # with rich, so only now

        remark("error", str(error))
        return 1
    with contextlib.closing(upstream):
        Proxy(upstream, sys.stdout.buffer).run(iter(sys.stdin.buffer.readline, b""))
    return 0


def _upstream(options: argparse.Namespace) -> Upstream:
    from mba_integrations.services.mcp.stdio.upstream import file_daemon, remote_server

    if options.url:
        return remote_server(options.url, options.key, options.workspace)
    daemon = file_daemon(file_for(options), options.workspace or DEFAULT_WORKSPACE)
    threading.Thread(target=_wake, args=(daemon,), daemon=True).start()
    return daemon


def _wake(daemon: Upstream) -> None:
    """Start the daemon meanwhile; what goes wrong is told to the first request that needs it."""
    with contextlib.suppress(Exception):
        daemon.wake()
