"""A connection bound to one workspace: what every function of `statements` takes first.

A scope begins each statement on a table of workspaces, with `workspace_id` in it. The functions of
`statements` go on from there, and import none of SQLAlchemy's `select`, `insert`, `update` and
`delete`: so none of them can forget the workspace. On Postgres row-level security is a second
fence, which the store sets for the transaction.

A scope lives as long as its transaction, and belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import Column, ColumnElement, Connection, Delete, Select, Table, Update, bindparam
from sqlalchemy.dialects import postgresql, sqlite

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError, UnknownWorkspaceError
from mba_integrations.services.store import dialect
from mba_integrations.services.store.tables.workspaces import store_info, workspace

Rows = Select[*tuple[Any, ...]]
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
    try:
        text.encode()
    except UnicodeEncodeError as error:
        sign = f"U+{ord(text[error.start]):04X}"
        raise InputError(f"{name} holds {sign}, which is no character. Take it out.") from None
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reads what belongs to one workspace, as it stood when the scope was made.

    Attributes:
        workspace_id: Of which workspace.
        connection: In a transaction.
    """

    workspace_id: str
    connection: Connection

    def select(self, table: Table, *columns: ColumnElement[Any]) -> Rows:
        """These columns, or all, of the workspace's rows."""
        chosen = columns or tuple(table.c)
        return sqlalchemy.select(*chosen).select_from(table).where(self.owns(table))

    def owns(self, table: Table) -> ColumnElement[bool]:
        """That a row belongs to the workspace."""
        return table.c.workspace_id == self.workspace_id

    def store_info(self, name: str) -> str:
        """What the store knows of itself under this name."""
        statement = sqlalchemy.select(store_info.c.value).where(store_info.c.name == name)
        return str(self.connection.execute(statement).scalar_one())

    def among(self, column: Column[Any], names: Iterable[str]) -> ColumnElement[bool]:
        """That a column of texts has one of these."""
        return dialect.among(self.connection, column, names)


@dataclass(slots=True)
class _Sequence:
    """Where the sequence of changes stands within a transaction; None while nobody asked."""

    last: int | None = None
    moved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing(Reading):
    """Reads and writes what belongs to one workspace, all of it or nothing.

    Attributes:
        at: The moment of the write.
        actor: Who writes, for the feed of changes.
    """

    at: datetime
    actor: str | None = None
    _sequence: _Sequence = field(default_factory=_Sequence, repr=False, compare=False)

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
        statement = dialect.insert_into(self.connection, table)
        if skip_known:
            statement = statement.on_conflict_do_nothing()
        owned = [{**row, "workspace_id": self.workspace_id} for row in rows]
        return self.connection.execute(statement, owned).rowcount

    def put(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows to the workspace, in place of those that have their keys."""
        if not rows:
            return
        statement: sqlite.Insert | postgresql.Insert = dialect.insert_into(self.connection, table)
        keys = [column.name for column in table.primary_key]
        news = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=news)
        owned = [{**row, "workspace_id": self.workspace_id} for row in rows]
        self.connection.execute(statement, owned)

    def update_each(self, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Give each of the workspace's rows its own values, found by the rest of its key."""
        if not rows:
            return
        values: dict[str, Any] = {name: bindparam(f"to_{name}") for name in rows[0] if name != key}
        statement = self.update(table).where(table.c[key] == bindparam(f"to_{key}")).values(values)
        self.connection.execute(
            statement, [{f"to_{name}": value for name, value in row.items()} for row in rows]
        )

    def update(self, table: Table) -> Update:
        """An UPDATE of the workspace's rows."""
        return sqlalchemy.update(table).where(self.owns(table))

    def delete(self, table: Table) -> Delete:
        """A DELETE of the workspace's rows."""
        return sqlalchemy.delete(table).where(self.owns(table))

    def next_changes(self, count: int) -> range:
        """The next places in the workspace's sequence.

        From the first call on, other writers of the workspace wait for the end of this one. So
        places are taken in the order in which transactions end, and a reader who knows one place
        knows all before it.

        Raises:
            UnknownWorkspaceError: If there is no such workspace.
        """
        last = self.hold()
        self._sequence.last = last + count
        self._sequence.moved = self._sequence.moved or count > 0
        return range(last + 1, last + count + 1)

    def hold(self) -> int:
        """Keep other writers of the workspace out until the end; gives where the sequence stands.

        Raises:
            UnknownWorkspaceError: If there is no such workspace.
        """
        if self._sequence.last is None:
            statement = self.select(workspace, workspace.c.change_seq).with_for_update(
                key_share=True
            )
            found = self.connection.execute(statement).scalar()
            if found is None:
                raise UnknownWorkspaceError(f"there is no workspace {self.workspace_id!r}.")
            self._sequence.last = int(found)
        return self._sequence.last

    def finish(self) -> None:
        """Write down where the sequence stands; the store calls it before it commits."""
        if self._sequence.moved:
            self.connection.execute(self.update(workspace).values(change_seq=self._sequence.last))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingAll:
    """Reads over all workspaces: for what keeps the store itself going, never for a caller.

    Attributes:
        connection: In a transaction.
    """

    connection: Connection

    def select(self, table: Table, *columns: ColumnElement[Any]) -> Rows:
        """These columns, or all, of the rows of all workspaces."""
        return sqlalchemy.select(*(columns or tuple(table.c))).select_from(table)

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
    _opened: dict[str, Writing] = field(default_factory=dict, repr=False, compare=False)

    def update(self, table: Table) -> Update:
        """An UPDATE of the rows of all workspaces."""
        return sqlalchemy.update(table)

    def delete(self, table: Table) -> Delete:
        """A DELETE of the rows of all workspaces."""
        return sqlalchemy.delete(table)

    def within(self, workspace_id: str) -> Writing:
        """The scope of one workspace in the same transaction."""
        if workspace_id not in self._opened:
            self._opened[workspace_id] = Writing(
                workspace_id=workspace_id,
                connection=self.connection,
                at=self.at,
                actor=self.actor,
            )
        return self._opened[workspace_id]

    def finish(self) -> None:
        """Write down where the sequences stand; the store calls it before it commits."""
        for writing in self._opened.values():
            writing.finish()


Work = Callable[[Writing], Any]


def in_parts(values: Iterable[Any], most: int) -> Iterator[list[Any]]:
    """The values in lists of at most *most*."""
    part: list[Any] = []
    for value in values:
        part.append(value)
        if len(part) == most:
            yield part
            part = []
    if part:
        yield part
