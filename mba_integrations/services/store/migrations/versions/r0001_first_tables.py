"""The first tables.

On Postgres the large ones are in 32 parts by workspace from the beginning, since cutting a table
later means to copy it. Rows are fenced by workspace: a transaction that names none sees none.
"""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    insert,
)

from mba_integrations.services.store.fences import cut, fence, may_use
from mba_integrations.services.store.migrations.upgrading import new_ledger_key

revision = "0001"
down_revision: str | None = None

_TABLES = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
_KEY = Text().with_variant(Text(collation="C"), "postgresql")
_MOMENT = BigInteger()  # microseconds since 1970
_DOCUMENT = JSON(none_as_null=True)
_PARTS: dict[str, Any] = {"postgresql_partition_by": "HASH (workspace_id)"}
_CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


def _part_of_key(name: str, kind: Any = _KEY) -> Column[Any]:
    return Column(name, kind, primary_key=True, autoincrement=False)


def _workspace() -> Column[Any]:
    return Column("workspace_id", _KEY, ForeignKey("workspace.workspace_id"), primary_key=True)


def _needed(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _index(*names: str, unique: bool = False) -> Index:
    return Index(None, *names, unique=unique)


Table(
    "store_info",
    _TABLES,
    _part_of_key("name"),
    _needed("value", Text),
)
Table(
    "workspace",
    _TABLES,
    _part_of_key("workspace_id"),
    _needed("settings", _DOCUMENT),
    _needed("settings_version", Integer),
    _needed("retention", _DOCUMENT),
    _needed("time_zone", Text),
    _needed("change_seq", BigInteger),
    _needed("feed_from", BigInteger),
    _needed("created_at", _MOMENT),
)
Table(
    "workspace_settings",
    _TABLES,
    _workspace(),
    _part_of_key("version", Integer),
    _needed("settings", _DOCUMENT),
    _needed("at", _MOMENT),
    Column("actor", Text),
)
Table(
    "memory",
    _TABLES,
    _workspace(),
    _part_of_key("memory_id"),
    _needed("content", Text),
    _needed("tier", Text),
    _needed("importance", Double),
    Column("created_at", _MOMENT),
    Column("event_at", _MOMENT),
    Column("last_accessed_at", _MOMENT),
    _needed("access_count", BigInteger),
    Column("expires_at", _MOMENT),
    Column("source", _KEY),
    Column("position", Double),
    Column("group_id", _KEY),
    _needed("pinned", Boolean),
    _needed("held", Boolean),
    _needed("metadata", _DOCUMENT),
    Column("subject", _KEY),
    Column("author", _KEY),
    Column("client", _KEY),
    Column("session_id", _KEY),
    _needed("state", Text),
    Column("superseded_by", _KEY),
    _needed("tier_since", _MOMENT),
    _needed("stored_at", _MOMENT),
    _needed("content_hash", _KEY),
    _needed("added_seq", BigInteger),
    _needed("change_seq", BigInteger),
    _index("workspace_id", "added_seq", unique=True),
    _index("workspace_id", "content_hash"),
    _index("workspace_id", "expires_at"),
    _index("workspace_id", "source"),
    _index("workspace_id", "subject"),
    **_PARTS,
)
Table(
    "memory_vector",
    _TABLES,
    _workspace(),
    _part_of_key("model_id"),
    _part_of_key("memory_id"),
    _needed("dim", Integer),
    _needed("vector", LargeBinary),
    _index("workspace_id", "memory_id"),
    **_PARTS,
)
Table(
    "memory_tag",
    _TABLES,
    _workspace(),
    _part_of_key("tag"),
    _part_of_key("memory_id"),
    _index("workspace_id", "memory_id"),
    **_PARTS,
    **_CLUSTERED,
)
Table(
    "memory_version",
    _TABLES,
    _workspace(),
    _part_of_key("memory_id"),
    _part_of_key("change_seq", BigInteger),
    _needed("content", Text),
    _needed("replaced_at", _MOMENT),
)
Table(
    "memory_access",
    _TABLES,
    _workspace(),
    _part_of_key("session_id"),
    _part_of_key("hour", BigInteger),
    _part_of_key("memory_id"),
    **_CLUSTERED,
)
Table(
    "memory_change",
    _TABLES,
    _workspace(),
    _part_of_key("change_seq", BigInteger),
    _needed("memory_id", _KEY),
    _needed("op", Text),
    Column("before_hash", _KEY),
    Column("after_hash", _KEY),
    Column("tier_from", Text),
    Column("tier_to", Text),
    Column("related_id", _KEY),
    Column("review_id", _KEY),
    Column("reason", Text),
    _needed("at", _MOMENT),
    Column("actor", Text),
    _index("workspace_id", "at"),
    _index("workspace_id", "memory_id"),
    **_PARTS,
)
Table(
    "session",
    _TABLES,
    _workspace(),
    _part_of_key("session_id"),
    Column("previous", _DOCUMENT),
    _needed("updated_at", _MOMENT),
    Column("ended_at", _MOMENT),
    _index("workspace_id", "updated_at"),
)
Table(
    "allocation",
    _TABLES,
    _workspace(),
    _part_of_key("allocation_id"),
    _needed("at", _MOMENT),
    _needed("record", _DOCUMENT),
    Column("session_id", _KEY),
    Column("settings_version", Integer),
    Column("core_version", Text),
    Column("change_seq", BigInteger),
    Column("prefix_hash", Text),
    Column("stable_prefix_tokens", Integer),
    Column("query_hash", Text),
    _index("workspace_id", "at"),
    _index("workspace_id", "session_id"),
    **_PARTS,
)
Table(
    "allocation_item",
    _TABLES,
    _workspace(),
    _part_of_key("allocation_id"),
    _part_of_key("place", Integer),
    _needed("memory_id", _KEY),
    _needed("selected", Boolean),
    Column("tokens", Integer),
    Column("score", Double),
    Column("reason", Text),
    _index("workspace_id", "memory_id"),
    **_PARTS,
    **_CLUSTERED,
)
Table(
    "feedback",
    _TABLES,
    _workspace(),
    _part_of_key("allocation_id"),
    _part_of_key("memory_id"),
    _part_of_key("origin"),
    Column("useful", Boolean),
    _needed("at", _MOMENT),
    _index("workspace_id", "memory_id"),
)
Table(
    "job",
    _TABLES,
    _workspace(),
    _part_of_key("job_id"),
    _needed("kind", _KEY),
    _needed("payload", _DOCUMENT),
    _needed("state", Text),
    _needed("attempts", Integer),
    _needed("max_attempts", Integer),
    Column("lease_owner", Text),
    Column("lease_until", _MOMENT),
    _needed("run_after", _MOMENT),
    _needed("progress", Double),
    Column("result", _DOCUMENT),
    Column("error", Text),
    _needed("created_at", _MOMENT),
    Column("finished_at", _MOMENT),
    _index("state", "run_after"),
)
Table(
    "answer",
    _TABLES,
    _workspace(),
    _part_of_key("key"),
    _needed("request_hash", Text),
    _needed("response", _DOCUMENT),
    _needed("expires_at", _MOMENT),
    _index("workspace_id", "expires_at"),
)
Table(
    "erasure",
    _TABLES,
    _workspace(),
    _part_of_key("erasure_id"),
    _needed("at", _MOMENT),
    Column("actor", Text),
    _needed("counts", _DOCUMENT),
)
Table(
    "erased",
    _TABLES,
    _part_of_key("workspace_id"),
    _part_of_key("kind", Text),
    _part_of_key("digest"),
    _needed("erased_at", _MOMENT),
)


def upgrade() -> None:
    """Make the tables, the parts, the fences and the key of the ledger."""
    connection = op.get_bind()
    _TABLES.create_all(connection)
    info = _TABLES.tables["store_info"]
    connection.execute(insert(info), {"name": "ledger_key", "value": new_ledger_key()})
    if connection.dialect.name == "postgresql":
        for table in _TABLES.sorted_tables:
            if table is not info:
                fence(connection, table.name)
            if table.dialect_options["postgresql"]["partition_by"]:
                cut(connection, table.name)
            may_use(connection, table.name)
