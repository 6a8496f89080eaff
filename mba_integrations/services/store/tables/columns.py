"""Kinds of columns that both databases hold alike.

Times are whole microseconds since 1970 in UTC, so that both databases sort, compare and give back
the same. Ids are compared byte by byte: a Postgres collation would sort them in its own way.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, MetaData, Text
from sqlalchemy.types import TypeDecorator

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables. Names of constraints are fixed, so that migrations can say which they mean."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds_of(moment: datetime) -> int:
    """Whole microseconds since 1970 in UTC.

    Raises:
        InputError: If *moment* has no time zone, or is no datetime.

    >>> microseconds_of(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise InputError(
            f"a time must be a datetime with a zone, such as datetime.now(timezone.utc), "
            f"got {shown(moment)}."
        )
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(microseconds: int) -> datetime:
    """The datetime in UTC, exact."""
    return _EPOCH + timedelta(microseconds=microseconds)


def _moment_or_none(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


class Moment(TypeDecorator[datetime]):
    """A datetime with a zone, kept as microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return None if value is None else microseconds_of(value)

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[int | None], Any]:
        # In place of `process_result_value`, which costs a second call for each value.
        return _moment_or_none


class Named(TypeDecorator[StrEnum]):
    """A member of an enumeration of names, kept as its name."""

    impl = Text
    cache_ok = True

    def __init__(self, members: type[StrEnum]) -> None:
        super().__init__()
        self.members = members
        self._by_name: dict[str | None, StrEnum] = {one.value: one for one in members}

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else self.members(value).value

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[str | None], Any]:
        return self._by_name.get


Key = Text().with_variant(Text(collation="C"), "postgresql")
"""An id, sorted by its bytes."""

Document = JSON(none_as_null=True)
"""A value that JSON can hold, with the order of its keys."""


def workspace_key() -> Column[str]:
    """The first part of the key of a table on what belongs to a workspace."""
    return Column("workspace_id", Key, ForeignKey("workspace.workspace_id"), primary_key=True)
