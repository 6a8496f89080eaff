"""What may be spent: where it is counted, and how a count stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

SLICES = 60
"""In how many slices a rolling window leaves, the oldest first."""
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SpendPlace:
    """Where something is counted: an account in one of its periods.

    Attributes:
        account: What is counted, as `SpendBudget.account` names it.
        subject: Whose it is: a key's id, a session's, or nothing for the workspace.
        start: When the period began; for a rolling window, which has no beginning, 1970.
        ends_at: When it ends; for a rolling window, when what is spent now has left it.
        window: Length of a rolling window; None for another period.
    """

    account: str
    subject: str
    start: datetime
    ends_at: datetime
    window: timedelta | None = None

    @classmethod
    def rolling(cls, account: str, subject: str, window: timedelta, now: datetime) -> SpendPlace:
        """The place of a rolling window."""
        ends_at = slice_of(now, window).leaves_at
        return cls(account=account, subject=subject, start=_EPOCH, ends_at=ends_at, window=window)

    @property
    def key(self) -> dict[str, object]:
        """What the tables know it by."""
        return {"account": self.account, "subject": self.subject, "start": self.start}


class Slice(NamedTuple):
    """A part of a rolling window, which leaves it as a whole.

    Attributes:
        begins_at: Its beginning.
        leaves_at: When all that was spent in it is older than the window.
    """

    begins_at: datetime
    leaves_at: datetime


def slice_of(time: datetime, window: timedelta) -> Slice:
    """The slice that a time is in: whole seconds, at least a sixtieth of the window.

    >>> hour = timedelta(hours=1)
    >>> found = slice_of(datetime.fromisoformat("2026-03-02T12:00:42+00:00"), hour)
    >>> f"{found.begins_at:%H:%M:%S} {found.leaves_at:%H:%M:%S}"
    '12:00:00 13:01:00'
    """
    seconds = -(-int(window.total_seconds()) // SLICES)
    length = timedelta(seconds=seconds)
    begins_at = _EPOCH + (time - _EPOCH) // length * length
    return Slice(begins_at, begins_at + length + window)


class Balance(NamedTuple):
    """How an account stands.

    Attributes:
        used: What was spent.
        reserved: What calls that run may spend at most.
    """

    used: int
    reserved: int


class Hold(NamedTuple):
    """What a call takes from an account before it begins.

    Attributes:
        amount: How much at most.
        limit: What the account may come to with it; None for no limit.
    """

    amount: int
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectBalance:
    """How the account of one subject stands.

    Attributes:
        subject: Whose it is; nothing for the workspace.
        used: What was spent.
        reserved: What calls that run may spend at most.
    """

    subject: str
    used: int
    reserved: int
