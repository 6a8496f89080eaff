"""`Erasures`: take memories out of everything that knows of them, as `service.erasures`.

Order matters. What calls left is written first, so that the erasure sees it; what they leave later
is not written if they chose before the erasure. Then the rows go in one transaction, the pools of
this process are dropped and those of others load anew at their next use, and at last the bytes are
freed. A receipt is given only when nothing is found any more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.remembering.change import named_ids
from mba_integrations.services.memory.tallies import Event
from mba_integrations.services.store.erasure import erasing
from mba_integrations.services.store.errors import StoreError
from mba_integrations.services.store.rows.erasures import ErasedKind, Erasure
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import workspaces

Named = str | Sequence[str] | None


class Erasures:
    """Erase, and show the receipts."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    def erase(
        self,
        workspace_id: str,
        *,
        memory_ids: Named = None,
        subjects: Named = None,
        sources: Named = None,
        actor: str | None = None,
        request: str | None = None,
    ) -> Erasure:
        """Erase memories; comes back when no bytes of them are left, as far as the receipt says.

        What was erased does not come back with an import, nor with the restore of a backup. An
        erasure by ids takes those alone: `history` names the memories before and after them.

        Args:
            workspace_id: Of which workspace.
            memory_ids: By ids, also of superseded and forgotten memories.
            subjects: All about these people.
            sources: All from these conversations and documents.
            actor: Who asks for it, for the receipt.
            request: Names the request; made again, it is answered with the first receipt, once
                no bytes are left.

        Returns:
            A receipt with the rows that went, by table, and how their bytes were freed.

        Raises:
            InputError: If not exactly one of the three is given.
            StoreError: If something is still there; then the erasure is not done.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        kind, values = _chosen(memory_ids, subjects, sources)
        self._equipment.tallies.count(Event.ERASING)
        try:
            return self._erased(workspace_id, kind, values, actor, request)
        finally:
            self._equipment.tallies.count(Event.ERASING, by=-1)

    def _erased(
        self,
        workspace_id: str,
        kind: ErasedKind,
        values: Sequence[str],
        actor: str | None,
        request: str | None,
    ) -> Erasure:
        equipment = self._equipment
        equipment.trail.flush()
        erasure_id = new_id(equipment.clock()) if request is None else _id_of(request)

        def act(writing: Writing) -> Erasure:
            before = None if request is None else erasing.receipt(writing, erasure_id)
            return before or erasing.erase(writing, erasure_id, kind, values)

        receipt = equipment.write(workspace_id, act, actor=actor)
        equipment.trail.drop(workspace_id)
        equipment.pools.drop(workspace_id)
        equipment.past_gains.drop(workspace_id)
        equipment.models.clear()
        freed = equipment.store.scrub(workspace_id)
        self._verify(workspace_id, kind, values)
        equipment.tallies.count(Event.ERASURE)
        return replace(receipt, freed=freed)

    def receipts(self, workspace_id: str) -> tuple[Erasure, ...]:
        """Receipts of a workspace, the latest first."""
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            return erasing.receipts(reading)

    def _verify(self, workspace_id: str, kind: ErasedKind, values: Sequence[str]) -> None:
        with self._equipment.read(workspace_id) as reading:
            left = erasing.chosen(reading, kind, values)
        if left:
            raise StoreError(
                f"{len(left):,} memories came in while the others were erased, such as "
                f"{left[0]!r}. Erase again."
            )


def _id_of(request: str) -> str:
    return hashlib.sha256(request.encode()).hexdigest()[:32]


def _chosen(memory_ids: Named, subjects: Named, sources: Named) -> tuple[ErasedKind, list[str]]:
    given = {
        ErasedKind.MEMORY: memory_ids,
        ErasedKind.SUBJECT: subjects,
        ErasedKind.SOURCE: sources,
    }
    named = [(kind, value) for kind, value in given.items() if value is not None]
    if len(named) != 1:
        raise InputError(f"erase by memory_ids, subjects or sources; got {len(named)} of them.")
    kind, values = named[0]
    return kind, named_ids(values) if values is not None else []
