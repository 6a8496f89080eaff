"""Vectors: made by a job after the write, of several models side by side, changed without a gap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from memory_services import Opened, on_both

from mba_integrations import MemoryItem
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.embedding import job
from mba_integrations.services.memory.embedding.models import EmbeddingModel
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.jobs import JobRow, JobState
from mba_integrations.testing import Clock, WordEmbedder

pytestmark = on_both

TEXTS = ["Kate skis in the Alps.", "Oslo is cold.", "Zoe sails."]


class _Named(WordEmbedder):
    """Counts the texts that it is asked for."""

    def __init__(self, name: str, dimensions: int = 64) -> None:
        super().__init__(dimensions)
        self.id = name
        self.asked: list[str] = []

    def __call__(self, texts: list[str]) -> FloatArray:
        self.asked += texts
        return super().__call__(texts)


def filled(opened: Opened, **options: Any) -> MemoryService:
    service = opened(**options)
    service.create_workspace("kate")
    service.remember("kate", TEXTS)
    return service


def vector_count(service: MemoryService) -> int:
    reply = service.recall("kate", "Kate skis", budget_tokens=900)
    found = [*reply.selected, *reply.allocation.omitted]
    return sum(one.item.embedding is not None for one in found)


def test_a_write_does_not_wait_for_vectors_and_words_find_it_at_once(opened: Opened) -> None:
    embedder = _Named("one")
    service = filled(opened, embedder=embedder)
    assert embedder.asked == []
    assert service.search("kate", "Who skis in the Alps?").hits[0].content == TEXTS[0]
    assert vector_count(service) == 0


def test_the_job_makes_each_vector_once_and_pools_learn_of_them(opened: Opened) -> None:
    embedder = _Named("one")
    service, other = filled(opened, embedder=embedder), opened(embedder=_Named("one"))
    assert vector_count(other) == 0
    assert service.jobs.run() == 1
    assert embedder.asked == TEXTS
    assert vector_count(service) == vector_count(other) == 3
    assert service.embeddings.coverage("kate") == {"one": 1.0}
    service.remember("kate", "Kate reads.")
    service.jobs.run()
    assert embedder.asked[-1] == "Kate reads."
    assert embedder.asked.count(TEXTS[0]) == 1


def test_many_writes_leave_one_job(opened: Opened) -> None:
    service = filled(opened, embedder=_Named("one"))
    for number in range(5):
        service.remember("kate", f"Kate {number}.")
    assert service.jobs.counts("kate")[JobState.QUEUED] == 1


def test_a_thread_makes_vectors_without_being_asked(opened: Opened) -> None:
    service = filled(opened, embedder=_Named("one"), background=True)
    service.jobs.wait_until_idle("kate", seconds=20)
    assert vector_count(service) == 3


def test_a_text_that_cannot_be_embedded_costs_the_others_nothing(opened: Opened) -> None:
    def embedder(texts: list[str]) -> FloatArray:
        vectors = WordEmbedder(8)(texts)
        vectors[[place for place, text in enumerate(texts) if "Oslo" in text]] = np.nan
        return vectors

    service = filled(opened, embedder=embedder, embedding_model="m")
    service.jobs.run()
    [job] = service.jobs.list("kate")
    assert job.result == {"embedded": 2, "passed_over": 1}
    assert vector_count(service) == 2


def test_an_embedder_that_fails_is_asked_again_later_and_its_error_kept(
    opened: Opened, clock: Clock
) -> None:
    broken = [True]

    def embedder(texts: list[str]) -> FloatArray:
        if broken[0]:
            raise ConnectionError("no answer")
        return WordEmbedder(8)(texts)

    service = filled(opened, embedder=embedder, embedding_model="m")
    service.jobs.run()
    [job] = service.jobs.list("kate")
    assert (job.state, job.error) == (JobState.QUEUED, "ConnectionError: no answer")
    assert service.jobs.run() == 0, "it waits before the next attempt"
    broken[0] = False
    clock.pass_seconds(60)
    service.jobs.run()
    assert vector_count(service) == 3


def test_a_job_that_fails_each_time_ends_and_can_be_tried_again(
    opened: Opened, clock: Clock
) -> None:
    def embedder(texts: list[str]) -> FloatArray:
        raise ConnectionError("no answer")

    service = filled(opened, embedder=embedder, embedding_model="m")
    for _ in range(8):
        service.jobs.run()
        clock.pass_seconds(86_400)
    [job] = service.jobs.list("kate")
    assert (job.state, job.attempts) == (JobState.FAILED, 5)
    assert service.jobs.retry("kate", job.job_id).state is JobState.QUEUED
    assert service.jobs.cancel("kate", job.job_id).state is JobState.CANCELLED
    assert service.jobs.run() == 0


def test_an_embedder_takes_the_place_of_another_when_all_is_covered(opened: Opened) -> None:
    first = _Named("one", 32)
    service = filled(opened, embedder=first)
    service.jobs.run()
    service.close()
    second = _Named("two", 64)
    former = EmbeddingModel(id="one", embedder=first)
    service = opened(embedder=second, former_embedding=former)
    service.embeddings.complete("kate")
    reply = service.recall("kate", "Who skis?", budget_tokens=900)
    assert (len(reply.selected[0].item.embedding), second.asked) == (32, [])
    assert service.jobs.run() == 1
    reply = service.recall("kate", "Who skis?", budget_tokens=900)
    assert len(reply.selected[0].item.embedding) == 64
    assert second.asked[-1] == "Who skis?"
    assert service.embeddings.coverage("kate") == {"one": 1.0, "two": 1.0}
    assert service.embeddings.drop("kate", "one") == 3
    assert service.embeddings.coverage("kate") == {"two": 1.0}


def test_vectors_of_the_model_in_use_are_not_dropped(opened: Opened) -> None:
    service = filled(opened, embedder=_Named("one"))
    with pytest.raises(InputError, match="'one' is the model in use"):
        service.embeddings.drop("kate", "one")


def test_vectors_may_be_given_and_asked_with(opened: Opened) -> None:
    service = opened(embedding_model="own")
    service.create_workspace("kate")
    items = [MemoryItem(f"m{n}", f"text {n}", "rag", embedding=np.eye(3)[n]) for n in range(3)]
    service.remember("kate", items)
    reply = service.search("kate", "unrelated", query_embedding=[0.0, 1.0, 0.0])
    assert reply.hits[0].memory_id == "m1"


def test_a_revised_text_has_a_vector_of_its_own(opened: Opened) -> None:
    embedder = _Named("one")
    service = filled(opened, embedder=embedder)
    service.jobs.run()
    service.revise("kate", service.list("kate").rows[-1].memory_id, "Kate surfs.")
    service.jobs.run()
    assert embedder.asked[-1] == "Kate surfs."
    assert service.embeddings.coverage("kate") == {"one": 1.0}


def test_a_query_is_embedded_once(opened: Opened) -> None:
    embedder = _Named("one")
    service = filled(opened, embedder=embedder)
    service.jobs.run()
    for _ in range(3):
        service.recall("kate", "Who skis?")
    assert embedder.asked.count("Who skis?") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param(
            {"embedder": lambda texts: texts}, "must name what the embedder is", id="name"
        ),
        pytest.param({"embedder": 3, "embedding_model": "m"}, "must be a function", id="number"),
        pytest.param({"embedding_model": ""}, "embedding_model must be a text", id="empty"),
        pytest.param(
            {"embedding_model": "m", "former_embedding": EmbeddingModel(id="m")},
            "have one name",
            id="same-name",
        ),
    ],
)
def test_a_model_without_a_name_of_its_own_is_refused(
    opened: Opened, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        opened(**options)


def test_how_far_the_job_is_is_kept_and_told(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "BATCH", 2)
    service = filled(opened, embedder=_Named("one"))
    seen: list[tuple[float, float]] = []

    def told(row: JobRow, part: float) -> None:
        seen.append((part, service.jobs.get("kate", row.job_id).progress))

    service.jobs.run(progress=told)
    assert seen == [(2 / 3, 2 / 3), (1.0, 1.0)]
