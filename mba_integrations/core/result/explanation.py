"""An allocation as a table of plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.layout.renderer import LINE_BREAKS
from mba_integrations.core.model import MemoryTier, QueryComplexity
from mba_integrations.core.result.candidates import Candidate, Omitted, Selected, TierAllocation

_PREVIEW_CHARS = 60
_CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
_SPACES = str.maketrans(dict.fromkeys([*LINE_BREAKS, *_CONTROLS], " "))


def explain(
    summary: str,
    tiers: Mapping[MemoryTier, TierAllocation],
    selected: Sequence[Selected],
    omitted: Sequence[Omitted],
    notes: Sequence[str],
    *,
    max_rows: int | None,
) -> str:
    """What came in, what stayed out and why.

    Args:
        summary: What stands first.
        tiers: Tokens of each tier.
        selected: The items in the prompt, in their order.
        omitted: The items that are not, in input order.
        notes: What the caller should know.
        max_rows: At most so many rows for each of the two lists; None for all.

    Raises:
        InputError: If *max_rows* is neither None nor a whole number, >= 0.
    """
    if max_rows is not None:
        max_rows = checked_whole("max_rows", max_rows)
    ranked = sorted(omitted, key=lambda left: -left.score)
    came_in = [
        [*_figures(chosen), "pinned" if chosen.pinned else "", _preview(chosen.content)]
        for chosen in selected[:max_rows]
    ]
    stayed_out = [
        [*_figures(left), left.reason.value, _preview(left.content)] for left in ranked[:max_rows]
    ]
    parts = [
        summary,
        _tiers(tiers),
        _titled("Selected", [*_HEAD, "", "text"], came_in, len(selected)),
        _titled("Omitted", [*_HEAD, "reason", "text"], stayed_out, len(ranked)),
        *(f"Note: {note}" for note in notes),
    ]
    return "\n\n".join(parts)


_HEAD = ("tier", "id", "tokens", "score", "rel", "imp", "fresh")


def summary_text(
    *,
    workspace_id: str,
    complexity: QueryComplexity,
    used_tokens: int,
    budget_tokens: int,
    counted_by: str,
    counts: tuple[int, int],
    value: float,
    gap: float,
    share_cost: float,
    stable_tokens: int,
) -> str:
    """Two or three lines on the whole; *counts* are the items selected and omitted."""
    shares = f" The tiers' shares cost {share_cost:.3f} of value." if share_cost >= 0.0005 else ""
    stays = f"\n{stable_tokens:,} tokens stand as in the previous prompt." if stable_tokens else ""
    return (
        f"Workspace {_preview(workspace_id)}, {complexity.value} query: "
        f"{used_tokens:,} of {budget_tokens:,} tokens used "
        f"({used_tokens / budget_tokens:.1%}), counted by {counted_by}.\n"
        f"{counts[0]:,} items selected, {counts[1]:,} omitted; "
        f"value {value:.3f}, at most {gap:.2%} below the optimum.{shares}"
        f"{stays}"
    )


def _tiers(tiers: Mapping[MemoryTier, TierAllocation]) -> str:
    rows = [
        [
            tier.value,
            f"{usage.share_tokens:,}",
            f"{usage.borrowed_tokens:+,}" if usage.borrowed_tokens else "0",
            f"{usage.used_tokens:,}",
            f"{usage.selected_count:,}",
            f"{usage.omitted_count:,}",
        ]
        for tier, usage in tiers.items()
    ]
    return _table(["tier", "share", "borrowed", "used", "selected", "omitted"], rows)


def _figures(candidate: Candidate) -> list[str]:
    return [
        candidate.tier.value,
        _preview(candidate.id),
        f"{candidate.tokens:,}",
        f"{candidate.score:.3f}",
        f"{candidate.relevance:.2f}",
        f"{candidate.importance:.2f}",
        f"{candidate.freshness:.2f}",
    ]


def _titled(title: str, head: Sequence[str], rows: list[list[str]], total: int) -> str:
    if not total:
        return f"{title}: none"
    hidden = total - len(rows)
    more = f"\n... and {hidden:,} more" if hidden else ""
    return f"{title}\n{_table(head, rows)}{more}" if rows else f"{title}: {hidden:,} not shown"


def _table(head: Sequence[str], rows: list[list[str]]) -> str:
    """Columns of equal width; a column of numbers is aligned to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    numeric = [
        all(row[column][:1].lstrip("+-").isdigit() or row[column][:1] in "+-" for row in rows)
        for column in range(len(head))
    ]
    lines = []
    for row in [list(head), ["-" * width for width in widths], *rows]:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _preview(text: str) -> str:
    line = text[: _PREVIEW_CHARS + 1].translate(_SPACES)
    return line if len(line) <= _PREVIEW_CHARS else line[: _PREVIEW_CHARS - 1] + "…"
