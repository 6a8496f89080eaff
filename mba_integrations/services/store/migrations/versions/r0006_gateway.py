"""What calls through the gateway may spend and used, and which model a session is asked of."""

from __future__ import annotations

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Text

from mba_integrations.services.store.fences import fence, may_use

revision = "0006"
down_revision = "0005"

_KEY = Text().with_variant(Text(collation="C"), "postgresql")
_FIGURES = (
    *("requests", "failed", "refused", "input_tokens", "output_tokens", "cached_tokens"),
    *("cache_write_tokens", "memory_tokens", "saved_tokens", "routed", "shadowed", "strong"),
    *("overhead_us", "timed", "priced", "cost", "routed_cost", "strong_cost", "cheap_cost"),
)


def upgrade() -> None:
    """Add the column and make the tables."""
    op.add_column("session", Column("gateway", JSON(none_as_null=True)))
    _make_spend()
    op.create_table(
        "gateway_usage",
        _workspace(),
        Column("span", Text, primary_key=True),
        Column("start", BigInteger, primary_key=True, autoincrement=False),
        Column("level", _KEY, primary_key=True),
        Column("model", _KEY, primary_key=True),
        Column("session_id", _KEY, primary_key=True),
        *(Column(name, BigInteger, nullable=False) for name in _FIGURES),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for name in ("spend_period", "spend_slice", "spend_reservation", "gateway_usage"):
            fence(connection, name)
            may_use(connection, name)


def _make_spend() -> None:
    for name in ("spend_period", "spend_slice"):
        op.create_table(
            name,
            _workspace(),
            Column("account", _KEY, primary_key=True),
            Column("subject", _KEY, primary_key=True),
            Column("start", BigInteger, primary_key=True, autoincrement=False),
            Column("ends_at", BigInteger, nullable=False),
            Column("used", BigInteger, nullable=False),
            *([Column("reserved", BigInteger, nullable=False)] if name == "spend_period" else []),
            Index(f"ix_{name}_workspace_id_ends_at", "workspace_id", "ends_at"),
        )
    op.create_table(
        "spend_reservation",
        _workspace(),
        Column("reservation_id", _KEY, primary_key=True),
        Column("account", _KEY, primary_key=True),
        Column("subject", _KEY, primary_key=True),
        Column("start", BigInteger, nullable=False),
        Column("amount", BigInteger, nullable=False),
        Column("lease_until", BigInteger, nullable=False),
        Column("lapsed", Boolean, nullable=False),
        Index("ix_spend_reservation_workspace_id_lease_until", "workspace_id", "lease_until"),
    )


def _workspace() -> Column[str]:
    return Column("workspace_id", _KEY, ForeignKey("workspace.workspace_id"), primary_key=True)
