"""The job that makes the vectors that are missing.

Memories are embedded in batches, outside of any transaction; then the vectors are written, and one
change for each memory, so that pools learn of them. A memory that was rewritten, or went, between
the two gets no vector of its old text. One that the embedder cannot embed is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.search.embedder import embed, usable_rows
from mba_integrations.services.memory.embedding.models import EmbeddingModel, EmbeddingModels
from mba_integrations.services.memory.errors import JobError
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.jobs.work import JobWork
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import changes, finding, jobs, vectors

KIND = "embed"
BATCH = 256
Missing = tuple[str, str, int]


def ask_for_vectors(writing: Writing, models: EmbeddingModels) -> bool:
    """Put in a job that makes what is missing, unless one waits; False without an embedder."""
    model = models.current
    if model is None or model.embedder is None:
        return False
    jobs.enqueue(writing, new_id(writing.at), KIND, {"model": model.id}, once=True)
    return True


def embed_missing(work: JobWork) -> None:
    """The job."""
    model = _model(work)
    embedded = passed_over = seen = 0
    count = _count(work, model.id)
    for missing in _batches(work, model.id):
        made = _vectors(model, missing)
        usable = usable_rows(made)
        keep = partial(_keep, model_id=model.id, missing=missing, made=made, usable=usable)
        seen += len(missing)
        embedded += work.write(keep, progress=min(1.0, seen / max(1, count)))
        passed_over += int((~usable).sum())
    work.finish(lambda writing: {"embedded": embedded, "passed_over": passed_over})


def _count(work: JobWork, model_id: str) -> int:
    """How many memories have no vector; others may come while the job runs."""
    with work.equipment.read(work.workspace_id) as reading:
        active = sum(finding.count(reading).values())
        return active - vectors.coverage(reading).get(model_id, 0)


def _batches(work: JobWork, model_id: str) -> Iterator[Sequence[Missing]]:
    after = 0
    while True:
        with work.equipment.read(work.workspace_id) as reading:
            missing = vectors.missing(reading, model_id, after=after, limit=BATCH)
        if not missing:
            return
        yield missing
        after = missing[-1][2]


def _model(work: JobWork) -> EmbeddingModel:
    wanted = work.job.payload.get("model")
    model = work.equipment.models.current
    if model is None or model.id != wanted or model.embedder is None:
        raise JobError(f"this service has no embedder for model {wanted!r}.")
    return model


def _vectors(model: EmbeddingModel, missing: Sequence[Missing]) -> FloatArray:
    made = embed([text for _, text, _ in missing], model.embedder)
    if made is None or not made.shape[1]:
        raise InputError(f"embedding model {model.id!r} returned vectors without numbers.")
    return made


def _keep(
    writing: Writing,
    *,
    model_id: str,
    missing: Sequence[Missing],
    made: FloatArray,
    usable: np.ndarray,
) -> int:
    found = finding.find(writing, [memory_id for memory_id, _, _ in missing])
    still = [
        place
        for place, (memory_id, text, _) in enumerate(missing)
        if usable[place] and memory_id in found and found[memory_id].content == text
    ]
    rows = [found[missing[place][0]] for place in still]
    if rows:
        vectors.put(writing, model_id, [row.memory_id for row in rows], made[still])
        reasons = [f"embedded by {model_id}"] * len(rows)
        pairs = [(row, row) for row in rows]
        changes.record_changes(writing, ChangeOp.UPDATE, pairs, reasons=reasons)
    return len(rows)
