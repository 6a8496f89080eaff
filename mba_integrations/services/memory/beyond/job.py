"""The job that indexes a workspace which is too large for a pool.

    1  pins, groups and sources      indexes of their own, seconds
    2  words                         in parts, each read and cut outside of any transaction
    3  vectors                       once more for pgvector, and their HNSW index

Others read and write meanwhile. What is not indexed yet is found too, by reading it; vectors are
searched once their index is whole. A job that died is begun again where it stood.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from itertools import islice

from mba_integrations.services.memory.errors import JobError
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.jobs.work import JobWork
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import (
    changes,
    finding,
    jobs,
    vectors,
    workspaces,
)
from mba_integrations.services.store.statements.prefetch import nearest, parts
from mba_integrations.services.store.statements.prefetch.parts import MOST_SPAN, Part, TextOf
from mba_integrations.services.store.statements.prefetch.postings import Pairs, cut_part

KIND = "index"
PART_TEXTS = 50_000
"""Of a part: to make one takes some seconds, to read as many texts in its place 0.2 s a recall."""
SMALL_PART = PART_TEXTS // 10
"""Texts that may stand in no part until a job is asked for."""
_POSTINGS_AT_ONCE = 5_000
_VECTORS_AT_ONCE = 2_000
_TRIES = 20
_WORDS_DONE, _VECTORS_DONE = 0.4, 0.6
_LOOK_SECONDS = 5.0
_CHANGE_WORDS = frozenset({ChangeOp.REWRITE, ChangeOp.RESTORE, ChangeOp.PRUNE, ChangeOp.ERASE})
_STAND = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED)


def is_wanted(reading: Reading, model_id: str | None, gap_texts: int) -> bool:
    """Whether the workspace is to be indexed, and no job does it, waits or failed to.

    Args:
        reading: The scope.
        model_id: Of which model its vectors are.
        gap_texts: Texts that stand in no part.
    """
    has_vectors = model_id is not None and nearest.has_column(reading)
    ready = not has_vectors or nearest.is_ready(reading, model_id or "")
    if gap_texts < SMALL_PART and ready and parts.are_kept(reading):
        return False
    return not any(job.kind == KIND for job in jobs.listed(reading, states=_STAND))


def enqueue(writing: Writing) -> None:
    """Put the job in, unless one waits."""
    jobs.enqueue(writing, new_id(writing.at), KIND, {}, once=True)


def index_workspace(work: JobWork) -> None:
    """The job."""
    with work.equipment.read(work.workspace_id) as reading:
        model_id = work.equipment.models.model_of(reading, None)
        numbers = None if model_id is None else vectors.dim(reading, model_id)
        began = parts.are_kept(reading)
    with work.equipment.store.large_indexes(work.workspace_id) as indexes:
        has_column = indexes.add_column()
        indexes.make_places()
        if model_id is not None and not began:
            indexes.drop_vectors(model_id)  # of an earlier time, without what came since
    work.write(_begin)
    made, kept = _make_parts(work), 0
    if model_id and numbers and has_column and nearest.can_index(numbers):
        kept = _keep_vectors(work, model_id)
        _make_index(work, model_id, numbers)
    work.finish(lambda writing: {"parts": made, "vectors": kept, "has_pgvector": has_column})


def _begin(writing: Writing) -> None:
    parts.begin(writing)
    parts.drop_unfinished(writing)


def _make_parts(work: JobWork) -> int:
    """Have every text in a part that is there now; gives how many parts were made."""
    with work.equipment.read(work.workspace_id) as reading:
        last = workspaces.change_seq(reading)
    made = tries = 0
    while tries < _TRIES:
        with work.equipment.read(work.workspace_id) as reading:
            part, texts = _next_part(reading, last)
        if part is None:
            return made
        is_whole = _make_part(work, part, texts, progress=_WORDS_DONE * part.last_seq / last)
        made, tries = made + is_whole, 0 if is_whole else tries + 1
    raise JobError("texts were rewritten faster than their words could be indexed.")


def _next_part(reading: Reading, end: int) -> tuple[Part | None, Sequence[TextOf]]:
    """The part that is to be made next, as of the scope, and its texts."""
    known = parts.listed(reading)
    for first, last in parts.uncovered(known):
        if first > end or not parts.texts_between(reading, first, last, limit=1):
            continue
        small = [one for one in known if one.last_seq == first - 1 and 0 < one.texts < PART_TEXTS]
        start = small[0].first_seq if small else first
        until = workspaces.change_seq(reading) if last is None else last
        until = min(until, start + MOST_SPAN - 1)
        texts = parts.texts_between(reading, start, until, limit=PART_TEXTS)
        if len(texts) == PART_TEXTS:
            until = texts[-1][0]
        number = max(one.part for one in known) + 1
        seq = workspaces.change_seq(reading)
        return Part(number, start, until, as_of=seq), texts
    return None, ()


def _make_part(work: JobWork, part: Part, texts: Sequence[TextOf], *, progress: float) -> bool:
    """Write a part; False if its texts were changed meanwhile, and nothing counts."""
    places = [seq - part.first_seq for seq, _, _ in texts]
    cut = cut_part(places, [text for _, text, _ in texts], [terms for _, _, terms in texts])
    for pairs in _batches(cut.pairs):
        work.write(partial(parts.add_postings, part=part.part, pairs=pairs), progress=progress)
    whole = replace(part, texts=cut.texts, terms=cut.terms, languages=cut.languages)
    return work.write(partial(_put_unless_changed, part=whole))


def _batches(pairs: Iterable[tuple[str, Pairs]]) -> Iterator[list[tuple[str, Pairs]]]:
    left = iter(pairs)
    while batch := list(islice(left, _POSTINGS_AT_ONCE)):
        yield batch


def _put_unless_changed(writing: Writing, part: Part) -> bool:
    feed = changes.changes_since(writing, part.as_of)
    told = {one.memory_id for one in feed.changes if one.op in _CHANGE_WORDS}
    known = finding.find(writing, told)
    within = [one for one in known.values() if part.covers(one.added_seq)]
    if within or len(known) < len(told) or not feed.complete:
        parts.drop_unfinished(writing)
        return False
    parts.put(writing, part)
    return True


def _keep_vectors(work: JobWork, model_id: str) -> int:
    """Have every vector of the model kept for pgvector as well; gives how many were not."""
    kept, after = 0, ""
    while True:
        done, after = work.write(
            partial(nearest.keep_missing, model_id=model_id, after=after, most=_VECTORS_AT_ONCE),
            progress=_WORDS_DONE,
        )
        kept += done
        if done < _VECTORS_AT_ONCE:
            return kept


def _make_index(work: JobWork, model_id: str, numbers: int) -> None:
    """Have the index of the vectors, with a sign of life every few seconds."""
    store, workspace_id = work.equipment.store, work.workspace_id
    with work.equipment.read(workspace_id) as reading:
        count = finding.total(reading)

    def make() -> None:
        with store.large_indexes(workspace_id) as indexes:
            indexes.make_vectors(model_id, numbers=numbers, count=count)

    with ThreadPoolExecutor(1, thread_name_prefix="mba-index") as threads:
        making = threads.submit(make)
        while wait([making], _LOOK_SECONDS).not_done:
            with store.large_indexes(workspace_id) as indexes:
                done = _VECTORS_DONE + (1.0 - _VECTORS_DONE) * indexes.progress()
            work.write(lambda writing: None, progress=min(done, 0.99))
        making.result()
