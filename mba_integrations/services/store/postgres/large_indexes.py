"""Indexes of one large workspace, made while others read and write.

They are partial ones on the part of a table that has the workspace's rows, so other workspaces pay
nothing. An index that a process left half made is dropped and made again. Making one of a million
vectors takes minutes; how far it is can be asked meanwhile.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from mba_integrations.services.store.fences import PARTS
from mba_integrations.services.store.statements.prefetch.beside import IMPORTANT
from mba_integrations.services.store.statements.prefetch.nearest import index_name
from mba_integrations.services.store.store import LargeIndexes

MOST_BUILD_BYTES = 2 * 2**30
"""Memory that the server may take to make an index of vectors, if it needs as much."""
_LINK_BYTES = 400
_PART = text(
    f"SELECT number FROM generate_series(0, {PARTS - 1}) AS number "
    f"WHERE satisfies_hash_partition('memory'::regclass, {PARTS}, number, CAST(:workspace AS text))"
)
_IS_VALID = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")
_BESIDE = {
    "standing": ("(added_seq)", f"(pinned OR importance > {IMPORTANT})"),
    "working": ("(added_seq)", "tier = 'working'"),
    "order": (
        "(source, coalesce(position, CAST(added_seq AS double precision)))",
        "source IS NOT NULL",
    ),
    "groups": ("(group_id)", "group_id IS NOT NULL"),
}
_ADD_COLUMN = (
    "CREATE EXTENSION IF NOT EXISTS vector",
    "ALTER TABLE memory_vector ADD COLUMN IF NOT EXISTS near halfvec",
)
_AT_LEAST = text(
    "SELECT set_config('maintenance_work_mem', "
    "CAST(greatest(:kilobytes, CAST(setting AS bigint)) AS text), false) "
    "FROM pg_catalog.pg_settings WHERE name = 'maintenance_work_mem'"
)
_PROGRESS = text(
    "SELECT greatest(blocks_done / CAST(nullif(blocks_total, 0) AS float8), "
    "tuples_done / CAST(nullif(tuples_total, 0) AS float8)) "
    "FROM pg_catalog.pg_stat_progress_create_index WHERE relid = to_regclass(:name)"
)


class PostgresIndexes(LargeIndexes):
    """Indexes of one workspace.

    Args:
        connection: Which commits by itself, for no transaction can make an index beside others.
        workspace_id: Of which workspace.
    """

    def __init__(self, connection: Connection, workspace_id: str) -> None:
        self._connection = connection
        self._workspace_id = workspace_id
        self._part = int(connection.execute(_PART, {"workspace": workspace_id}).scalar_one())

    def add_column(self) -> bool:
        try:
            for statement in _ADD_COLUMN:
                self._connection.execute(text(statement))
        except DBAPIError:
            return False
        return True

    def make_places(self) -> None:
        digest = hashlib.sha256(self._workspace_id.encode()).hexdigest()[:24]
        for kind, (columns, condition) in _BESIDE.items():
            where = f"{condition} AND workspace_id = {_quoted(self._workspace_id)}"
            self._make(f"{kind}_{digest}", f"memory_{self._part:02} {columns} WHERE {where}")

    def drop_vectors(self, model_id: str) -> None:
        name = index_name(self._workspace_id, model_id)
        self._connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {name}"))

    def make_vectors(self, model_id: str, *, numbers: int, count: int) -> None:
        needed = min(count * (2 * numbers + _LINK_BYTES), MOST_BUILD_BYTES)
        self._connection.execute(_AT_LEAST, {"kilobytes": needed // 1024})
        where = f"workspace_id = {_quoted(self._workspace_id)} AND model_id = {_quoted(model_id)}"
        self._make(
            index_name(self._workspace_id, model_id),
            f"memory_vector_{self._part:02} USING hnsw ((near::halfvec({numbers})) "
            f"halfvec_ip_ops) WHERE {where}",
        )

    def progress(self) -> float:
        named = {"name": f"memory_vector_{self._part:02}"}
        found = self._connection.execute(_PROGRESS, named).scalar()
        return min(max(float(found or 0.0), 0.0), 1.0)

    def _make(self, name: str, rest: str) -> None:
        valid = self._connection.execute(_IS_VALID, {"name": name}).scalar()
        if valid is False:
            self._connection.execute(text(f"DROP INDEX CONCURRENTLY {name}"))
        if not valid:
            statement = f"CREATE INDEX CONCURRENTLY {name} ON {rest}"
            self._connection.execute(text(statement.replace(":", "\\:")))


def _quoted(value: str) -> str:
    """A text in a statement that takes no parameters."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"
