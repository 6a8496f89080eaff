"""The parts for users' tests: names, exact numbers, and the same result everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import numpy as np
import pytest
from fakes import line
from repository import ROOT

import mba_integrations.testing
from mba_integrations import MemoryBudgetAllocator, MemoryItem
from mba_integrations.testing import (
    CharacterCounter,
    Clock,
    RecordingLayout,
    WordCounter,
    WordEmbedder,
)


def test_the_public_names_are_these() -> None:
    assert mba_integrations.testing.__all__ == [
        "CharacterCounter",
        "Clock",
        "RecordingLayout",
        "WordCounter",
        "WordEmbedder",
        "check_embedder",
        "check_log_store",
        "check_prompt_layout",
        "check_session_store",
        "check_token_counter",
        "check_workspace_store",
    ]
    for name in mba_integrations.testing.__all__:
        assert getattr(mba_integrations.testing, name).__doc__


@pytest.mark.parametrize(
    ("text", "words", "characters"),
    [
        pytest.param("", 0, 0, id="empty"),
        pytest.param("one", 1, 3, id="one-word"),
        pytest.param("- one  two\n", 3, 11, id="line"),
        pytest.param("日本語", 1, 3, id="no-spaces"),
    ],
)
def test_counts_can_be_counted_by_hand(text: str, words: int, characters: int) -> None:
    assert (WordCounter().count(text), CharacterCounter().count(text)) == (words, characters)
    assert WordCounter().count_batch([text, text]) == [words, words]


def test_a_prompt_of_counted_words_is_exactly_as_long_as_it_says() -> None:
    allocator = MemoryBudgetAllocator(WordCounter(), WordEmbedder(), clock=Clock())
    allocation = allocator.allocate_memory_budget("x", [line("x", 30), line("y", 30)])
    assert allocation.used_tokens == len(allocation.prompt_text.split())


def test_a_clock_moves_only_when_told_to() -> None:
    clock = Clock()
    before = clock()
    assert clock() == before
    clock.pass_seconds(60)
    assert clock() - before == timedelta(minutes=1)
    assert clock().tzinfo is not None


def test_texts_are_alike_as_far_as_their_words_are() -> None:
    same, near, far = WordEmbedder()(["Kate skis", "kate SKIS often", "bread and salt"])
    assert same @ near > 0.8
    assert same @ far == 0.0
    assert np.linalg.norm(near) == pytest.approx(1.0)
    assert not WordEmbedder()(["?!"]).any()
    assert WordEmbedder()([]).shape == (0, 256)


def test_vectors_are_the_same_in_every_process() -> None:
    code = "from mba_integrations.testing import WordEmbedder as E; print(E()(['Kate skis']).sum(0)"
    code += ".nonzero()[0].tolist())"
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert told == {f"{WordEmbedder()(['Kate skis']).sum(0).nonzero()[0].tolist()}\n"}


def test_a_recording_layout_keeps_what_was_written_and_the_same_tokens() -> None:
    layout = RecordingLayout(separator=" ")
    items = [MemoryItem("a", "Kate skis.", "rag"), MemoryItem("b", "Oslo is cold.", "rag")]
    allocator = MemoryBudgetAllocator(WordCounter())
    allocation = allocator.allocate_memory_budget("Kate?", items, budget_tokens=10, layout=layout)
    assert layout.written[-1] == tuple(entry.id for entry in allocation.selected)
    assert allocation.used_tokens == 5
