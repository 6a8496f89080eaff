"""Two past recalls side by side: both prompts, and how far the second begins as the first."""

from __future__ import annotations

from dataclasses import dataclass

from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.past.apart import Apart, taken_apart
from mba_integrations.services.memory.past.replays import Grounds
from mba_integrations.services.store.rows.allocations import AllocationRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Two prompts.

    Attributes:
        first: One of them.
        second: The other.
        prefix_chars: Code points at the beginning of the second that a cache can take from the
            first: whole lines, or all of it.
        prefix_tokens: Their tokens; None where a prompt cannot be written again.
    """

    first: Apart
    second: Apart
    prefix_chars: int
    prefix_tokens: int | None


def side_by_side(
    equipment: Equipment, workspace_id: str, first: AllocationRow, second: AllocationRow
) -> Beside:
    """Put two rows side by side; see `Allocations.beside`."""
    grounds = Grounds(equipment, workspace_id, [first, second])
    one, other = (
        taken_apart(equipment, workspace_id, row, grounds=grounds, only_prompt=True)
        for row in (first, second)
    )
    if one.again is None or other.again is None:
        return Beside(first=one, second=other, prefix_chars=0, prefix_tokens=None)
    shared = shared_beginning(one.again.prompt_text, other.again.prompt_text)
    count = other.again.decided.problem.counter.count
    return Beside(
        first=one,
        second=other,
        prefix_chars=len(shared),
        prefix_tokens=count(shared) if shared else 0,
    )


def shared_beginning(first: str, second: str) -> str:
    """What two texts begin with alike, in whole lines.

    >>> shared_beginning("one\\ntwo\\n", "one\\nthree\\n")
    'one\\n'
    >>> shared_beginning("one", "one and two")
    'one'
    """
    shorter = min(len(first), len(second))
    pairs = zip(first, second, strict=False)
    common = next((place for place, (one, other) in enumerate(pairs) if one != other), shorter)
    return first[: common if common == shorter else first.rfind("\n", 0, common) + 1]
