"""The ledger of erasures: hashes of what must not come back, with a key of the store's own.

Names of people are few enough to be tried out, so a plain hash would tell them. The key is made
with the store and goes into its backups: a restored backup knows the hashes again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence

from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.rows.erasures import ErasedKind, LedgerEntry
from mba_integrations.services.store.scopes import Reading, ReadingAll, Writing
from mba_integrations.services.store.tables.work import erased

LEDGER_KEY = "ledger_key"
"""Name of the key in `store_info`."""


def entries(reading: Reading | ReadingAll) -> tuple[LedgerEntry, ...]:
    """All that was erased."""
    statement = reading.select(erased).order_by(erased.c.workspace_id, erased.c.digest)
    return tuple(
        LedgerEntry(
            workspace_id=found.workspace_id,
            kind=found.kind,
            digest=found.digest,
            erased_at=found.erased_at,
        )
        for found in reading.execute(statement)
    )


def was_erased(reading: Reading, kind: ErasedKind, values: Iterable[str]) -> frozenset[str]:
    """Which of these ids, subjects, sources or texts were erased: what an import leaves out."""
    digests = digests_of(reading, kind, values)
    statement = reading.select(erased, erased.c.digest).where(
        erased.c.kind == kind, among(erased.c.digest, digests)
    )
    return frozenset(digests[found] for found in reading.execute(statement).scalars())


def enter(writing: Writing, kind: ErasedKind, values: Iterable[str]) -> None:
    """Enter what is being erased, as of now."""
    digests = sorted(digests_of(writing, kind, values))
    writing.put(erased, [{"kind": kind, "digest": one, "erased_at": writing.at} for one in digests])


def enter_again(writing: Writing, kept: Sequence[LedgerEntry]) -> None:
    """Enter what another copy of the store says was erased in the scope's workspace."""
    writing.put(
        erased,
        [
            {"kind": one.kind, "digest": one.digest, "erased_at": one.erased_at}
            for one in kept
            if one.workspace_id == writing.workspace_id
        ],
    )


def digests_of(reading: Reading, kind: ErasedKind, values: Iterable[str]) -> dict[str, str]:
    """What the ledger keeps of values, with the value of each."""
    key = key_of(reading)
    return {key(kind, value): value for value in values}


def key_of(reading: Reading) -> Callable[[ErasedKind, str], str]:
    """What makes the digest of a value of the scope's workspace."""
    secret = bytes.fromhex(reading.store_info(LEDGER_KEY))

    def digest(kind: ErasedKind, value: str) -> str:
        said = "\0".join((reading.workspace_id, kind, value)).encode()
        return hmac.new(secret, said, hashlib.sha256).hexdigest()

    return digest
