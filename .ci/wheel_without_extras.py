"""Check an installed wheel that has no extras: allocation works, what is missing is said.

Run with the path of the `mba` command as argument.
"""

import subprocess
import sys
from pathlib import Path

from mba_integrations import (
    MemoryBudgetAllocator,
    MemoryBudgetConfigLoader,
    MemoryItem,
    TokenizerError,
)

MEMORIES = [
    MemoryItem("a", "Kate likes skiing.", "project"),
    MemoryItem("b", "The weather is fine today.", "rag"),
]


def count_words(text: str) -> int:
    return len(text.split())


def check_allocation() -> None:
    allocator = MemoryBudgetAllocator(token_counter=count_words)
    allocation = allocator.allocate_memory_budget(
        "What does Kate like?", MEMORIES, budget_tokens=12
    )
    assert allocation.used_tokens == count_words(allocation.prompt_text) <= 12
    assert allocation.selected[0].id == "a", allocation.explain()


def check_default_counter() -> None:
    """Without a vocabulary there is one error that lists the ways out."""
    try:
        MemoryBudgetAllocator().allocate_memory_budget("Kate", MEMORIES)
    except TokenizerError as error:
        assert "mba-integrations[fast]" in str(error), error
        assert "TIKTOKEN_CACHE_DIR" in str(error), error


def check_shipped_settings() -> None:
    assert "development" in MemoryBudgetConfigLoader.load_shipped()


def check_command(mba: str) -> None:
    """Without the extra the command says in one line what to install."""
    done = subprocess.run([mba, "demo"], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    assert done.stderr.count("\n") == 1, done.stderr
    assert "mba-integrations[cli]" in done.stderr, done.stderr


def check_imports() -> None:
    foreign = {"langchain_core", "llama_index", "fastapi", "typer", "rich", "toktok", "torch"}
    assert not foreign & set(sys.modules), foreign & set(sys.modules)


if __name__ == "__main__":
    check_allocation()
    check_default_counter()
    check_shipped_settings()
    check_command(str(Path(sys.argv[1]).absolute()))
    check_imports()
    print("the wheel works without extras")
