"""Words of the memories of a large workspace: which texts have a term, in parts of many texts.

Only workspaces above the size that a pool may have get rows here, and only on Postgres.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table

from mba_integrations.services.store.tables.columns import (
    METADATA,
    Document,
    Key,
    workspace_key,
)

word_part = Table(
    "word_part",
    METADATA,
    workspace_key(),
    Column("part", BigInteger, primary_key=True, autoincrement=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("texts", Integer, nullable=False),
    Column("terms", BigInteger, nullable=False),
    Column("languages", Document, nullable=False),
)
"""Which places of the sequence, first and last included, the postings of a part are of."""

word_posting = Table(
    "word_posting",
    METADATA,
    workspace_key(),
    Column("term", Key, primary_key=True),
    Column("part", BigInteger, primary_key=True, autoincrement=False),
    Column("texts", Integer, nullable=False),
    Column("pairs", LargeBinary, nullable=False),  # see `statements.prefetch.postings`
    Index(None, "workspace_id", "part"),
)
