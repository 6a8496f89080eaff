"""`GlancingConnection`: a connection to a file that looks at single rows and waits for nobody.

SQLAlchemy writes each statement once; what is sent afterwards goes to the driver alone, 15
microseconds for a row that is found by its key. Such a read takes no lock that others hold but
while they restore a file after a crash: then it fails at once, in place of waiting.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import sqlite

from mba_integrations.services.store.glances import Seen
from mba_integrations.services.store.owned import Rows
from mba_integrations.services.store.sqlite.connecting import glancing_connection
from mba_integrations.services.store.sqlite.failures import our_errors

_DIALECT = sqlite.dialect()


class GlancingConnection:
    """Looks at single rows. Thread-safe.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = glancing_connection(path)
        # Two statements at once on one connection would share the older one's moment.
        self._lock = threading.Lock()

    def look(self, statement: Rows, values: Mapping[str, Any]) -> Seen | None:
        """The first row of a statement; None if there is none.

        Raises:
            StoreError: If the file cannot be read at once.
        """
        text, parameters = _written(statement)
        sent = [values.get(name, default) for name, default in parameters]
        with self._lock, our_errors(self._path):
            # All rows, since a statement that is not at its end keeps its moment, and the log.
            rows: list[Seen] = self._connection.execute(text, sent).fetchall()
        return rows[0] if rows else None

    def close(self) -> None:
        """Close the connection. A second time is no error."""
        with self._lock:
            self._connection.close()


@cache
def _written(statement: Rows) -> tuple[str, tuple[tuple[str, Any], ...]]:
    """A statement as SQLite reads it, and its parameters in their order, with what they are."""
    compiled = statement.compile(dialect=_DIALECT)
    names = compiled.positiontup or ()
    return compiled.string, tuple((name, compiled.params[name]) for name in names)
