"""`mba hook EVENT`: what a coding agent's hooks call. Silent where anything fails, exit code 0.

The hooks of Claude Code, Codex and Gemini CLI hand over JSON on standard input, and put what is
written to standard output into the context.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mba_integrations.commands.agents.options import DEFAULT_WORKSPACE, file_for, parsed, parser

DESCRIPTION = """Give a coding agent its memories, and keep what it learned. Reads JSON from stdin.

Events:
  session-start   print the project's memories
  prompt          print what helps with the prompt
  pre-compact     keep the end of the conversation before it is summed up
  stop            keep the last exchange, and tell which memories the answer used

Whatever goes wrong, nothing is printed and the exit code is 0: an agent goes on without memory.

Example:
  echo '{"prompt": "Where do we deploy?"}' | mba hook prompt
"""


def run_hook(arguments: Sequence[str]) -> int:
    """Do what the event asks for; gives the exit code: 1 for wrong usage, else 0.

    Never 2, by which a hook tells its agent to stop.
    """
    from mba_integrations.services.mcp.stdio.hook import EVENTS, Hook

    made = parser("mba hook", DESCRIPTION)
    made.add_argument("event", choices=EVENTS, metavar="EVENT", help=", ".join(EVENTS))
    made.add_argument(
        "--budget", type=int, metavar="TOKENS", help="Tokens that the printed memories may have."
    )
    try:
        options = parsed(made, arguments)
    except SystemExit as wrong:
        return 1 if wrong.code else 0
    try:
        database = None if options.url else file_for(options)
        hook = Hook(
            database=database,
            url=options.url,
            key=options.key,
            workspace_id=options.workspace or DEFAULT_WORKSPACE,
            budget_tokens=options.budget,
        )
        said = hook.run(options.event, sys.stdin.buffer.read())
        if said:
            sys.stdout.buffer.write(said.encode("utf-8", "replace"))
            sys.stdout.buffer.flush()
    except Exception:  # an agent must not stop for its memory
        return 0
    return 0
