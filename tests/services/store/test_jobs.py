"""Jobs: one owner at a time, whoever asks at once; a lease that ran out holds nothing up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from store_rows import START, Clock, read

from mba_integrations.core.errors import InputError
from mba_integrations.services.store.errors import LeaseLostError, UnknownJobError
from mba_integrations.services.store.rows.jobs import JobRow, JobState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import jobs
from mba_integrations.services.store.store import Store


def put(store: Store, job_id: str, workspace_id: str = "kate", kind: str = "embed") -> JobRow:
    return store.write(workspace_id, lambda writing: jobs.enqueue(writing, job_id, kind, {"n": 1}))


def claim(store: Store, owner: str = "me", kinds: list[str] | None = None) -> JobRow | None:
    return store.write_all(lambda writing: jobs.claim(writing, owner, kinds=kinds))


def do(store: Store, act: Callable[[Writing], object]) -> JobRow:
    store.write("kate", act)
    return read(store, "kate", lambda reading: jobs.get(reading, "j"))


def test_a_job_is_claimed_worked_on_and_done(store: Store, clock: Clock) -> None:
    put(store, "j")
    claimed = claim(store)
    assert claimed is not None
    assert (claimed.state, claimed.attempts, claimed.lease_owner) == (JobState.RUNNING, 1, "me")
    assert (claimed.workspace_id, claimed.payload) == ("kate", {"n": 1})
    assert claimed.lease_until == START + jobs.LEASE
    assert claim(store, "you") is None
    clock.move(seconds=30)
    renewed = do(store, lambda writing: jobs.renew(writing, "j", "me", progress=0.5))
    assert (renewed.lease_until, renewed.progress) == (clock.now + jobs.LEASE, 0.5)
    done = do(store, lambda writing: jobs.complete(writing, "j", "me", {"count": 3}))
    assert (done.state, done.result, done.progress) == (JobState.DONE, {"count": 3}, 1.0)
    assert (done.lease_owner, done.finished_at) == (None, clock.now)
    assert claim(store) is None


def test_jobs_are_claimed_in_the_order_in_which_they_wait(store: Store, clock: Clock) -> None:
    for job_id in ("b", "a"):
        put(store, job_id, "tom")
        clock.move(seconds=1)
    put(store, "c")
    store.write(
        "kate",
        lambda writing: jobs.enqueue(writing, "later", "embed", {}, delay=timedelta(minutes=1)),
    )
    assert [one.job_id if one else None for one in (claim(store) for _ in range(4))] == [
        *("b", "a", "c"),
        None,
    ]
    clock.move(minutes=2)
    assert claim(store, kinds=["sweep"]) is None


def test_many_workers_at_once_never_get_the_same_job(store: Store) -> None:
    for number in range(12):
        put(store, f"j{number}", ("kate", "tom")[number % 2])

    def work(owner: str) -> list[str]:
        return [one.job_id for one in iter(lambda: claim(store, owner), None)]

    with ThreadPoolExecutor(4) as threads:
        taken = [job_id for some in threads.map(work, "pqrs") for job_id in some]
    assert sorted(taken) == sorted(f"j{number}" for number in range(12))


def test_a_lease_that_ran_out_is_free_and_its_owner_is_told(store: Store, clock: Clock) -> None:
    put(store, "j")
    claim(store, "dead")
    clock.move(seconds=59)
    assert claim(store) is None
    clock.move(seconds=1)
    again = claim(store)
    assert again is not None
    assert (again.attempts, again.lease_owner) == (2, "me")
    for act in (jobs.renew, jobs.complete, jobs.release):
        with pytest.raises(
            LeaseLostError, match="job 'j' of workspace 'kate' is not held by 'dead'"
        ):
            do(store, partial(act, job_id="j", owner="dead"))
    assert do(store, lambda writing: jobs.complete(writing, "j", "me")).state is JobState.DONE


def test_who_comes_back_late_goes_on_while_nobody_took_the_job(store: Store, clock: Clock) -> None:
    put(store, "j")
    claim(store)
    clock.move(hours=1)
    assert do(store, lambda writing: jobs.complete(writing, "j", "me")).state is JobState.DONE


def test_a_worker_that_always_dies_ends_in_a_failed_job(store: Store, clock: Clock) -> None:
    put(store, "j")
    for attempt in range(1, jobs.MAX_ATTEMPTS + 1):
        claimed = claim(store)
        assert claimed is not None
        assert claimed.attempts == attempt
        clock.move(minutes=2)
    assert claim(store) is None
    failed = read(store, "kate", lambda reading: jobs.get(reading, "j"))
    assert (failed.state, failed.error) == (JobState.FAILED, "the worker went away without a word")


def test_a_failed_attempt_is_made_again_until_the_last(store: Store, clock: Clock) -> None:
    store.write("kate", lambda writing: jobs.enqueue(writing, "j", "k", {}, max_attempts=2))
    claim(store)
    wait = timedelta(seconds=10)
    once = do(store, lambda writing: jobs.fail(writing, "j", "me", "no disk", delay=wait))
    assert (once.state, once.error, once.run_after) == (JobState.QUEUED, "no disk", START + wait)
    assert claim(store) is None
    clock.move(seconds=10)
    claim(store)
    twice = do(store, lambda writing: jobs.fail(writing, "j", "me", "no disk again"))
    assert (twice.state, twice.error, twice.attempts) == (JobState.FAILED, "no disk again", 2)
    back = do(store, lambda writing: jobs.retry(writing, "j"))
    assert (back.state, back.attempts, back.finished_at) == (JobState.QUEUED, 0, None)


def test_a_released_job_has_not_used_an_attempt(store: Store) -> None:
    put(store, "j")
    claim(store)
    assert do(store, lambda writing: jobs.release(writing, "j", "me")).attempts == 0
    assert claim(store, "you") is not None


def test_a_cancelled_job_is_lost_to_its_worker(store: Store) -> None:
    put(store, "j")
    claim(store)
    assert do(store, lambda writing: jobs.cancel(writing, "j")).state is JobState.CANCELLED
    with pytest.raises(LeaseLostError):
        do(store, lambda writing: jobs.renew(writing, "j", "me"))
    with pytest.raises(UnknownJobError, match="job 'j' is cancelled, not queued or running"):
        do(store, lambda writing: jobs.cancel(writing, "j"))
    assert do(store, lambda writing: jobs.retry(writing, "j")).state is JobState.QUEUED


def test_a_job_of_an_id_that_is_there_stays_as_it_is(store: Store) -> None:
    first = put(store, "j")
    assert put(store, "j", kind="other") == first


def test_one_waiting_job_of_a_kind_is_enough(store: Store) -> None:
    def once(job_id: str) -> str:
        return store.write(
            "kate", lambda writing: jobs.enqueue(writing, job_id, "embed", {}, once=True)
        ).job_id

    assert [once("a"), once("b")] == ["a", "a"]
    claim(store)
    assert once("c") == "c"


def test_jobs_are_listed_and_counted_within_a_workspace_and_over_all(store: Store) -> None:
    put(store, "a")
    put(store, "b", "tom")
    claim(store, kinds=["embed"])
    assert [one.job_id for one in read(store, "kate", jobs.listed)] == ["a"]
    with store.read_all() as reading:
        assert [one.job_id for one in jobs.listed(reading)] == ["b", "a"]
        counts = jobs.counts(reading)
        running = jobs.listed(reading, states=[JobState.RUNNING])
    assert {state: count for state, count in counts.items() if count} == {
        JobState.QUEUED: 1,
        JobState.RUNNING: 1,
    }
    assert [one.job_id for one in running] == ["a"]


def test_a_foreign_job_is_not_known(store: Store) -> None:
    put(store, "j", "tom")
    with pytest.raises(UnknownJobError, match="workspace 'kate' has no job 'j'"):
        read(store, "kate", lambda reading: jobs.get(reading, "j"))
    with pytest.raises(UnknownJobError):
        store.write("kate", lambda writing: jobs.cancel(writing, "j"))
    with pytest.raises(InputError, match="max_attempts must be an integer >= 1"):
        store.write("kate", lambda writing: jobs.enqueue(writing, "k", "k", {}, max_attempts=0))
