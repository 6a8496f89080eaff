"""What a question is matched with: its words and its vector, without the names of who talks."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.match import match_of
from mba_integrations.core.value.question import question_of

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def test_an_embedder_embeds_the_question_without_the_names_of_those_who_talk() -> None:
    asked: list[list[str]] = []

    def embedder(texts: list[str]) -> FloatArray:
        asked.append(texts)
        return np.ones((len(texts), 2), dtype=np.float32)

    lines = ["Kate: I made pasta.", "Ben: Nice.", "Kate: With garlic.", "Ben: Oh."]
    snapshot = PoolSnapshot([MemoryItem(str(n), line, "rag") for n, line in enumerate(lines)])
    found = question_of("What did Kate make?", None, snapshot, embedder, now=NOW)
    assert asked[0] == ["What did make?"]
    assert found.question.topic == "What did make?"
    assert found.question.text == "What did Kate make?"


def test_a_vector_that_is_given_is_compared_as_it_is() -> None:
    lines = ["Kate: I made pasta.", "Kate: With garlic."]
    snapshot = PoolSnapshot([MemoryItem(str(n), line, "rag") for n, line in enumerate(lines)])
    found = question_of("What did Kate make?", [1.0, 0.0], snapshot, None, now=NOW)
    assert found.question.vector is not None
    assert found.question.vector.tolist() == [1.0, 0.0]


def test_the_name_of_who_talks_matches_no_words() -> None:
    lines = ["Kate: Kate was here.", "Kate: pasta today.", "Kate: Oh.", "Kate: Oh no."]
    snapshot = PoolSnapshot([MemoryItem(str(n), line, "rag") for n, line in enumerate(lines)])
    asked = question_of("Does Kate like pasta?", None, snapshot, None, now=NOW)
    match = match_of(asked.question, snapshot.corpus(None))
    assert (match.lexical > 0).tolist() == [False, True, False, False]
