"""A call of somebody else's gives what it gives, or is left alone when its time is up."""

from __future__ import annotations

import threading

import pytest

from mba_integrations.core.counting.deadline import within


def test_what_the_call_gives_comes_back() -> None:
    assert within(5.0, lambda: "made") == "made"


def test_nothing_is_a_result_as_well() -> None:
    assert within(5.0, lambda: None) is None  # type: ignore[func-returns-value]


@pytest.mark.parametrize(
    "error", [OSError("down"), KeyboardInterrupt()], ids=["error", "interrupt"]
)
def test_what_the_call_raises_is_raised_here(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        within(5.0, fail)
    assert caught.value is error


def test_a_call_that_hangs_is_left_when_its_time_is_up() -> None:
    release, ended = threading.Event(), threading.Event()

    def hang() -> None:
        release.wait()
        ended.set()

    with pytest.raises(TimeoutError, match=r"0\.05 seconds"):
        within(0.05, hang)
    assert not ended.is_set()  # the call still hangs, and this goes on
    release.set()
    assert ended.wait(60)


def test_a_call_that_hangs_holds_no_process_open() -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.01, release.wait)
    (left,) = [thread for thread in threading.enumerate() if thread.name == "mba-within"]
    assert left.daemon
    release.set()
    left.join()
