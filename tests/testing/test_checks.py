"""Each check passes what keeps the rules, and says which rule a broken part breaks."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counters import COUNTERS
from embedders import EMBEDDERS
from sqlite_store import SqliteStore

from mba_integrations import (
    JoinedTexts,
    LogMemory,
    PromptFormat,
    RenderingSettings,
    SessionMemory,
    WorkspaceMemory,
)
from mba_integrations.core.counting.cached_counter import CachedCounter
from mba_integrations.core.counting.heuristic_counter import HeuristicCounter
from mba_integrations.core.layout.priced_messages import PricedMessages
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.testing import (
    CharacterCounter,
    RecordingLayout,
    WordCounter,
    check_embedder,
    check_log_store,
    check_prompt_layout,
    check_session_store,
    check_token_counter,
    check_workspace_store,
)

# Counters

GOOD_COUNTERS: dict[str, Any] = {
    **COUNTERS,
    "words": WordCounter(),
    "function": len,
    "remembering": CachedCounter(WordCounter()),
    "heuristic": HeuristicCounter(),
}


@pytest.mark.parametrize("name", GOOD_COUNTERS)
def test_a_counter_that_keeps_the_rules_passes(name: str) -> None:
    check_token_counter(GOOD_COUNTERS[name], texts=["one more"])


class Nameless(CharacterCounter):
    id = ""


class Unsure(CharacterCounter):
    exact = 1  # type: ignore[assignment]


class Encoding(CharacterCounter):
    def count(self, text: str, /) -> int:
        return len(text.encode())


class Halves(CharacterCounter):
    def count(self, text: str, /) -> Any:
        return len(text) / 2


class Negative(CharacterCounter):
    def count(self, text: str, /) -> int:
        return len(text) - 1


class OtherBatch(CharacterCounter):
    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        return [len(text) + 1 for text in texts]


class NoEmptyBatch(CharacterCounter):
    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        return [len(text) for text in texts] + [0] * (not texts)


class Forgetful(CharacterCounter):
    """Counts one more from the 40th call on."""

    def __init__(self) -> None:
        self.calls = 0

    def count(self, text: str, /) -> int:
        self.calls += 1
        return len(text) + (self.calls > 40)


@pytest.mark.parametrize(
    ("counter", "sentence"),
    [
        pytest.param(7, "token_counter raised InputError: .*Give a TokenCounter", id="number"),
        pytest.param(Nameless(), "id must be a text, not empty", id="no-id"),
        pytest.param(Unsure(), "exact must be True or False", id="exact"),
        pytest.param(Encoding(), r"count\('\\ud800 lone'\) raised Unicode.*Rule 3", id="surrogate"),
        pytest.param(Halves(), r"count\(''\) gave 0.0; rule 4", id="fraction"),
        pytest.param(Negative(), r"count\(''\) gave -1; rule 4", id="negative"),
        pytest.param(OtherBatch(), "differs from count of each; rule 2", id="batch"),
        pytest.param(NoEmptyBatch(), "count_batch of 0 texts differs.*rule 2", id="empty-batch"),
        pytest.param(Forgetful(), "a second count differs for", id="changing"),
    ],
)
def test_a_broken_counter_is_told_its_rule(counter: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_token_counter(counter)


# Embedders


@pytest.mark.parametrize("name", EMBEDDERS)
def test_an_embedder_that_keeps_the_rules_passes(name: str) -> None:
    check_embedder(EMBEDDERS[name](), texts=["one more"])


def lengths(texts: list[str]) -> Any:
    return np.array([[len(text), 1.0] for text in texts])


def reversing(texts: list[str]) -> Any:
    vectors = lengths(texts)
    texts.reverse()
    return vectors


@pytest.mark.parametrize(
    ("embedder", "sentence"),
    [
        pytest.param(lambda texts: lengths(texts)[:1], "of shape .* Rules 1 and 2", id="too-few"),
        pytest.param(lambda texts: lengths(texts) * np.nan, "not finite. Rules 1", id="nan"),
        pytest.param(
            lambda texts: np.ones((len(texts), len(texts))), "rule 1: one d", id="other-length"
        ),
        pytest.param(
            lambda texts: [[len(text.encode())] for text in texts],
            "surrogates not allowed. Rules 1 and 2",
            id="surrogate",
        ),
        pytest.param(lambda texts: lengths(sorted(texts)), "in another order; rule 3", id="order"),
        pytest.param(
            lambda texts: lengths(texts) - lengths(texts).mean(axis=0), "alone; rule 3", id="batch"
        ),
        pytest.param(reversing, "changed the list that it was given; rule 4", id="changes-list"),
    ],
)
def test_a_broken_embedder_is_told_its_rule(embedder: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_embedder(embedder)


# Layouts

GOOD_LAYOUTS: dict[str, Any] = {
    **{name: Renderer(RenderingSettings(format=name)) for name in PromptFormat},
    "templates": Renderer(RenderingSettings(line_templates={"rag": "[{date}] {text}"})),
    "joined": JoinedTexts(separator=" + ", before="Head:\n", after="\nEnd"),
    "priced": PricedMessages("prices", tokens_of=lambda item: len(item.content)),
    "recording": RecordingLayout(),
}


@pytest.mark.parametrize("name", GOOD_LAYOUTS)
def test_a_layout_that_keeps_the_rules_passes(name: str) -> None:
    check_prompt_layout(GOOD_LAYOUTS[name])
    check_prompt_layout(GOOD_LAYOUTS[name], counter=WordCounter())


class ShortTokens(JoinedTexts):
    def item_tokens(self, items: Any, counter: Any) -> list[int]:
        return [1]


class Growing(RecordingLayout):
    def write(self, sections: Any) -> Any:
        written = super().write(sections)
        return replace(written, text=written.text + "!" * len(self.written) * bool(sections))


class NewestFirst(JoinedTexts):
    def write(self, sections: Any) -> Any:
        return super().write(sections[::-1])


class Strict(JoinedTexts):
    def write(self, sections: Any) -> Any:
        written = super().write(sections)
        written.text.encode()
        return written


class CountsNothing(JoinedTexts):
    def measure(self, written: Any, counter: Any) -> Any:
        return replace(super().measure(written, counter), used=1)


class Orderless(Renderer):
    @property
    def section_order(self) -> Any:
        return ()


@pytest.mark.parametrize(
    ("layout", "sentence"),
    [
        pytest.param(ShortTokens(), "item_tokens must give an integer", id="tokens"),
        pytest.param(Growing(), "two measures of .* differ; rule 3", id="measure"),
        pytest.param(NewestFirst(), "changes what stands before it; rule 6", id="beginning"),
        pytest.param(Strict(), "raised UnicodeEncodeError.*Rule 4", id="surrogate"),
        pytest.param(CountsNothing(), "an empty prompt measures 1 tokens", id="empty"),
        pytest.param(Orderless(RenderingSettings()), "section_order must name", id="order"),
    ],
)
def test_a_broken_layout_is_told_its_rule(layout: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_prompt_layout(layout)


class Hides(JoinedTexts):
    @property
    def shows_content(self) -> bool:
        return True


def test_a_layout_that_says_it_shows_what_it_does_not_is_told() -> None:
    hides = Hides(text_of=lambda item: item.content[:3])
    with pytest.raises(AssertionError, match=r"shows_content is true, but .* rule 5"):
        check_prompt_layout(hides)


# Stores


@pytest.fixture
def sqlite(tmp_path: Path) -> Callable[[], SqliteStore]:
    numbers = itertools.count()
    return lambda: SqliteStore(tmp_path / f"{next(numbers)}.sqlite")


def test_stores_that_keep_the_rules_pass(sqlite: Callable[[], SqliteStore]) -> None:
    check_session_store(SessionMemory)
    check_log_store(LogMemory)
    check_workspace_store(WorkspaceMemory)
    for check in (check_session_store, check_log_store, check_workspace_store):
        check(sqlite)


class OnePrompt(SessionMemory):
    """Knows sessions, and no workspaces."""

    kept: Any = None

    def recall(self, workspace_id: str, session_id: str, limits: Any, /) -> Any:
        return self.kept

    def remember(self, session_id: str, prompt: Any, limits: Any, /) -> None:
        self.kept = prompt


class FirstPrompt(OnePrompt):
    def remember(self, session_id: str, prompt: Any, limits: Any, /) -> None:
        self.kept = self.kept or prompt


class ForgetsHalf(SessionMemory):
    def forget(self, session_id: str, /) -> None:
        self._prompts["one workspace"].pop(session_id, None)


class RefusesUnknown(SessionMemory):
    def forget(self, session_id: str, /) -> None:
        for prompts in self._prompts.values():
            del prompts[session_id]


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        pytest.param(OnePrompt, "OnePrompt: recall gives another prompt .*rule 1", id="mixed-up"),
        pytest.param(FirstPrompt, "recall gives another prompt .*rule 1", id="not-the-last"),
        pytest.param(ForgetsHalf, "known in a workspace after forget; rule 3", id="forgets-half"),
        pytest.param(RefusesUnknown, "forget raised KeyError", id="unknown-session"),
    ],
)
def test_a_broken_session_store_is_told_its_rule(store: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_session_store(store)


class Silent(LogMemory):
    def record(self, record: Any, settings: Any, /) -> Any:
        return None


class Talks(LogMemory):
    def record(self, record: Any, settings: Any, /) -> Any:
        return super().record(record, settings) or "done"


class Backwards(LogMemory):
    def records(self) -> Any:
        return super().records()[::-1]


class Full(LogMemory):
    def record(self, record: Any, settings: Any, /) -> Any:
        raise OSError("the disk is full")


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        pytest.param(Silent, "Silent: records of a workspace are not .* rule 3", id="loses"),
        pytest.param(Talks, "record returned 'done'; rule 2", id="note-for-nothing"),
        pytest.param(Backwards, "in order; rule 3", id="order"),
        pytest.param(Full, "raised OSError: the disk is full. Rule 2", id="raises"),
    ],
)
def test_a_broken_log_store_is_told_its_rule(store: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_log_store(store)


class MovesToEnd(WorkspaceMemory):
    def register(self, config: Any, /) -> None:
        self._workspaces.pop(config.workspace_id, None)
        super().register(config)


class KeepsFirst(WorkspaceMemory):
    def register(self, config: Any, /) -> None:
        if self.find(config.workspace_id) is None:
            super().register(config)


class LosesGroups(WorkspaceMemory):
    def find(self, workspace_id: str, /) -> Any:
        found = super().find(workspace_id)
        return found and found.with_changes(performance={"max_sessions": 1})


@pytest.mark.parametrize(
    ("store", "sentence"),
    [
        pytest.param(MovesToEnd, r"ids gives \('b', 'a'\).*rule 3", id="order"),
        pytest.param(KeepsFirst, "another workspace than was registered; rule 1", id="first"),
        pytest.param(LosesGroups, "another workspace than was registered; rule 1", id="groups"),
    ],
)
def test_a_broken_workspace_store_is_told_its_rule(store: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_workspace_store(store)
