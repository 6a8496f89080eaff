"""Jobs, answers to requests that may come again, and what was erased."""

from __future__ import annotations

from sqlalchemy import Column, Double, Index, Integer, Table, Text

from mba_integrations.services.store.rows.erasures import ErasedKind
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.tables.columns import (
    METADATA,
    Document,
    Key,
    Moment,
    Named,
    workspace_key,
)

job = Table(
    "job",
    METADATA,
    workspace_key(),
    Column("job_id", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("payload", Document, nullable=False),
    Column("state", Named(JobState), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", Moment),
    Column("run_after", Moment, nullable=False),
    Column("progress", Double, nullable=False),
    Column("result", Document),
    Column("error", Text),
    Column("created_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Index(None, "state", "run_after"),
)

answer = Table(
    "answer",
    METADATA,
    workspace_key(),
    Column("key", Key, primary_key=True),
    Column("request_hash", Text, nullable=False),
    Column("response", Document, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index(None, "workspace_id", "expires_at"),
)
"""What requests were answered with, by the key that the caller gave them."""

erasure = Table(
    "erasure",
    METADATA,
    workspace_key(),
    Column("erasure_id", Key, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text),
    Column("counts", Document, nullable=False),
)

erased = Table(
    "erased",
    METADATA,
    Column("workspace_id", Key, primary_key=True),  # it outlives its workspace
    Column("kind", Named(ErasedKind), primary_key=True),
    Column("digest", Key, primary_key=True),
    Column("erased_at", Moment, nullable=False),
)
"""The ledger: hashes of what must not come back."""
