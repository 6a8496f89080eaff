"""Sessions of the command line as a page shows them: `$ mba ...`, and what was printed."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from command_line import mba

_SESSION = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{12})\b")
FILES = {
    "mem0.json": (
        '{"results": [{"id": "m-1", "memory": "Kate lives in Oslo."}, '
        '{"id": "m-2", "memory": "Kate skis in the north."}]}'
    ),
    "queries.txt": "Where is Kate?\nWhy is the page slow, and would an index help?\n",
    "questions.jsonl": (
        '{"query": "Who skis?", "needed": ["m-2"]}\n'
        '{"query": "What does Ben drink?", "needed_text": ["Ben prefers", "Run pip"], '
        '"budget_tokens": 14}\n'
        '{"query": "Where does Kate live?", "needed": ["m-1"]}\n'
    ),
    "merging.py": """
from mba_integrations.services import MergeProposal

def organise(items):
    pair = tuple(item.id for item in items[:2])
    return [MergeProposal(memory_ids=pair, content="Kate skis in Oslo.", reason="alike")]
""",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command and what the page says it prints."""

    command: str
    output: str


def steps_of(page: Path) -> list[Step]:
    """All commands of the page's `console` blocks, in order."""
    steps = []
    for session in _SESSION.finditer(page.read_text("utf-8")):
        _, *parts = re.split(r"^\$ ", session[1], flags=re.MULTILINE)
        for part in parts:
            command, _, output = part.partition("\n")
            steps.append(Step(command=command, output=output))
    return steps


class Session:
    """Runs commands in the current folder; `$ID` is the last id that one printed."""

    def __init__(self) -> None:
        for name, text in FILES.items():
            Path(name).write_text(text, encoding="utf-8")
        self._last_id = ""

    def run(self, command: str) -> str:
        """All that it prints, as a terminal shows it."""
        ran = mba(*shlex.split(command.replace("$ID", self._last_id))[1:])
        self._last_id = (_ID.findall(ran.output) or [self._last_id])[0]
        return ran.output
