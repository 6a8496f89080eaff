"""`mba demo`: ask questions about a repository and show how each prompt came about."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from mba_integrations.commands.arguments.workspaces import chosen_workspace
from mba_integrations.commands.demo_sources import (
    DemoMemories,
    demo_memories,
    demo_questions,
    is_own_repository,
)
from mba_integrations.commands.printing.output import note_all, remark, results
from mba_integrations.commands.printing.progress import tracked
from mba_integrations.commands.printing.tables import (
    complexity_line,
    omitted_table,
    selected_table,
    tier_table,
)
from mba_integrations.commands.printing.visible import in_one_line, visible
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
written for this project is working memory. Every prompt is counted again; the exit code is 1 if a
count differs or is over its budget.

Examples:

\b
  mba demo
  mba demo --query "How are tokens counted?" --budget 600
  mba demo --repo ../another-project
"""
_CEILING_TOKENS = 2000
"""Prompts of at most about two screens, in which the tiers still compete."""
_SHOWN_ROWS = 8
_PROMPT_WIDTH = 104


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
) -> None:
    """Ask questions about a repository and show the prompts."""
    now = datetime.now(UTC)
    console = results()
    memories = demo_memories(repo or _default_repository(), now=now, track=tracked)
    config = demo_workspace()
    embedder = LocalEmbedder() if local_embedder_is_installed() else None
    counter = counter_for_model(config.counting.model)
    note_all(memories.notes)
    _introduce(console, memories, config, counter, embedder, budget)
    allocator = MemoryBudgetAllocator(embedder=embedder)
    allocator.register_workspace(config)
    pool = MemoryPool.from_items(memories.items)
    questions = query or demo_questions(own=memories.is_own)
    kept = [
        _ask(console, question, counter, allocator, pool, config, budget, now)
        for question in questions
    ]
    if not all(kept):
        remark("error", f"{kept.count(False)} of {len(kept)} prompts break their budget.")
        raise typer.Exit(1)
    console.print(Text(f"All {len(kept)} prompts: counted again, equal, within budget."))


def demo_workspace() -> WorkspaceConfig:
    """The shipped `code_analysis` workspace with a small ceiling and lines that name sources."""
    config = chosen_workspace(None, "code_analysis")
    templates = {
        **dict.fromkeys((MemoryTier.PROJECT, MemoryTier.RAG), "[{source}] {text}"),
        MemoryTier.LONG_TERM: "[{date}] {text}",
    }
    rendering = config.rendering.model_copy(update={"line_templates": templates})
    changed = {"max_total_tokens": _CEILING_TOKENS, "reserved_tokens": 0, "rendering": rendering}
    return config.model_copy(update=changed)


def keeps_budget(allocation: Allocation, counter: TokenCounter) -> bool:
    """Whether the prompt, counted again, has the tokens it states and no more than its budget."""
    counted = counter.count(allocation.prompt_text)
    return counted == allocation.used_tokens <= allocation.budget_tokens


def _default_repository() -> Path:
    """The current folder; where that is none of ours, the checkout this package runs from."""
    here = Path()
    checkout = Path(__file__).parents[2]
    return checkout if not any(here.iterdir()) and is_own_repository(checkout) else here


def _introduce(
    console: Console,
    memories: DemoMemories,
    config: WorkspaceConfig,
    counter: TokenCounter,
    embedder: LocalEmbedder | None,
    budget_tokens: int | None,
) -> None:
    if embedder is None:
        matching = "by words only; pip install '.[local]' in a checkout adds meaning"
    else:
        matching = f"by words and by meaning ({embedder.id}, no network)"
    parts = (
        f"{memories.count(MemoryTier.PROJECT):,} sections of documents (project)",
        f"{memories.count(MemoryTier.RAG):,} pieces of source (rag)",
        f"{memories.count(MemoryTier.LONG_TERM):,} commits (long_term)",
        f"{memories.count(MemoryTier.WORKING):,} turns of conversation (working)",
    )
    console.print(Text("Memories: " + ", ".join(parts) + "."))
    limit = budget_tokens or config.max_total_tokens
    ceiling = f"at most {limit:,} tokens a prompt"
    console.print(Text(f"Workspace {config.workspace_id}, {ceiling}, counted by {counter.id}."))
    console.print(Text(f"Matched {matching}."))


def _ask(
    console: Console,
    question: str,
    counter: TokenCounter,
    allocator: MemoryBudgetAllocator,
    pool: MemoryPool,
    config: WorkspaceConfig,
    budget_tokens: int | None,
    now: datetime,
) -> bool:
    allocation = allocator.allocate_memory_budget(
        question, pool, workspace_id=config.workspace_id, budget_tokens=budget_tokens, now=now
    )
    console.rule(Text(in_one_line(question), style="bold"), align="left")
    console.print(complexity_line(allocation.complexity_estimate))
    prompt = Text(visible(allocation.prompt_text))
    width = min(console.width, _PROMPT_WIDTH)
    console.print(Panel(prompt, title="Prompt", title_align="left", box=box.ROUNDED, width=width))
    console.print(tier_table(allocation, width=console.width))
    console.print(selected_table(allocation, max_rows=None, width=console.width))
    console.print(omitted_table(allocation, max_rows=_SHOWN_ROWS, width=console.width))
    note_all(allocation.notes)
    kept = keeps_budget(allocation, counter)
    console.print(_count_line(allocation, counter.count(allocation.prompt_text), kept))
    return kept


def _count_line(allocation: Allocation, counted: int, kept: bool) -> Text:
    sign = "=" if counted == allocation.used_tokens else "but"
    line = (
        f"Tokens: counted again {counted:,} {sign} used {allocation.used_tokens:,}, budget "
        f"{allocation.budget_tokens:,} ({allocation.utilisation:.1%} used). "
    )
    verdict = ("Kept.", "bold green") if kept else ("BROKEN.", "bold red")
    return Text.assemble(line, verdict, "\n")
