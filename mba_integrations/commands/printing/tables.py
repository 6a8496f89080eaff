"""An allocation as rich tables: tokens by tier, what came in, what stayed out and why.

A console shows what it has room for, so that ids and figures stay whole: from 140 columns texts in
a column, below that their beginnings under the ids; from 80 the relevance and why an item has its
score; below that the reason stands under the id too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from mba_integrations.commands.printing.visible import in_one_line, one_line
from mba_integrations.core.budget.complexity import ComplexityEstimate
from mba_integrations.core.model import MemoryTier, OmissionReason, QueryComplexity
from mba_integrations.core.result.candidates import Candidate, Omitted, Selected, TierAllocation
from mba_integrations.core.result.explanation import best_first, percent, why

_WHY_WIDTH = 30
_OTHER_COLUMNS_WIDTH = 96 + _WHY_WIDTH
"""Tier, id, three figures, remark, why and the gaps between them."""
_BEGINNING_CHARS = 38
"""Of a text under its id: two lines of the narrowest column."""
_WIDTH_WITH_TEXTS = 140
_WIDTH_WITH_SIGNALS = 80


class Choice(Protocol):
    """What is printed of a choice: an `Allocation`, or what a server tells of one.

    `selected` and `omitted` may be the best of all; `tiers` and `omission_counts` count all.
    """

    @property
    def used_tokens(self) -> int:
        """Tokens of the prompt."""

    @property
    def budget_tokens(self) -> int:
        """Tokens that it may have."""

    @property
    def utilisation(self) -> float:
        """The one by the other."""

    @property
    def complexity(self) -> QueryComplexity:
        """How much the query asks for."""

    @property
    def workspace_id(self) -> str:
        """Whose settings hold."""

    @property
    def counter_id(self) -> str:
        """What counted."""

    @property
    def exact(self) -> bool:
        """Whether it counts as the model does."""

    @property
    def tiers(self) -> Mapping[MemoryTier, TierAllocation]:
        """Tokens and items of each tier."""

    @property
    def selected(self) -> Sequence[Selected]:
        """Items in the prompt."""

    @property
    def omitted(self) -> Sequence[Omitted]:
        """Items that stayed out."""

    def omission_counts(self) -> Mapping[OmissionReason, int]:
        """How many stayed out for each reason."""


def summary(allocation: Choice) -> str:
    """One line: items, tokens, complexity, workspace, counter."""
    chosen, left = _chosen(allocation), _left(allocation)
    estimated = "" if allocation.exact else ", estimated"
    return (
        f"{chosen:,} of {chosen + left:,} items, {allocation.used_tokens:,} of "
        f"{allocation.budget_tokens:,} tokens ({allocation.utilisation:.1%}), "
        f"{allocation.complexity.value} query, workspace {in_one_line(allocation.workspace_id)}, "
        f"counted by {in_one_line(allocation.counter_id)}{estimated}"
    )


def complexity_line(estimate: ComplexityEstimate) -> Text:
    """The complexity in bold with the evidence after it."""
    reasons = "; ".join(str(one) for one in estimate.evidence) or "nothing found"
    known = estimate.probability
    chance = "" if known is None else f", several steps at {known:.0%}"
    return Text.assemble(
        ("complexity ", "dim"),
        (estimate.complexity.value, "bold"),
        f", {estimate.points:g} points{chance}: {reasons}",
    )


def tier_table(allocation: Choice, *, width: int) -> Table:
    """Tokens and items of each tier."""
    table = titled_table("Tokens by tier")
    wide = width >= _WIDTH_WITH_SIGNALS
    table.add_column("tier", no_wrap=True)
    for name in ("share", *(["borrowed"] if wide else []), "used", "in", "out"):
        table.add_column(name, justify="right", no_wrap=True)
    for tier, usage in allocation.tiers.items():
        borrowed = f"{usage.borrowed_tokens:+,}" if usage.borrowed_tokens else "0"
        figures = (usage.used_tokens, usage.selected_count, usage.omitted_count)
        cells = (f"{usage.share_tokens:,}", *([borrowed] if wide else []))
        table.add_row(tier.value, *cells, *(f"{n:,}" for n in figures))
    return table


def selected_table(allocation: Choice, *, max_rows: int | None, width: int) -> RenderableType:
    """The items in the prompt, the best first."""
    chosen = best_first(allocation.selected)
    if not chosen:
        return Text("In the prompt: nothing", style="bold")
    table = _candidate_table(_title("In the prompt", _chosen(allocation), max_rows), "", width)
    for one in chosen[:max_rows]:
        table.add_row(*_cells(one, "pinned" if one.pinned else "", width))
    return table


def omitted_table(allocation: Choice, *, max_rows: int | None, width: int) -> RenderableType:
    """The items that stayed out, the best first, each with its reason."""
    left = best_first(allocation.omitted)
    if not left:
        return Text("Left out: nothing", style="bold")
    counts = ", ".join(
        f"{count:,} {reason.value}" for reason, count in allocation.omission_counts().items()
    )
    title = _title("Left out", _left(allocation), max_rows, f" ({counts})" if counts else "")
    table = _candidate_table(title, "reason", width)
    for one in left[:max_rows]:
        table.add_row(*_cells(one, one.reason.value, width))
    return table


def _chosen(allocation: Choice) -> int:
    return sum(usage.selected_count for usage in allocation.tiers.values())


def _left(allocation: Choice) -> int:
    return sum(usage.omitted_count for usage in allocation.tiers.values())


def candidate_table(title: str, candidates: Iterable[Candidate], *, width: int) -> Table:
    """Any items with their signals."""
    table = _candidate_table(title, "", width)
    for one in candidates:
        reason = one.reason.value if isinstance(one, Omitted) else ""
        table.add_row(*_cells(one, reason, width))
    return table


def titled_table(title: str) -> Table:
    """A table without rows or columns, whose title is text, not markup."""
    return Table(
        title=Text(in_one_line(title), style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )


def _candidate_table(title: str, remark: str, width: int) -> Table:
    table = titled_table(title)
    wide = width >= _WIDTH_WITH_SIGNALS
    table.add_column("tier", no_wrap=True)
    table.add_column("id", overflow="fold", max_width=42)
    for name in ("tokens", "score", *(["rel"] if wide else ())):
        table.add_column(name, justify="right", no_wrap=True)
    if wide:
        table.add_column(remark, no_wrap=True)
        table.add_column("why", overflow="fold", max_width=_WHY_WIDTH)
    if width >= _WIDTH_WITH_TEXTS:
        table.add_column("text", no_wrap=True)
    return table


def _title(what: str, count: int, max_rows: int | None, counts: str = "") -> str:
    hidden = max_rows is not None and count > max_rows
    shown = f"; the first {max_rows:,}" if hidden else ""
    return f"{what}: {count:,}{counts}{shown}"


def _cells(one: Candidate, remark: str, width: int) -> list[Text]:
    item_id = one_line(one.id, max_chars=120)
    figures = [f"{one.tokens:,}", percent(one.score)]
    beginning = one_line(one.content, max_chars=_BEGINNING_CHARS)
    if width < _WIDTH_WITH_SIGNALS:
        named = _with_below(item_id, beginning, remark)
        return [Text(one.tier.value), named, *map(Text, figures)]
    reasons = one_line(why(one), max_chars=120)
    rest = [*figures, percent(one.relevance), remark, reasons]
    if width < _WIDTH_WITH_TEXTS:
        return [Text(one.tier.value), _with_below(item_id, beginning), *map(Text, rest)]
    text = one_line(one.content, max_chars=width - _OTHER_COLUMNS_WIDTH)
    return [Text(part) for part in (one.tier.value, item_id, *rest, text)]


def _with_below(item_id: str, *below: str) -> Text:
    """The id, and what stands under it."""
    lines = "".join(f"\n{line}" for line in below if line)
    return Text(item_id).append(lines, style="dim")
