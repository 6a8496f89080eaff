"""Settings that were looked for in past recalls. They have no texts and no ids of memories."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table, Text

from mba_integrations.services.store.rows.proposals import ProposalState
from mba_integrations.services.store.tables.columns import (
    METADATA,
    Document,
    Key,
    Moment,
    Named,
    workspace_key,
)

proposal = Table(
    "proposal",
    METADATA,
    workspace_key(),
    Column("proposal_id", Key, primary_key=True),
    Column("state", Named(ProposalState), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("from_version", Integer, nullable=False),
    Column("live_version", Integer),
    Column("live_at", Moment),
    Column("changes", Document, nullable=False),
    Column("found", Document, nullable=False),
    Column("plan", Document),
    Column("shadow", Document),
    Column("reason", Text),
)
