"""`mba demo`: ask questions about a repository and show how each prompt came about."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from mba_integrations.commands.arguments.workspaces import chosen_workspace
from mba_integrations.commands.demo_screens import full_answer, short_answer, what_next
from mba_integrations.commands.demo_sources import (
    DemoMemories,
    demo_memories,
    demo_questions,
    is_own_repository,
)
from mba_integrations.commands.printing.output import note_all, remark, results
from mba_integrations.commands.printing.progress import tracked
from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.counting.tiktoken_counters import counter_for_model
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.local_embedder import LocalEmbedder, local_embedder_is_installed

HELP = """Ask questions about a repository and show the prompts.

Documents are project memory, source is RAG, commits are long-term memory, and a conversation
written for this project is working memory. Three small prompts fit a screen; --full asks more, with
larger budgets, and shows complexity, tiers, scores and reasons. Every prompt is counted again; the
exit code is 1 if a count differs or is over its budget.

Examples:

\b
  mba demo
  mba demo --full
  mba demo --query "How are tokens counted?" --budget 600
  mba demo --repo ../another-project
"""
_FULL_CEILING_TOKENS = 2000
"""Prompts of at most about two screens, in which the tiers still compete."""
_SHORT_BUDGET_TOKENS = 120
_SHORT_QUESTIONS = 3
_SHORT_TOKEN_PRICE = 0.001
"""What only resembles the question stays out of a small prompt, though there is room."""


def demo(
    query: Annotated[
        list[str] | None,
        typer.Option("--query", "-q", metavar="TEXT", help="Ask this instead. Repeatable."),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(
            "--budget", "-b", min=1, metavar="TOKENS", help="Exact total for every question."
        ),
    ] = None,
    repo: Annotated[
        Path | None,
        typer.Option("--repo", metavar="PATH", help="Repository. Default: the current folder."),
    ] = None,
    full: Annotated[
        bool,
        typer.Option("--full", help="Ask more, and show tiers, scores and reasons."),
    ] = False,
) -> None:
    """Ask questions about a repository and show the prompts."""
    now = datetime.now(UTC)
    console = results()
    memories = demo_memories(repo or _default_repository(), now=now, track=tracked)
    config = demo_workspace(full=full)
    embedder = LocalEmbedder() if local_embedder_is_installed() else None
    counter = counter_for_model(config.counting.model)
    note_all(memories.notes)
    _introduce(console, memories, counter, embedder)
    allocator = MemoryBudgetAllocator(embedder=embedder)
    allocator.register_workspace(config)
    pool = MemoryPool.from_items(memories.items)
    total_tokens = budget if full else budget or _SHORT_BUDGET_TOKENS
    answer = full_answer if full else short_answer
    kept = []
    for question in query or _questions(own=memories.is_own, full=full):
        allocation = allocator.allocate_memory_budget(
            question, pool, workspace_id=config.workspace_id, budget_tokens=total_tokens, now=now
        )
        kept.append(keeps_budget(allocation, counter))
        answer(console, question, allocation, counter.count(allocation.prompt_text))
    if not all(kept):
        remark("error", f"{kept.count(False)} of {len(kept)} prompts break their budget.")
        raise typer.Exit(1)
    console.print(Text(f"All {len(kept)} prompts: counted again, equal, within budget."))
    what_next(console, full=full)


def demo_workspace(*, full: bool) -> WorkspaceConfig:
    """The shipped `code_analysis` workspace with a small ceiling and lines that name sources.

    Where little is shown, a token costs more than in the shipped settings.
    """
    config = chosen_workspace(None, "code_analysis")
    templates = {
        **dict.fromkeys((MemoryTier.PROJECT, MemoryTier.RAG), "[{source}] {text}"),
        MemoryTier.LONG_TERM: "[{date}] {text}",
    }
    rendering = config.rendering.model_copy(update={"line_templates": templates})
    price = config.token_price if full else _SHORT_TOKEN_PRICE
    changed = {
        "max_total_tokens": _FULL_CEILING_TOKENS,
        "reserved_tokens": 0,
        "rendering": rendering,
        "token_price": price,
    }
    return config.model_copy(update=changed)


def keeps_budget(allocation: Allocation, counter: TokenCounter) -> bool:
    """Whether the prompt, counted again, has the tokens it states and no more than its budget."""
    counted = counter.count(allocation.prompt_text)
    return counted == allocation.used_tokens <= allocation.budget_tokens


def _questions(*, own: bool, full: bool) -> tuple[str, ...]:
    return demo_questions(own=own)[: None if full else _SHORT_QUESTIONS]


def _default_repository() -> Path:
    """The current folder; where that is none of ours, the checkout this package runs from."""
    here = Path()
    checkout = Path(__file__).parents[2]
    return checkout if not any(here.iterdir()) and is_own_repository(checkout) else here


def _introduce(
    console: Console,
    memories: DemoMemories,
    counter: TokenCounter,
    embedder: LocalEmbedder | None,
) -> None:
    if embedder is None:
        matching = "by words only; pip install '.[local]' in a checkout adds meaning"
    else:
        matching = f"by words and by meaning ({embedder.id}, no network)"
    parts = (
        f"{memories.count(MemoryTier.PROJECT):,} sections of documents",
        f"{memories.count(MemoryTier.RAG):,} pieces of source",
        f"{memories.count(MemoryTier.LONG_TERM):,} commits",
        f"{memories.count(MemoryTier.WORKING):,} turns of a conversation",
    )
    console.print(Text(f"What should a prompt hold, of {len(memories.items):,} texts?"))
    console.print(Text("They are " + ", ".join(parts) + "."))
    console.print(Text(f"Counted by {counter.id}, matched {matching}."))
