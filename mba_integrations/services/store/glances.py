"""A look at one row of a store, in microseconds, from where nothing may wait: an event loop.

A scope needs a connection of a pool, a transaction and SQLAlchemy's rows, some 300 microseconds and
a thread to spend them in. A glance sends one statement that was written once, on a connection of
its own, and gives the row as the driver has it. It sees what was committed before it began, by
whichever process, as a scope does.

Whoever remembers what they made of a row compares it with a glance: an equal row means the same.
Only rows that are found by a key are looked at; on Postgres, where each look waits for a server,
there are no glances.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mba_integrations.services.store.owned import OWNER, Rows

Seen = tuple[Any, ...]
"""A row as the driver gives it."""
Look = Callable[[Rows, Mapping[str, Any]], Seen | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """Looks at what belongs to one workspace.

    Attributes:
        workspace_id: Of which workspace.
        look: At the first row of a statement.
    """

    workspace_id: str
    look: Look = field(repr=False)

    def row(self, statement: Rows) -> Seen | None:
        """The first row of a statement of `owned`; None if there is none.

        Raises:
            StoreError: If that cannot be said without waiting.
        """
        return self.look(statement, {OWNER: self.workspace_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class GlanceAll:
    """Looks at what belongs to no workspace.

    Attributes:
        look: At the first row of a statement.
    """

    look: Look = field(repr=False)

    def row(self, statement: Rows, **values: Any) -> Seen | None:
        """The first row of a statement with these parameters; None if there is none.

        Raises:
            StoreError: If that cannot be said without waiting.
        """
        return self.look(statement, values)
