"""An allocation as rich tables: tokens by tier, what came in, what stayed out and why."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.table import Table
from rich.text import Text

from mba_integrations.core.allocation import Allocation, Candidate, Omitted
from mba_integrations.core.complexity import ComplexityEstimate

_PREVIEW_CHARS = 400


def summary(allocation: Allocation) -> str:
    """One line: items, tokens, complexity, workspace, counter."""
    chosen, left = len(allocation.selected), len(allocation.omitted)
    estimated = "" if allocation.exact else ", estimated"
    return (
        f"{chosen:,} of {chosen + left:,} items, {allocation.used_tokens:,} of "
        f"{allocation.budget_tokens:,} tokens ({allocation.utilisation:.1%}), "
        f"{allocation.complexity.value} query, workspace {allocation.workspace_id}, "
        f"counted by {allocation.counter_id}{estimated}"
    )


def complexity_line(estimate: ComplexityEstimate) -> Text:
    """The complexity in bold with the evidence after it."""
    reasons = "; ".join(str(one) for one in estimate.evidence) or "nothing found"
    return Text.assemble(
        ("complexity ", "dim"),
        (estimate.complexity.value, "bold"),
        f", {estimate.points:g} points: {reasons}",
    )


def tier_table(allocation: Allocation) -> Table:
    """Tokens and items of each tier."""
    table = _table("Tokens by tier")
    table.add_column("tier")
    for name in ("share", "borrowed", "used", "in", "out"):
        table.add_column(name, justify="right")
    for tier, usage in allocation.tiers.items():
        borrowed = f"{usage.borrowed_tokens:+,}" if usage.borrowed_tokens else "0"
        figures = (usage.used_tokens, usage.selected_count, usage.omitted_count)
        table.add_row(tier.value, f"{usage.share_tokens:,}", borrowed, *(f"{n:,}" for n in figures))
    return table


def selected_table(allocation: Allocation, *, max_rows: int | None) -> Table:
    """The items in the prompt, in its order."""
    chosen = allocation.selected
    table = _candidate_table(_title("In the prompt", len(chosen), max_rows), "")
    for one in chosen[:max_rows]:
        table.add_row(*_figures(one), "pinned" if one.pinned else "", _preview(one))
    return table


def omitted_table(allocation: Allocation, *, max_rows: int | None) -> Table:
    """The items that stayed out, the best first, each with its reason."""
    left = sorted(allocation.omitted, key=lambda one: -one.score)
    counts = ", ".join(
        f"{count:,} {reason.value}" for reason, count in allocation.omission_counts().items()
    )
    title = _title("Left out", len(left), max_rows)
    table = _candidate_table(f"{title}: {counts}" if counts else title, "reason")
    for one in left[:max_rows]:
        table.add_row(*_figures(one), one.reason.value, _preview(one))
    return table


def candidate_table(title: str, candidates: Iterable[Candidate]) -> Table:
    """Any items with their signals."""
    table = _candidate_table(title, "")
    for one in candidates:
        reason = one.reason.value if isinstance(one, Omitted) else ""
        table.add_row(*_figures(one), reason, _preview(one))
    return table


def _table(title: str) -> Table:
    return Table(
        title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False
    )


def _candidate_table(title: str, remark: str) -> Table:
    table = _table(title)
    table.add_column("tier", no_wrap=True)
    table.add_column("id", overflow="fold", max_width=34)
    for name in ("tokens", "score", "rel", "imp", "fresh"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column(remark, no_wrap=True)
    table.add_column("text", no_wrap=True, overflow="ellipsis", ratio=1)
    return table


def _title(what: str, count: int, max_rows: int | None) -> str:
    shown = count if max_rows is None else min(count, max_rows)
    return f"{what}: {count:,}" if shown == count else f"{what}: {count:,}, the first {shown:,}"


def _figures(one: Candidate) -> tuple[Text, ...]:
    numbers = (one.relevance, one.importance, one.freshness)
    return (
        Text(one.tier.value),
        Text(_one_line(one.id)),
        Text(f"{one.tokens:,}"),
        Text(f"{one.score:.3f}"),
        *(Text(f"{number:.2f}") for number in numbers),
    )


def _preview(one: Candidate) -> Text:
    return Text(_one_line(one.content))


def _one_line(text: str) -> str:
    """The beginning on one line, without characters that steer a terminal."""
    flat = " ".join(text[:_PREVIEW_CHARS].split())
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in flat
    )
