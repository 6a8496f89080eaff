"""What calls through the gateway may spend, and what they used."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Table

from mba_integrations.services.store.rows.gateway.usage import NAMES
from mba_integrations.services.store.rows.rollups import Span
from mba_integrations.services.store.tables.columns import (
    METADATA,
    Key,
    Moment,
    Named,
    workspace_key,
)

spend_period = Table(
    "spend_period",
    METADATA,
    workspace_key(),
    Column("account", Key, primary_key=True),
    Column("subject", Key, primary_key=True),
    Column("start", Moment, primary_key=True, autoincrement=False),
    Column("ends_at", Moment, nullable=False),
    Column("used", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Index(None, "workspace_id", "ends_at"),
)
"""How accounts stand; `used` of a rolling window is the sum of its slices."""

spend_slice = Table(
    "spend_slice",
    METADATA,
    workspace_key(),
    Column("account", Key, primary_key=True),
    Column("subject", Key, primary_key=True),
    Column("start", Moment, primary_key=True, autoincrement=False),
    Column("ends_at", Moment, nullable=False),
    Column("used", BigInteger, nullable=False),
    Index(None, "workspace_id", "ends_at"),
)
"""What leaves a rolling window, and when."""

spend_reservation = Table(
    "spend_reservation",
    METADATA,
    workspace_key(),
    Column("reservation_id", Key, primary_key=True),
    Column("account", Key, primary_key=True),
    Column("subject", Key, primary_key=True),
    Column("start", Moment, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("lease_until", Moment, nullable=False),
    Column("lapsed", Boolean, nullable=False),
    Index(None, "workspace_id", "lease_until"),
)
"""What calls that run may spend. One that has lapsed is kept, so that it may still be settled."""

gateway_usage = Table(
    "gateway_usage",
    METADATA,
    workspace_key(),
    Column("span", Named(Span), primary_key=True),
    Column("start", Moment, primary_key=True, autoincrement=False),
    Column("level", Key, primary_key=True),
    Column("model", Key, primary_key=True),
    Column("session_id", Key, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in NAMES),
    sqlite_with_rowid=False,
)
"""What calls used, by minute, hour and day."""
