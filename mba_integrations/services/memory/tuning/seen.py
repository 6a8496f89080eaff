"""What was seen of recalls: before and after a switch, and in both arms of an experiment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.learning.gate.arms import Sent
from mba_integrations.learning.gate.monitor import Turn
from mba_integrations.learning.replay.needed import needed_of
from mba_integrations.learning.replay.records import Feedback
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.recalling.arms import arm_key_of, arm_of
from mba_integrations.services.memory.recalling.asked import PROMPT_BEFORE, asked_in
from mba_integrations.services.store.rows.allocations import AllocationRow, FeedbackRow
from mba_integrations.services.store.rows.proposals import ProposalRow
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import workspaces
from mba_integrations.services.store.statements.log import allocations

_MOST_TURNS = 10_000
"""That are compared on each side of the switch."""
MOST_SENT = 100_000
"""Recalls that an experiment reads; with so many and too little feedback it ends."""
_PAGE = 500


def turns_around(equipment: Equipment, row: ProposalRow) -> tuple[Sequence[Turn], Sequence[Turn]]:
    """What was seen before the settings held, of recalls with the usual ones, and since."""
    with equipment.read(row.workspace_id) as reading:
        before = allocations.listed(reading, until=row.live_at, limit=_MOST_TURNS)
        after = allocations.listed(reading, since=row.live_at, limit=_MOST_TURNS)
        return _turns(reading, _usual(reading, before)), _turns(reading, after)


def _usual(reading: Reading, rows: Sequence[AllocationRow]) -> list[AllocationRow]:
    """Those that no experiment had decided under its changes."""
    dealing = _dealing(reading)
    arms = ((row, dealing.get(row.settings_version)) for row in rows)
    return [row for row, config in arms if config is None or not _is_changed(config, row)]


def _dealing(reading: Reading) -> Mapping[int | None, WorkspaceConfig]:
    """The versions of the settings that have an experiment."""
    return {
        one.version: WorkspaceConfig(**one.settings)
        for one in workspaces.settings_versions(reading)
        if one.settings.get("experiment") is not None
    }


def _is_changed(config: WorkspaceConfig, row: AllocationRow) -> bool:
    arm = arm_of(config, row)
    return arm is not None and arm.changed


def _turns(reading: Reading, rows: Sequence[AllocationRow]) -> list[Turn]:
    said = allocations.feedback_on(reading, [row.allocation_id for row in rows])
    return [_turn(row, said.get(row.allocation_id, ())) for row in rows]


def _turn(row: AllocationRow, said: Sequence[FeedbackRow]) -> Turn:
    useful = _useful(said)
    return Turn(
        utilisation=row.record["used_tokens"] / max(1, row.record["budget_tokens"]),
        useful=None if useful is None else sum(useful.values()),
        liked=_liked(said),
    )


def _useful(said: Sequence[FeedbackRow]) -> Mapping[str, float] | None:
    """Memories that were of use, with weights; None where nobody could say of any."""
    of_memories = [one for one in said if one.memory_id is not None and one.useful is not None]
    if not of_memories:
        return None
    return needed_of(
        Feedback(
            memory_id=one.memory_id, useful=one.useful, origin=one.origin.value, weight=one.weight
        )
        for one in of_memories
    )


def _liked(said: Sequence[FeedbackRow]) -> bool | None:
    whole = [one.useful for one in said if one.memory_id is None and one.useful is not None]
    return whole[-1] if whole else None


@dataclass(slots=True)
class SeenArms:
    """The recalls of both arms, the oldest first, until so many have feedback on their memories.

    Attributes:
        usual: As they are compared.
        changed: Likewise.
        turns: As the monitor looks at them, of the usual arm and of the changed one.
        is_enough: Whether nothing more is waited for.
    """

    usual: list[Sent] = field(default_factory=list)
    changed: list[Sent] = field(default_factory=list)
    turns: tuple[list[Turn], list[Turn]] = field(default_factory=lambda: ([], []))
    is_enough: bool = False

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.usual) + len(self.changed)


def arms_since(equipment: Equipment, row: ProposalRow, *, wanted: float) -> SeenArms:
    """What was seen of both arms of an experiment.

    Args:
        equipment: What reads.
        row: The experiment.
        wanted: How many recalls with feedback on their memories are enough.
    """
    found, judged = SeenArms(), 0
    with equipment.read(row.workspace_id) as reading:
        dealing = _dealing(reading)
        for recall, said in _since(reading, row):
            config = dealing.get(recall.settings_version)
            if config is None or (recall.settings_version or 0) < (row.live_version or 0):
                continue  # it had begun before the experiment did
            changed = _is_changed(config, recall)
            sent = _sent(recall, said)
            (found.changed if changed else found.usual).append(sent)
            found.turns[changed].append(_turn(recall, said))
            judged += sent.is_judged
            if judged >= wanted or found.count >= MOST_SENT:
                found.is_enough = True
                break
    return found


def _since(
    reading: Reading, row: ProposalRow
) -> Iterator[tuple[AllocationRow, Sequence[FeedbackRow]]]:
    after = None
    while True:
        page = allocations.listed(
            reading, since=row.live_at, after=after, limit=_PAGE, oldest_first=True
        )
        said = allocations.feedback_on(reading, [one.allocation_id for one in page])
        yield from ((one, said.get(one.allocation_id, ())) for one in page)
        if len(page) < _PAGE:
            return
        after = (page[-1].at, page[-1].allocation_id)


def _sent(row: AllocationRow, said: Sequence[FeedbackRow]) -> Sent:
    useful = _useful(said) or {}
    follows = PROMPT_BEFORE in asked_in(row.record).not_followed
    return Sent(
        session=arm_key_of(row),
        used_tokens=row.record["used_tokens"],
        budget_tokens=row.record["budget_tokens"],
        cost=(row.figures or {}).get("cost") or 0.0,
        stable_prefix_tokens=row.stable_prefix_tokens if follows else None,
        useful=sum(useful.values()),
        positives=len(useful),
        is_judged=any(one.memory_id is not None for one in said),
        liked=_liked(said),
    )
