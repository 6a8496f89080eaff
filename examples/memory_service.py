"""Memories that stay: a conversation over two runs of a program, and what is forgotten at its end.

Run it with: python examples/memory_service.py

No model and no key is needed. Each part asserts what it shows.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from mba_integrations.services import MemoryService

BUDGET_TOKENS = 60
NIGHT_ONE = [
    {"role": "user", "content": "I moved to Lisbon in March, to the Alfama quarter."},
    {"role": "assistant", "content": "Then the tram 28 stops near your door."},
    {"role": "user", "content": "My sister Zoe visits in June. She is allergic to nuts."},
]
FACTS = ["Kate works as an architect.", "Kate takes her coffee black.", "Kate plays the cello."]


def first_run(path: Path) -> str:
    """Make a workspace, remember, ask."""
    with MemoryService.open(path) as service:
        service.create_workspace("kate", template="conversation")
        service.remember("kate", FACTS, subject="kate")
        service.remember("kate", NIGHT_ONE, session_id="monday")
        reply = service.recall(
            "kate", "Where do I live?", budget_tokens=BUDGET_TOKENS, session_id="monday"
        )
    assert "Lisbon" in reply.prompt_text
    assert reply.used_tokens <= BUDGET_TOKENS
    return reply.prompt_text


def second_run(path: Path, before: str) -> None:
    """After a restart the prompt goes on as it was, and new facts take the place of old ones."""
    with MemoryService.open(path) as service:
        question = "What does Zoe not eat, and where do I live?"
        reply = service.recall(
            "kate", question, budget_tokens=2 * BUDGET_TOKENS, session_id="monday"
        )
        print(reply.explain(max_rows=3))
        shared = reply.allocation.stable_prefix_tokens
        print(f"{shared} of {reply.used_tokens} tokens stand as in the prompt before the restart.")
        assert shared > 0
        assert before.splitlines()[0] == reply.prompt_text.splitlines()[0]
        [coffee] = service.search("kate", "coffee", limit=1).hits
        service.revise("kate", coffee.memory_id, "Kate takes her coffee with oat milk.")
        assert "oat milk" in service.recall("kate", "How does Kate take her coffee?").prompt_text


def erase(path: Path) -> None:
    """What is erased is in no file any more."""
    with MemoryService.open(path) as service:
        receipt = service.erasures.erase("kate", sources="monday")
    print(f"Erased {receipt.counts['memory']} messages.")
    assert b"Alfama" not in path.read_bytes()


def main() -> None:
    """Three runs of a program on one file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "memory.db"
        second_run(path, first_run(path))
        erase(path)


if __name__ == "__main__":
    main()
