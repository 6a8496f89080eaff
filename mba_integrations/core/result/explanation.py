"""An allocation as a table of plain text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.renderer import LINE_BREAKS

if TYPE_CHECKING:
    from mba_integrations.core.result.allocation import Allocation
    from mba_integrations.core.result.candidates import Candidate

_PREVIEW_CHARS = 60
_CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
_SPACES = str.maketrans(dict.fromkeys([*LINE_BREAKS, *_CONTROLS], " "))


def explain(allocation: Allocation, *, max_rows: int | None) -> str:
    """What came in, what stayed out and why.

    Args:
        allocation: The result to explain.
        max_rows: At most so many rows for each of the two lists; None for all.
    """
    if max_rows is not None and max_rows < 0:
        raise InputError(f"max_rows must be >= 0 or None, got {max_rows}.")
    parts = [_summary(allocation), _tiers(allocation)]
    selected = [
        [*_figures(chosen), "pinned" if chosen.pinned else "", _preview(chosen.content)]
        for chosen in allocation.selected[:max_rows]
    ]
    parts.append(_titled("Selected", [*_HEAD, "", "text"], selected, len(allocation.selected)))
    ranked = sorted(allocation.omitted, key=lambda omitted: -omitted.score)
    omitted = [
        [*_figures(left), left.reason.value, _preview(left.content)] for left in ranked[:max_rows]
    ]
    parts.append(_titled("Omitted", [*_HEAD, "reason", "text"], omitted, len(ranked)))
    parts.extend(f"Note: {note}" for note in allocation.notes)
    return "\n\n".join(parts)


_HEAD = ("tier", "id", "tokens", "score", "rel", "imp", "fresh")


def _summary(allocation: Allocation) -> str:
    exact = "" if allocation.exact else " (estimated)"
    stable = allocation.stable_prefix_tokens
    stays = f"\n{stable:,} tokens stand as in the previous prompt." if stable else ""
    return (
        f"Workspace {_preview(allocation.workspace_id)}, {allocation.complexity.value} query: "
        f"{allocation.used_tokens:,} of {allocation.budget_tokens:,} tokens used "
        f"({allocation.utilisation:.1%}), counted by {allocation.counter_id}{exact}.\n"
        f"{len(allocation.selected):,} items selected, {len(allocation.omitted):,} omitted; "
        f"value {allocation.value:.3f}, at most {allocation.gap:.2%} below the optimum."
        f"{stays}"
    )


def _tiers(allocation: Allocation) -> str:
    rows = [
        [
            tier.value,
            f"{usage.share_tokens:,}",
            f"{usage.borrowed_tokens:+,}" if usage.borrowed_tokens else "0",
            f"{usage.used_tokens:,}",
            f"{usage.selected_count:,}",
            f"{usage.omitted_count:,}",
        ]
        for tier, usage in allocation.tiers.items()
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
