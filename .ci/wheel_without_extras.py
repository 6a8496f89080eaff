"""Check an installed wheel that has no extras: allocation works, what is missing is said.

Run outside of the checkout with the path of the `mba` command as argument.
"""

import subprocess
import sys
from importlib.metadata import distributions
from importlib.resources import files
from pathlib import Path

import mba_integrations
from mba_integrations import (
    MemoryBudgetAllocator,
    MemoryBudgetConfigLoader,
    MemoryItem,
    MemoryTier,
    MissingExtraError,
    TokenizerError,
)

MEMORIES = [
    MemoryItem("a", "Kate likes skiing.", MemoryTier.PROJECT),
    MemoryItem("b", "The weather is fine today.", MemoryTier.RAG),
]
QUERY = "What does Kate like?"
MOST_MEGABYTES = 110  # as README says of an installation without extras
OPTIONAL = {"typer", "rich", "toktok-rs", "wordllama", "langchain-core", "llama-index-core"}


def count_words(text: str) -> int:
    return len(text.split())


def check_installation() -> None:
    """Only the wheel is imported, and no optional package is there to help it."""
    assert Path(mba_integrations.__file__).is_relative_to(sys.prefix)
    installed = {found.name.lower() for found in distributions()}
    assert not installed & OPTIONAL, installed & OPTIONAL


def check_size() -> None:
    folder = Path(mba_integrations.__file__).parents[1]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size <= MOST_MEGABYTES * 1_000_000, f"{size:,} bytes in {folder}"


def check_allocation_with_own_counter() -> None:
    allocator = MemoryBudgetAllocator(token_counter=count_words)
    allocation = allocator.allocate_memory_budget(QUERY, MEMORIES, budget_tokens=12)
    assert allocation.used_tokens == count_words(allocation.prompt_text) <= 12
    assert [chosen.id for chosen in allocation.selected][:1] == ["a"], allocation.explain()


def check_default_counter() -> None:
    """Where tiktoken can fetch its vocabulary it counts; elsewhere one error lists the ways out."""
    try:
        allocation = MemoryBudgetAllocator().allocate_memory_budget(QUERY, MEMORIES)
    except TokenizerError as error:
        message = str(error)
    else:
        assert allocation.used_tokens > 0
        return
    for way_out in ("mba-integrations[fast]", "TIKTOKEN_CACHE_DIR", "token_counter="):
        assert way_out in message, message


def check_shipped_settings() -> None:
    shipped = files("mba_integrations") / "configs" / "memory-budget.yaml"
    configs = MemoryBudgetConfigLoader.load_from_yaml(str(shipped))
    assert "development" in configs, configs


def check_llamaindex() -> None:
    """The package can be imported; its names say what to install."""
    import mba_integrations.llamaindex as adapter

    message = ""
    try:
        adapter.BudgetedMemory  # noqa: B018 - the look-up is what is checked
    except MissingExtraError as error:
        message = str(error)
    assert "pip install 'mba-integrations[llamaindex]'" in message, message


def check_command(mba: str) -> None:
    """The command says in one line what to install."""
    done = subprocess.run([mba, "demo"], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    assert done.stderr.count("\n") == 1, done.stderr
    assert "mba-integrations[cli]" in done.stderr, done.stderr


if __name__ == "__main__":
    check_installation()
    check_size()
    check_allocation_with_own_counter()
    check_default_counter()
    check_shipped_settings()
    check_llamaindex()
    check_command(str(Path(sys.argv[1]).absolute()))
    print("the wheel works without extras")
