"""What `mba demo` shows of an answer: a few lines, or all that decided; and what to try next."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from mba_integrations.commands.printing.output import note_all
from mba_integrations.commands.printing.tables import (
    complexity_line,
    omitted_table,
    selected_table,
    tier_table,
)
from mba_integrations.commands.printing.visible import in_one_line, one_line, visible
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.explanation import best_first

_PROMPT_WIDTH = 104
_SHORT_PROMPT_LINES = 7
_OMITTED_ROWS = 8


def short_answer(console: Console, question: str, allocation: Allocation, counted: int) -> None:
    """The question, the beginning of its prompt, how much came in, and what came next."""
    _ask(console, question)
    text = visible(allocation.prompt_text).rstrip("\n") or "Nothing fits, or is worth its tokens."
    lines = Text(text, style="cyan").wrap(console, min(console.width, _PROMPT_WIDTH) - 2)
    console.print(Padding(Text("\n").join(lines[:_SHORT_PROMPT_LINES]), (0, 0, 0, 2)))
    if len(lines) > _SHORT_PROMPT_LINES:
        hidden = len(lines) - _SHORT_PROMPT_LINES
        console.print(Text(f"  and {hidden} lines more, all with --full", style="dim"))
    console.print(_counts(allocation, counted))


def full_answer(console: Console, question: str, allocation: Allocation, counted: int) -> None:
    """The question, its complexity, the prompt, its tiers, what came in and what stayed out."""
    _ask(console, question)
    console.print(complexity_line(allocation.complexity_estimate))
    prompt = Text(visible(allocation.prompt_text))
    width = min(console.width, _PROMPT_WIDTH)
    console.print(Panel(prompt, title="Prompt", title_align="left", box=box.ROUNDED, width=width))
    console.print(tier_table(allocation, width=console.width))
    console.print(selected_table(allocation, max_rows=None, width=console.width))
    console.print(omitted_table(allocation, max_rows=_OMITTED_ROWS, width=console.width))
    note_all(allocation.notes)
    console.print(_counts(allocation, counted))


def what_next(console: Console, *, full: bool) -> None:
    """Commands to go on with, as they can be typed here."""
    mba = "mba" if shutil.which("mba") else os.path.relpath(Path(sys.executable).with_name("mba"))
    more = () if full else ((f"{mba} demo --full", "more questions, scores, reasons"),)
    steps = (
        *more,
        (f'{mba} demo -q "your question" -b 300', "ask it yourself"),
        (f"{mba} explain --help", "choose from your own files"),
        ("README.md", "five lines each: Python, LangChain, LlamaIndex, servers"),
    )
    console.print(Text("Try next:", style="bold"))
    for command, what in steps:
        console.print(Text.assemble(f"  {command}", (f"  # {what}", "dim")))


def _ask(console: Console, question: str) -> None:
    console.rule(Text(in_one_line(question), style="bold"), align="left")


def _counts(allocation: Allocation, counted: int) -> Text:
    used, limit = allocation.used_tokens, allocation.budget_tokens
    count_is_stated = counted == used
    kept = count_is_stated and used <= limit
    verdict = ("Kept.", "bold green") if kept else ("BROKEN.", "bold red")
    sign = "=" if count_is_stated else "but"
    line = f"Tokens: counted again {counted:,} {sign} used {used:,}, budget {limit:,}. "
    return Text.assemble(line, verdict, _outcome(allocation))


def _outcome(allocation: Allocation) -> str:
    chosen, left = len(allocation.selected), len(allocation.omitted)
    outcome = f"\nIn: {chosen:,} of {chosen + left:,} texts."
    if not left:
        return outcome
    nearest = best_first(allocation.omitted)[0]
    reason = nearest.reason.value
    return f"{outcome} Next: {one_line(nearest.id, max_chars=34)} ({reason})."
