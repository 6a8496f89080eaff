"""A transaction bound to one workspace: what every function of `statements` takes first.

A scope gives the statements of `owned` their workspace; nothing else can. On Postgres row-level
security is a second fence, which the store sets for the transaction.

A scope lives as long as its transaction, and belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Executable,
    Table,
    Update,
    bindparam,
)
from sqlalchemy.exc import IntegrityError

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError, UnknownWorkspaceError
from mba_integrations.services.store.bulk import columns_of_rows, insert_columns
from mba_integrations.services.store.dialect import Insert, lacks_workspace
from mba_integrations.services.store.owned import (
    OWNER,
    Rows,
    delete_all,
    delete_owned,
    insert_new,
    insert_or_add,
    insert_or_replace,
    select_all,
    select_owned,
    update_all,
    update_each,
    update_owned,
)
from mba_integrations.services.store.tables.workspaces import store_info, workspace

LONGEST_ID = 512


def checked_id(name: str, value: object) -> str:
    """An id that both databases can hold, of 1 to 512 characters.

    Raises:
        InputError: With the name, if it is anything else.
    """
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} must be a text that is not empty, got {shown(value)}.")
    if len(value) > LONGEST_ID:
        raise InputError(f"{name} has {len(value):,} characters, at most {LONGEST_ID} are kept.")
    return checked_storable(name, value)


def checked_storable(name: str, text: str) -> str:
    """A text that both databases can hold.

    Raises:
        InputError: With the name, if it has a NUL, or a half of a surrogate pair.
    """
    if "\0" in text:
        raise InputError(f"{name} holds a NUL character, which Postgres cannot keep. Take it out.")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError as error:
        sign = f"U+{ord(text[error.start]):04X}"
        raise InputError(f"{name} holds {sign}, which is no character. Take it out.") from None
    return text


_SEQUENCE = select_owned(workspace, workspace.c.change_seq).with_for_update(key_share=True)
_ADVANCE = (
    update_owned(workspace)
    .values(change_seq=workspace.c.change_seq + bindparam("count"))
    .returning(workspace.c.change_seq)
)
_INFO = select_all(store_info, store_info.c.value).where(store_info.c.name == bindparam("name"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reads what belongs to one workspace, as it stood when the scope was made.

    Attributes:
        workspace_id: Of which workspace.
        connection: In a transaction.
    """

    workspace_id: str
    connection: Connection = field(repr=False)

    def select(self, table: Table, *columns: ColumnElement[Any]) -> Rows:
        """These columns, or all, of the workspace's rows."""
        return select_owned(table, *columns)

    def execute(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Send a statement of `owned`, with these parameters, for this workspace."""
        return self.connection.execute(statement, {OWNER: self.workspace_id, **(values or {})})

    def values(self, statement: Executable) -> list[tuple[Any, ...]]:
        """All rows of a statement of `owned` as the driver gives them, unconverted.

        For whole workspaces: the rows of SQLAlchemy take as long again as reading them.
        """
        cursor = self.execute(statement).cursor
        return [] if cursor is None else list(cursor.fetchall())

    def store_info(self, name: str) -> str:
        """What the store knows of itself under this name."""
        return _store_info(self.connection, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing(Reading):
    """Reads and writes what belongs to one workspace, all of it or nothing.

    Attributes:
        at: The moment of the write.
        actor: Who writes, for the feed of changes.
    """

    at: datetime
    actor: str | None = None
    _held: list[bool] = field(default_factory=list, repr=False, compare=False)

    def insert(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, skip_known: bool = False
    ) -> int:
        """Add rows to the workspace; gives how many.

        Args:
            table: To which table.
            rows: Values by column, without the workspace.
            skip_known: Leave rows alone whose key is there.
        """
        if not rows:
            return 0
        columns = columns_of_rows(rows)
        return self.insert_columns(table, columns, len(rows), skip_known=skip_known)

    def insert_columns(
        self,
        table: Table,
        columns: Mapping[str, Sequence[Any]],
        count: int,
        *,
        skip_known: bool = False,
    ) -> int:
        """Add *count* rows, given as a value of each by column; see `insert`."""
        statement = insert_new(self.connection.dialect.name, table, skip_known=skip_known)
        return self._add(statement, columns, count)

    def put(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows to the workspace, in place of those that have their keys."""
        if rows:
            statement = insert_or_replace(self.connection.dialect.name, table, tuple(rows[0]))
            self._add(statement, columns_of_rows(rows), len(rows))

    def add_up(
        self, table: Table, rows: Sequence[Mapping[str, Any]], *, sums: tuple[str, ...]
    ) -> None:
        """Add rows to the workspace; one whose key is there gets the sum of these columns."""
        if rows:
            statement = insert_or_add(self.connection.dialect.name, table, sums)
            self._add(statement, columns_of_rows(rows), len(rows))

    def update_each(self, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Give each of the workspace's rows its own values, found by the rest of its key."""
        if rows:
            values = [
                {OWNER: self.workspace_id} | {f"to_{name}": value for name, value in row.items()}
                for row in rows
            ]
            self.connection.execute(update_each(table, key, tuple(rows[0])), values)

    def update(self, table: Table) -> Update:
        """An UPDATE of the workspace's rows."""
        return update_owned(table)

    def delete(self, table: Table) -> Delete:
        """A DELETE of the workspace's rows."""
        return delete_owned(table)

    def next_changes(self, count: int) -> range:
        """The next places in the workspace's sequence.

        Other writers of the workspace wait from here to the end of this one. So places are taken
        in the order in which transactions end, and who knows one place knows all before it.

        Raises:
            UnknownWorkspaceError: If there is no such workspace.
        """
        if not count:
            self.hold()
            return range(0)
        last = self.execute(_ADVANCE, {"count": count}).scalar()
        if last is None:
            raise self._unknown()
        self._held.append(True)
        return range(last - count + 1, last + 1)

    def hold(self) -> None:
        """Keep other writers of the workspace out until the end of this one.

        Raises:
            UnknownWorkspaceError: If there is no such workspace.
        """
        if not self._held:
            if self.execute(_SEQUENCE).scalar() is None:
                raise self._unknown()
            self._held.append(True)

    def _add(self, statement: Insert, columns: Mapping[str, Sequence[Any]], count: int) -> int:
        owned = {**columns, "workspace_id": [self.workspace_id] * count}
        try:
            return insert_columns(self.connection, statement, owned, count)
        except IntegrityError as error:
            if lacks_workspace(error):
                raise self._unknown() from error
            raise

    def _unknown(self) -> UnknownWorkspaceError:
        return UnknownWorkspaceError(f"there is no workspace {self.workspace_id!r}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingAll:
    """Reads over all workspaces: for what keeps the store itself going, never for a caller.

    Attributes:
        connection: In a transaction.
    """

    connection: Connection = field(repr=False)

    def select(self, table: Table, *columns: ColumnElement[Any]) -> Rows:
        """These columns, or all, of the rows of all workspaces."""
        return select_all(table, *columns)

    def execute(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]:
        """Send a statement on all workspaces, with these parameters."""
        return self.connection.execute(statement, values or {})

    def store_info(self, name: str) -> str:
        """What the store knows of itself under this name."""
        return _store_info(self.connection, name)

    def within(self, workspace_id: str) -> Reading:
        """The scope of one workspace in the same transaction."""
        return Reading(workspace_id=workspace_id, connection=self.connection)


@dataclass(frozen=True, slots=True, kw_only=True)
class WritingAll(ReadingAll):
    """Reads and writes over all workspaces.

    Attributes:
        at: The moment of the write.
        actor: Who writes, for the feed of changes.
    """

    at: datetime
    actor: str | None = None

    def insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows to a table that belongs to no workspace."""
        statement = insert_new(self.connection.dialect.name, table, skip_known=False)
        self.connection.execute(statement, rows)

    def update(self, table: Table) -> Update:
        """An UPDATE of the rows of all workspaces."""
        return update_all(table)

    def delete(self, table: Table) -> Delete:
        """A DELETE of the rows of all workspaces."""
        return delete_all(table)

    def within(self, workspace_id: str) -> Writing:
        """The scope of one workspace in the same transaction."""
        return Writing(
            workspace_id=workspace_id, connection=self.connection, at=self.at, actor=self.actor
        )


def _store_info(connection: Connection, name: str) -> str:
    return str(connection.execute(_INFO, {"name": name}).scalar_one())
