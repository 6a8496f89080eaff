"""The older sessions of each workspace to learn from, the newer ones to test on.

A session is never cut: its turns follow each other, so what is learned from the first ones is known
of the last ones already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError

TRAIN_SHARE = 0.6
"""The test needs more than a few sessions for an interval that is narrow enough to say anything."""


class Timed(Protocol):
    """What happened in a session of a workspace at a time."""

    @property
    def allocation_id(self) -> str:
        """Which allocation."""

    @property
    def workspace_id(self) -> str:
        """Of which workspace."""

    @property
    def session_id(self) -> str | None:
        """In which session; None is a session of its own."""

    @property
    def at(self) -> datetime:
        """When, with a zone."""


One = TypeVar("One", bound=Timed)


def split_by_time(
    ones: Iterable[One], *, train_share: float = TRAIN_SHARE
) -> tuple[tuple[One, ...], tuple[One, ...]]:
    """The older part and the newer part, both in the order of time.

    Of each workspace, the sessions that began first make the older part, until it has *train_share*
    of the workspace's allocations.

    Raises:
        InputError: If the share is not within (0, 1).
    """
    if not 0.0 < train_share < 1.0:
        raise InputError(f"train_share must be within (0, 1), got {shown(train_share)}.")
    workspaces: dict[str, dict[tuple[bool, str], list[One]]] = {}
    for one in sorted(ones, key=lambda one: (one.at, one.allocation_id)):
        sessions = workspaces.setdefault(one.workspace_id, {})
        alone = one.session_id is None
        sessions.setdefault((alone, one.session_id or one.allocation_id), []).append(one)
    older: list[One] = []
    newer: list[One] = []
    for sessions in workspaces.values():
        _divide(list(sessions.values()), train_share, older, newer)
    return _in_time(older), _in_time(newer)


def _divide(
    sessions: Sequence[Sequence[One]], share: float, older: list[One], newer: list[One]
) -> None:
    wanted = share * sum(map(len, sessions))
    placed = 0
    for session in sessions:
        (older if placed < wanted else newer).extend(session)
        placed += len(session)


def _in_time(ones: list[One]) -> tuple[One, ...]:
    return tuple(sorted(ones, key=lambda one: (one.at, one.allocation_id)))
