"""Which tables hold what belongs to a workspace, and which are cut into partitions on Postgres."""

from __future__ import annotations

import re

from sqlalchemy import Table

from mba_integrations.services.store.tables import (
    documents,
    gateway,  # noqa: F401 - its tables are among those of METADATA
    keys,
    log,
    memories,
    proposals,  # noqa: F401 - as those of gateway
    words,
    work,
    workspaces,
)
from mba_integrations.services.store.tables.columns import METADATA

NOBODYS: tuple[Table, ...] = (workspaces.store_info, keys.api_key)
"""Tables that belong to no workspace."""

TENANT_TABLES: tuple[Table, ...] = tuple(
    table for table in METADATA.sorted_tables if table not in NOBODYS
)
"""Tables on what belongs to a workspace, those that others refer to first."""

PARTITIONED: tuple[Table, ...] = (
    memories.memory,
    memories.memory_vector,
    memories.memory_tag,
    memories.memory_change,
    words.word_posting,
    documents.document,
    log.allocation,
    log.allocation_item,
)
"""Those that grow with use, which Postgres keeps in parts by workspace."""

OF_WORKSPACES: tuple[Table, ...] = tuple(
    table for table in TENANT_TABLES if table not in (workspaces.workspace, work.erased)
)
"""Those whose rows go with their workspace."""

_PARTS = re.compile(f"(?:{'|'.join(table.name for table in PARTITIONED)})_[0-9]{{2}}")


def is_partition(name: str) -> bool:
    """Whether a table of that name is a part of one of ours.

    >>> is_partition("memory_07"), is_partition("memory_tag")
    (True, False)
    """
    return _PARTS.fullmatch(name) is not None
