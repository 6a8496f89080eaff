"""What a search finds, in which order, and within which budget."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mba_integrations import MemoryItem
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter

TEXTS = ["Kate skis in the Alps.", "Oslo is cold in winter.", "Zoe sails on the lake."]


@pytest.fixture
def filled(service: MemoryService) -> MemoryService:
    service.remember("kate", TEXTS)
    return service


def test_the_best_hit_stands_first_and_scores_fall(filled: MemoryService) -> None:
    reply = filled.search("kate", "Who skis in the Alps?")
    assert reply.hits[0].content == TEXTS[0]
    scores = [hit.score for hit in reply.hits]
    assert scores == sorted(scores, reverse=True)
    assert json.loads(reply.text)[0]["id"] == reply.hits[0].memory_id


def test_no_more_hits_than_asked_for(filled: MemoryService) -> None:
    assert len(filled.search("kate", "Kate?", limit=2).hits) == 2


def test_the_list_as_it_is_written_is_within_its_budget(filled: MemoryService) -> None:
    whole = filled.search("kate", "Kate?")
    for budget in range(WordCounter().count("[]"), whole.used_tokens + 1):
        reply = filled.search("kate", "Kate?", budget_tokens=budget)
        assert WordCounter().count(reply.text) == reply.used_tokens <= budget
        assert len(reply.hits) + reply.too_large == len(whole.hits)
    assert reply.hits == whole.hits


def test_a_hit_that_does_not_fit_leaves_room_for_the_next(service: MemoryService) -> None:
    service.remember("kate", ["Kate skis " + "and skis " * 50, "Zoe skis."])
    reply = service.search("kate", "Kate skis", budget_tokens=20)
    assert [hit.content for hit in reply.hits] == ["Zoe skis."]
    assert reply.too_large == 1


def test_pins_do_not_matter_for_a_search(service: MemoryService) -> None:
    service.remember("kate", MemoryItem("a", "word " * 2_000, "project", pinned=True))
    assert [hit.memory_id for hit in service.search("kate", "word").hits] == ["a"]


def test_a_search_counts_no_use(filled: MemoryService) -> None:
    filled.search("kate", "Kate?")
    filled.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"limit": 0}, "limit must be an integer >= 1", id="none"),
        pytest.param({"limit": 101}, "limit must be at most 100", id="many"),
        pytest.param({"budget_tokens": 0}, "budget_tokens must be an integer >= 1", id="budget"),
        pytest.param({"tiers": ["near"]}, "must be one of", id="tier"),
    ],
)
def test_a_search_that_cannot_be_is_refused(
    filled: MemoryService, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        filled.search("kate", "Kate?", **options)
