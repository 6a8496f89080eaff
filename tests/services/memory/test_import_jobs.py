"""An import as a job: through a restart, cancelled, erased from, tried dry, asked for again."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from memory_services import Opened, on_both, texts

from mba_integrations.services.memory.jobs.runner import JobRunner
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.memory.transfer import import_job, staged
from mba_integrations.services.store.errors import IdempotencyConflictError
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.statements import answers
from mba_integrations.testing import Clock

CANARY = "Kate's canary sings."


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    made = opened()
    made.create_workspace("kate")
    return made


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged, "MOST_AT_ONCE", 2)


def counts(service: MemoryService, job_id: str) -> Any:
    """What came of the job until now."""
    return service.jobs.get("kate", job_id).result


def file_of(tmp_path: Path, *memories: dict[str, Any]) -> Path:
    path = tmp_path / "mem0.json"
    path.write_text(json.dumps(list(memories)))
    return path


@pytest.fixture
def five(tmp_path: Path) -> Path:
    """Five memories, which are three parts; one of them twice."""
    said = [f"Kate said {number}." for number in range(4)]
    entries = [{"id": f"m{number}", "memory": text} for number, text in enumerate(said)]
    return file_of(tmp_path, *entries, {"id": "again", "memory": said[0]})


def stopped_after(service: MemoryService, parts: int) -> None:
    """Work on jobs until so many parts are done, and stop as a server does that is to end."""
    stop, done = threading.Event(), []
    keep = import_job._do

    def one(*given: Any) -> None:
        keep(*given)
        done.append(given)
        if len(done) == parts:
            stop.set()

    handlers = {import_job.KIND: import_job.import_parts(extracts=False)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_job, "_do", one)
        JobRunner(service._equipment, handlers).run(most=1, stop=stop)


@on_both
def test_it_goes_on_after_a_restart_and_counts_each_part_once(opened: Opened, five: Path) -> None:
    first = opened()
    first.create_workspace("kate")
    job_id = first.transfer.begin_import("kate", five, "mem0", subject="kate").job_id
    assert texts(first) == []
    stopped_after(first, 1)
    row = first.jobs.get("kate", job_id)
    assert (row.state, row.progress, counts(first, job_id)["created"]) == (
        JobState.QUEUED,
        1 / 3,
        2,
    )
    five.unlink()
    second = opened()
    second.jobs.run()
    row = second.jobs.get("kate", job_id)
    assert (row.state, row.progress, row.attempts) == (JobState.DONE, 1.0, 1)
    assert (counts(second, job_id)["created"], counts(second, job_id)["duplicates"]) == (4, 1)
    assert texts(second) == [f"Kate said {number}." for number in range(4)]
    assert {one.subject for one in second.list("kate").rows} == {"kate"}


def test_a_worker_that_dies_within_a_part_leaves_none_of_it(
    service: MemoryService, five: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = service.transfer.begin_import("kate", five, "mem0").job_id
    drop = answers.drop

    def killed(*_: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(answers, "drop", killed)
    with pytest.raises(SystemExit):
        service.jobs.run()
    assert texts(service) == []
    monkeypatch.setattr(answers, "drop", drop)
    clock.pass_seconds(61)
    service.jobs.run()
    assert counts(service, job_id)["created"] == 4


def test_it_is_cancelled_between_two_parts_and_goes_on_with_a_retry(
    service: MemoryService, five: Path
) -> None:
    job_id = service.transfer.begin_import("kate", five, "mem0").job_id
    stopped_after(service, 2)
    assert service.jobs.cancel("kate", job_id).state is JobState.CANCELLED
    service.jobs.run()
    assert len(texts(service)) == 4
    assert service.jobs.retry("kate", job_id).state is JobState.QUEUED
    service.jobs.run()
    assert counts(service, job_id)["duplicates"] == 1


def test_a_dry_run_counts_and_keeps_nothing(service: MemoryService, five: Path) -> None:
    job_id = service.transfer.begin_import("kate", five, "mem0", dry_run=True).job_id
    service.jobs.run()
    row = service.jobs.get("kate", job_id)
    assert (row.state, counts(service, job_id)["created"], texts(service)) == (JobState.DONE, 5, [])


def test_what_is_refused_is_counted_with_its_reason(service: MemoryService, tmp_path: Path) -> None:
    path = file_of(tmp_path, {"id": "a", "memory": "x" * 300_000}, {"id": "b", "memory": "Fine."})
    job_id = service.transfer.begin_import("kate", path, "mem0").job_id
    service.jobs.run()
    result = counts(service, job_id)
    assert (result["created"], result["rejected"], len(result["reasons"])) == (1, 1, 1)


def test_the_same_request_is_one_job(service: MemoryService, five: Path, tmp_path: Path) -> None:
    first = service.transfer.begin_import("kate", five, "mem0", request="k1")
    service.jobs.run()
    assert service.transfer.begin_import("kate", five, "mem0", request="k1").job_id == first.job_id
    assert len(service.jobs.list("kate")) == 1
    with pytest.raises(IdempotencyConflictError, match="another import"):
        service.transfer.begin_import("kate", five, "mem0", dry_run=True, request="k1")


@pytest.mark.parametrize("what", [{"subjects": ["kate"]}, {"memory_ids": ["m1"]}])
def test_an_erasure_takes_what_waits(
    service: MemoryService, tmp_path: Path, what: dict[str, Any]
) -> None:
    """No byte of it is left in the store, nothing else is lost, and it does not come in."""
    job = service.transfer.begin_import("kate", file_of(tmp_path), "mem0", subject="zoe")
    assert "zoe" not in str(job.payload)
    hers = {"id": "m1", "memory": CANARY, "user_id": "kate"}
    path = file_of(tmp_path, hers, {"id": "m2", "memory": "Tom swims.", "categories": ["kate"]})
    service.transfer.begin_import("kate", path, "mem0")
    service.erasures.erase("kate", **what)
    bytes_left = b"".join(one.read_bytes() for one in tmp_path.glob("memory.db*"))
    assert CANARY.encode() not in bytes_left
    service.jobs.run()
    assert texts(service) == ["Tom swims."]


def test_parts_go_after_a_week(service: MemoryService, five: Path, clock: Clock) -> None:
    job_id = service.transfer.begin_import("kate", five, "mem0").job_id
    clock.pass_seconds(8 * 86_400)
    from mba_integrations.services.store.erasure.pruning import Horizon, prune

    service._equipment.write("kate", lambda writing: prune(writing, Horizon()))
    service.jobs.run()
    row = service.jobs.get("kate", job_id)
    assert row.error is not None
    assert "Send the file again" in row.error
