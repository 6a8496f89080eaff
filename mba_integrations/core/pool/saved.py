"""Save a memory pool to a folder and load it again.

The folder holds the items, their vectors and the prepared columns as one generation, with a
manifest; see `generations`. Embeddings and columns are memory-mapped when loaded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mba_integrations.core.errors import PoolError
from mba_integrations.core.pool.generations import read_generation, write_generation
from mba_integrations.core.pool.saved_columns import read_columns, write_columns
from mba_integrations.core.pool.saved_items import read_items, write_items
from mba_integrations.core.pool.snapshot import PoolSnapshot


def save_snapshot(snapshot: PoolSnapshot, path: str | os.PathLike[str]) -> None:
    """Write the items and the columns that are prepared into the folder *path*, in place of what a
    former save left there.

    Raises:
        PoolError: If metadata is not JSON, the folder holds something else, or it cannot be
            written.
    """

    def fill(folder: Path) -> dict[str, Any]:
        record = write_items(snapshot.items, folder)
        return {**record, "columns": write_columns(snapshot, folder)}

    try:
        write_generation(Path(path), fill)
    except OSError as error:
        raise PoolError(f"the pool cannot be saved to {path}: {error}") from error


def load_snapshot(path: str | os.PathLike[str]) -> PoolSnapshot:
    """The items of a saved pool, in their order, with the columns that were saved.

    Raises:
        PoolError: If the folder is not a saved pool, is damaged, or is of a newer version.
    """
    try:
        return read_generation(Path(path), _loaded)
    except PoolError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PoolError(f"the pool in {path} is damaged: {error}") from error


def _loaded(folder: Path, manifest: dict[str, Any]) -> PoolSnapshot:
    snapshot = PoolSnapshot(read_items(folder, manifest))
    if "columns" in manifest:
        read_columns(snapshot, folder, manifest["columns"])
    return snapshot
