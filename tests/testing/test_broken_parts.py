"""Parts that break one rule each, in ways that a quick look does not see."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mba_integrations import JoinedTexts, LogMemory, SessionMemory, WorkspaceMemory
from mba_integrations.testing import (
    CharacterCounter,
    WordCounter,
    check_embedder,
    check_log_store,
    check_prompt_layout,
    check_session_store,
    check_token_counter,
    check_workspace_store,
)
from mba_integrations.testing.rules import at_once, no_error, require, short

CHECKING = threading.main_thread()


def only_in_threads() -> None:
    """What a part does that is bound to the thread that made it."""
    if threading.current_thread() is not CHECKING:
        raise RuntimeError("made in another thread")


class NumberedId(CharacterCounter):
    id = 7  # type: ignore[assignment]


class Truth(CharacterCounter):
    def count(self, text: str, /) -> Any:
        return bool(text)


class RefusesSpecial(CharacterCounter):
    def count(self, text: str, /) -> int:
        if "<|endoftext|>" in text:
            raise ValueError("special token")
        return len(text)


class GivesUpOnLong(CharacterCounter):
    def count(self, text: str, /) -> int:
        if len(text) > 50_000:
            raise MemoryError("too long")
        return len(text)


class SortedBatch(CharacterCounter):
    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        return sorted(map(len, texts))


class ShortBatch(CharacterCounter):
    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        return [len(text) for text in texts][:3]


class RaisesInBatch(CharacterCounter):
    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        return [max(map(len, texts)) for _ in texts] if len(texts) != 0 else [max(map(len, texts))]


class OneThread(CharacterCounter):
    def count(self, text: str, /) -> int:
        only_in_threads()
        return len(text)


class OwnText(CharacterCounter):
    def count(self, text: str, /) -> int:
        if text == "mine":
            raise KeyError(text)
        return len(text)


@pytest.mark.parametrize(
    ("counter", "sentence"),
    [
        pytest.param(NumberedId(), "id must be a text, not empty", id="id"),
        pytest.param(Truth(), r"count\(''\) gave False; rule 4", id="truth-value"),
        pytest.param(RefusesSpecial(), "raised ValueError: special token. Rule 3", id="special"),
        pytest.param(
            GivesUpOnLong(), r"count\('x+'\.\.\. of 100,000 characters\) raised Mem", id="long"
        ),
        pytest.param(SortedBatch(), "differs from count of each; rule 2", id="order-of-batch"),
        pytest.param(ShortBatch(), "differs from count of each; rule 2", id="part-of-batch"),
        pytest.param(
            RaisesInBatch(), "count_batch of 0 texts raised ValueError.*Rule 3", id="empty-batch"
        ),
        pytest.param(OneThread(), "made in another thread.* several threads at once", id="thread"),
        pytest.param(OwnText(), r"count\('mine'\) raised KeyError", id="text-of-the-caller"),
    ],
)
def test_a_broken_counter_is_told(counter: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_token_counter(counter, texts=["mine"])


def characters(texts: list[str]) -> Any:
    return np.array([[len(text), 1.0] for text in texts])


def refusing_empty(texts: list[str]) -> Any:
    if not all(texts):
        raise ValueError("input must not be empty")
    return characters(texts)


class OneLonger:
    """Vectors get one number longer with each call."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, texts: list[str]) -> Any:
        self.calls += 1
        return np.ones((len(texts), self.calls))


class Drifting:
    """Another direction in each call, for the caller's own text alone."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, texts: list[str]) -> Any:
        self.calls += 1
        vectors = characters(texts)
        for row, text in enumerate(texts):
            if text == "mine":
                vectors[row] = [self.calls, -1.0]
        return vectors


def appending(texts: list[str]) -> Any:
    vectors = characters(texts)
    texts.append("more")
    return vectors


@pytest.mark.parametrize(
    ("embedder", "sentence"),
    [
        pytest.param(None, "the embedder is None", id="none"),
        pytest.param(lambda texts: [len(text) for text in texts], "Rules 1 and 2", id="numbers"),
        pytest.param(lambda texts: ["a vector"] * len(texts), "no array of numbers", id="texts"),
        pytest.param(lambda texts: np.full((len(texts), 2), np.inf), "not finite", id="infinite"),
        pytest.param(refusing_empty, "must not be empty", id="refuses-the-empty-text"),
        pytest.param(OneLonger(), r"vectors of \[.*\] numbers; rule 1", id="longer-each-time"),
        pytest.param(Drifting(), "gives 'mine' another vector .*rule 3", id="drifts"),
        pytest.param(appending, "changed the list that it was given; rule 4", id="appends"),
    ],
)
def test_a_broken_embedder_is_told(embedder: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_embedder(embedder, texts=["mine"])


class NoId(JoinedTexts):
    @property
    def id(self) -> str:
        return ""


class NegativeTokens(JoinedTexts):
    def item_tokens(self, items: Any, counter: Any) -> list[int]:
        return [-1 for _ in items]


class HalfTokens(JoinedTexts):
    def item_tokens(self, items: Any, counter: Any) -> Any:
        return [0.5 for _ in items]


class NeverEmpty(JoinedTexts):
    def write(self, sections: Any) -> Any:
        if not sections:
            raise IndexError("no first section")
        return super().write(sections)


class Numbers(JoinedTexts):
    """Writes how many sections there are before them."""

    def write(self, sections: Any) -> Any:
        written = super().write(sections)
        return replace(written, text=f"{len(sections)}: {written.text}" if sections else "")


class BracesAreFields(JoinedTexts):
    def write(self, sections: Any) -> Any:
        written = super().write(sections)
        return replace(written, text=written.text.format(text=""))


class StrictTokens(JoinedTexts):
    def item_tokens(self, items: Any, counter: Any) -> list[int]:
        return [len(item.content.encode("ascii")) for item in items]


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        pytest.param(NoId(), "id must be a text, not empty", id="no-id"),
        pytest.param(NegativeTokens(), "item_tokens must give an integer >= 0", id="negative"),
        pytest.param(HalfTokens(), "item_tokens must give an integer >= 0", id="fraction"),
        pytest.param(NeverEmpty(), "write of no section raised IndexError", id="no-section"),
        pytest.param(Numbers(), "changes what stands before it; rule 6", id="numbers-before"),
        pytest.param(BracesAreFields(), "write of .* raised .*Rule 4", id="braces"),
        pytest.param(StrictTokens(), "item_tokens raised Unicode.*Rule 4", id="other-scripts"),
    ],
)
def test_a_broken_layout_is_told(layout: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_prompt_layout(layout)
    with pytest.raises(AssertionError, match=sentence):
        check_prompt_layout(layout, counter=WordCounter())


class Remembers(SessionMemory):
    """A new store that knows what another one was told."""

    def recall(self, workspace_id: str, session_id: str, limits: Any, /) -> Any:
        return "a prompt" if session_id == "s" else None


class AllWorkspaces(SessionMemory):
    """Finds a session by its id alone, where the workspace knows none."""

    def recall(self, workspace_id: str, session_id: str, limits: Any, /) -> Any:
        found = (
            super(AllWorkspaces, self).recall(one, session_id, limits)
            for one in (workspace_id, *list(self._prompts))
        )
        return next((prompt for prompt in found if prompt is not None), None)


class ForgetsAll(SessionMemory):
    def forget(self, session_id: str, /) -> None:
        if session_id == "s":
            self._prompts.clear()


class SessionsOfOneThread(SessionMemory):
    def remember(self, session_id: str, prompt: Any, limits: Any, /) -> None:
        only_in_threads()
        super().remember(session_id, prompt, limits)


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        pytest.param(Remembers, "a new session is known; rule 1", id="shared"),
        pytest.param(AllWorkspaces, "in a workspace that is not its own; rule 2", id="workspaces"),
        pytest.param(ForgetsAll, "recall gives another prompt.*rule 1", id="forgets-others"),
        pytest.param(SessionsOfOneThread, "remember raised RuntimeError.*at once", id="thread"),
    ],
)
def test_a_broken_session_store_is_told(store: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=f"{store.__name__}: .*{sentence}"):
        check_session_store(store)


class NeverNew(LogMemory):
    def records(self) -> Any:
        return super().records() or ("a record",)


class MixesWorkspaces(LogMemory):
    def record(self, record: Any, settings: Any, /) -> Any:
        return super().record(replace(record, workspace_id="a"), settings)


class CutsTexts(LogMemory):
    def record(self, record: Any, settings: Any, /) -> Any:
        kept = replace(record, notes=()) if hasattr(record, "notes") else record
        return super().record(kept, settings)


class ReadsThenWrites(LogMemory):
    """Records of two threads at once overwrite each other."""

    kept: tuple[Any, ...] = ()

    def record(self, record: Any, settings: Any, /) -> Any:
        before = self.kept
        time.sleep(0.001)
        self.kept = (*before, record)
        return None

    def records(self) -> Any:
        return self.kept


class LogOfOneThread(LogMemory):
    def record(self, record: Any, settings: Any, /) -> Any:
        only_in_threads()
        return super().record(record, settings)


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        pytest.param(NeverNew, "a new store has records", id="not-empty"),
        pytest.param(MixesWorkspaces, "not those that were recorded.*rule 3", id="workspaces"),
        pytest.param(CutsTexts, "not those that were recorded.*rule 3", id="loses-a-field"),
        pytest.param(ReadsThenWrites, "of 40 records .*are kept; rule 4", id="lost-in-a-race"),
        pytest.param(LogOfOneThread, "record raised RuntimeError.*at once", id="thread"),
    ],
)
def test_a_broken_log_store_is_told(store: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=f"{store.__name__}: .*{sentence}"):
        check_log_store(store)


class FullAtOnce(WorkspaceMemory):
    def ids(self) -> Any:
        return ("a", *super().ids())


class OneWorkspace(WorkspaceMemory):
    """Registers each workspace under all ids."""

    def register(self, config: Any, /) -> None:
        super().register(config)
        for known in tuple(self.ids()):
            super().register(config.model_copy(update={"workspace_id": known}))


class Twice(WorkspaceMemory):
    def ids(self) -> Any:
        return tuple(super().ids()) * 2


class KeyErrors(WorkspaceMemory):
    def find(self, workspace_id: str, /) -> Any:
        return self._workspaces[workspace_id]


class LosesEveryOther(WorkspaceMemory):
    calls = 0

    def register(self, config: Any, /) -> None:
        self.calls += 1
        if self.calls < 4 or self.calls % 2:
            super().register(config)


class WorkspacesOfOneThread(WorkspaceMemory):
    def register(self, config: Any, /) -> None:
        only_in_threads()
        super().register(config)


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        pytest.param(FullAtOnce, "a new store knows a workspace; rule 1", id="not-empty"),
        pytest.param(OneWorkspace, "a workspace of another id changed; rule 2", id="all-ids"),
        pytest.param(Twice, r"must be \('a', 'b'\); rule 3: each once", id="ids-twice"),
        pytest.param(KeyErrors, "find, register or ids raised KeyError", id="raises"),
        pytest.param(LosesEveryOther, "several threads registered is lost; rule 4", id="loses"),
        pytest.param(WorkspacesOfOneThread, "register raised RuntimeError", id="thread"),
    ],
)
def test_a_broken_workspace_store_is_told(store: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=f"{store.__name__}: .*{sentence}"):
        check_workspace_store(store)


def test_a_failing_assertion_of_the_part_itself_is_passed_on() -> None:
    with pytest.raises(AssertionError, match=r"^its own$"), no_error("it", "A rule."):
        require(False, "its own")


def test_what_is_called_at_once_is_called_with_each_argument_once() -> None:
    seen: list[int] = []
    at_once(seen.append, range(100), "append")
    assert sorted(seen) == list(range(100))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("", "''", id="empty"),
        pytest.param("x" * 40, repr("x" * 40), id="40-are-shown"),
        pytest.param("x" * 41, f"'{'x' * 20}'... of 41 characters", id="41-are-cut"),
        pytest.param("a\n\x1b[31m", repr("a\n\x1b[31m"), id="nothing-reaches-the-terminal"),
    ],
)
def test_texts_in_messages_are_short_and_on_one_line(text: str, shown: str) -> None:
    assert short(text) == shown
