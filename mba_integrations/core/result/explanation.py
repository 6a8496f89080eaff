"""An allocation as a table of plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.layout.renderer import LINE_BREAKS
from mba_integrations.core.model import MemoryTier, QueryComplexity
from mba_integrations.core.result.candidates import Candidate, Omitted, Selected, TierAllocation

OneOf = TypeVar("OneOf", bound=Candidate)

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
    came_in = [
        [*_figures(chosen), _standing(chosen), *_told(chosen)]
        for chosen in best_first(selected)[:max_rows]
    ]
    stayed_out = [
        [*_figures(left), left.reason.value, *_told(left)]
        for left in best_first(omitted)[:max_rows]
    ]
    parts = [
        summary,
        _tiers(tiers),
        _titled("Selected", [*_HEAD, "", *_TOLD], came_in, len(selected)),
        _titled("Omitted", [*_HEAD, "reason", *_TOLD], stayed_out, len(omitted)),
        *(f"Note: {note}" for note in notes),
    ]
    return "\n\n".join(parts)


_HEAD = ("tier", "id", "tokens", "score", "rel")
_TOLD = ("why", "text")


def best_first(candidates: Iterable[OneOf]) -> list[OneOf]:
    """Candidates by their score; equal ones as they come."""
    return sorted(candidates, key=lambda one: -one.score)


def percent(part: float) -> str:
    """A part in [0, 1] to two digits.

    >>> [percent(part) for part in (1.0, 0.333, 0.0333, 0.00333, 0.0, 1e-9)]
    ['100%', '33%', '3.3%', '0.33%', '0%', '<0.01%']
    """
    if part <= 0.0:
        return "0%"
    if part < 0.0001:
        return "<0.01%"
    digits = 0 if part >= 0.0995 else 1 if part >= 0.00995 else 2
    return f"{part:.{digits}%}"


_LITTLE = 0.5
"""Expected items below which scores are low for all, however well the best match."""


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
    expected: float | None,
) -> str:
    """Two or three lines on the whole.

    *counts* are the items selected and omitted, *expected* those that the query needs; None where
    the score is no probability.
    """
    shares = f" The tiers' shares cost {share_cost:.3f} of value." if share_cost >= 0.0005 else ""
    little = expected is not None and expected < _LITTLE
    fits = f" Little fits the query: it is expected to need {expected:.2f} items." if little else ""
    stays = f"\n{stable_tokens:,} tokens stand as in the previous prompt." if stable_tokens else ""
    return (
        f"Workspace {_preview(workspace_id)}, {complexity.value} query: "
        f"{used_tokens:,} of {budget_tokens:,} tokens used "
        f"({used_tokens / budget_tokens:.1%}), counted by {counted_by}.\n"
        f"{counts[0]:,} items selected, {counts[1]:,} omitted; "
        f"value {value:.3f}, at most {gap:.2%} below the optimum.{shares}"
        f"{fits}{stays}"
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


def _standing(chosen: Selected) -> str:
    if chosen.sentences is None:
        return "pinned" if chosen.pinned else ""
    shown, every = chosen.sentences
    return f"{shown:,} of {every:,} sentences"


def _figures(candidate: Candidate) -> list[str]:
    return [
        candidate.tier.value,
        _preview(candidate.id),
        f"{candidate.tokens:,}",
        percent(candidate.score),
        percent(candidate.relevance),
    ]


def _told(candidate: Candidate) -> list[str]:
    return [_preview(why(candidate)), _preview(candidate.content)]


def why(candidate: Candidate) -> str:
    """The signals that decided, in one line."""
    return "; ".join(map(str, candidate.signals)) or "no match"


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
