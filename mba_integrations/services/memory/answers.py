"""`Answers`: what requests of a skin were answered, so that one that comes again is not done again.

As `service.answers`. `remember` has a key of its own, within its transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.store.statements import answers


class Answers:
    """Answers by the name of the request, in its workspace, for 24 hours."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    def find(self, workspace_id: str, name: str, digest: str) -> Mapping[str, Any] | None:
        """What a request was answered; None if it is new, or too long ago.

        Raises:
            IdempotencyConflictError: If the name came with another request.
        """
        with self._equipment.read(workspace_id) as reading:
            known = answers.find(reading, name, digest)
        if known is None or known.expires_at <= self._equipment.clock():
            return None
        return known.response

    def keep(self, workspace_id: str, name: str, digest: str, answer: Mapping[str, Any]) -> None:
        """Keep an answer."""
        kept = partial(answers.keep, key=name, request_hash=digest, response=answer)
        self._equipment.write(workspace_id, kept)
