"""Past recalls taken apart, side by side, with more tokens for a tier, under other settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from memory_services import Opened

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.core.errors import ConfigError, InputError
from mba_integrations.core.model import OmissionReason
from mba_integrations.services.memory.past import apart, trials
from mba_integrations.services.memory.past.apart import Apart
from mba_integrations.services.memory.recalling import candidates
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock

QUERY = "Where does Kate live?"
FACTS = {
    "home": ("Kate lives in Lisbon.", "project"),
    "skis": ("Kate skis.\n## Not a heading", "rag"),
    "tom": ("Tom lives in Oslo.", "rag"),
    "anna": ("Anna is a baker.", "long_term"),
}


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    made = opened()
    made.create_workspace("kate", max_total_tokens=1_000, logging={"include_text": True})
    remember(made, **FACTS)
    return made


def remember(service: MemoryService, **facts: tuple[str, str]) -> None:
    items = [MemoryItem(name, text, tier) for name, (text, tier) in facts.items()]
    service.remember("kate", items)


def found(service: MemoryService, **asked: Any) -> Apart:
    reply = service.recall("kate", QUERY, **asked)
    return service.allocations.apart("kate", reply.allocation_id)


@pytest.mark.parametrize("prompt_format", ["markdown", "xml", "messages"])
def test_the_parts_of_a_prompt_are_its_headings_and_its_memories(
    service: MemoryService, prompt_format: str
) -> None:
    service.workspaces.change("kate", rendering={"format": prompt_format}, token_price=0.0)
    remember(service, said=("Kate says so.", "working"))
    reply = service.recall("kate", QUERY)
    parts = service.allocations.apart("kate", reply.allocation_id).parts
    text = reply.prompt_text
    assert "".join(text[one.start : one.end] for one in parts) == text
    own = {one.memory_id: text[one.start : one.end] for one in parts if one.kind == "item"}
    assert own.keys() == set(reply.allocation.selected_ids)
    assert "Lisbon" in own["home"]
    assert "Not a heading" in own["skis"]
    tiers = [one.tier for one in parts if one.kind == "heading"]
    assert len(tiers) == len(set(tiers))
    assert set(tiers) == {one.tier for one in reply.selected}


def test_rows_of_one_table_are_told_apart_under_their_head(service: MemoryService) -> None:
    head = "| name | lives in |\n| --- | --- |\n"
    rows = {"one": head + "| Kate | Lisbon |", "two": head + "| Kate's aunt | Faro |"}
    items = [MemoryItem(name, text, "rag", source="t") for name, text in rows.items()]
    service.remember("kate", items)
    service.workspaces.change("kate", token_price=0.0)
    reply = service.recall("kate", QUERY)
    parts = service.allocations.apart("kate", reply.allocation_id).parts
    own = {one.memory_id: reply.prompt_text[one.start : one.end] for one in parts}
    assert "Lisbon" in own["one"]
    assert "Faro" in own["two"]


def test_each_memory_says_why_it_is_in_or_out(service: MemoryService) -> None:
    items = {one.memory_id: one for one in found(service, budget_tokens=8).items}
    assert items.keys() == FACTS.keys()
    home, anna = items["home"], items["anna"]
    assert (home.selected, home.reason, home.reason_text) == (True, None, None)
    assert home.signals["words"] > 0
    assert any("Kate" in one or "live" in one for one in home.why)
    assert anna.reason in set(OmissionReason)
    assert anna.reason_text
    assert anna.tokens is not None
    assert all(one.present and one.text == FACTS[one.memory_id][0] for one in items.values())
    selected = [one.selected for one in items.values()]
    assert selected == sorted(selected, reverse=True)
    out = [one.score or 0.0 for one in items.values() if not one.selected]
    assert out == sorted(out, reverse=True)


def test_every_reason_is_a_sentence() -> None:
    assert apart._REASONS.keys() == set(OmissionReason)


def test_what_is_gone_since_is_told_as_gone(service: MemoryService) -> None:
    reply = service.recall("kate", QUERY)
    service.erasures.erase("kate", memory_ids=["home"])
    service.forget("kate", "skis")
    taken = service.allocations.apart("kate", reply.allocation_id)
    items = {one.memory_id: one for one in taken.items}
    assert "home" not in items
    if "skis" in items:
        assert not items["skis"].present


def test_without_the_question_there_is_what_the_log_has(service: MemoryService) -> None:
    service.workspaces.change("kate", logging={"include_text": False})
    reply = service.recall("kate", QUERY, budget_tokens=8)
    taken = service.allocations.apart("kate", reply.allocation_id)
    assert taken.again is None
    assert taken.parts == ()
    assert any("Give its query" in note for note in taken.notes)
    items = {one.memory_id: one for one in taken.items}
    assert items["home"].selected
    assert items["home"].tier is MemoryTier.PROJECT
    assert items["anna"].reason_text == apart._REASONS[OmissionReason(items["anna"].reason or "")]
    whole = service.allocations.apart("kate", reply.allocation_id, query=QUERY)
    assert whole.again is not None
    assert whole.again.prompt_text == reply.prompt_text
    with pytest.raises(InputError, match="is not what"):
        service.allocations.apart("kate", reply.allocation_id, query="Who?")


def test_of_many_that_stayed_out_the_best_are_shown(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "MOST_OMITTED", 2)
    taken = found(service, budget_tokens=8)
    out = [one for one in taken.items if not one.selected]
    assert len(out) == 2
    assert any("1 more stayed out" in note for note in taken.notes)


def test_two_prompts_share_their_beginning_in_whole_lines(service: MemoryService) -> None:
    service.workspaces.change("kate", token_price=0.0)
    ids = [service.recall("kate", QUERY, budget_tokens=n).allocation_id for n in (12, 1_000)]
    pair = service.allocations.beside("kate", *ids)
    assert pair.second.again is not None
    text = pair.second.again.prompt_text
    assert 0 < pair.prefix_chars < len(text)
    assert text[: pair.prefix_chars].endswith("\n")
    assert pair.prefix_tokens == len(text[: pair.prefix_chars].split())
    assert all(item.selected for side in (pair.first, pair.second) for item in side.items)


@pytest.mark.parametrize("changed", [False, True], ids=["as-it-stood", "changed-since"])
def test_recalls_that_saw_the_same_memories_are_asked_from_one_pool(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    for _ in range(3):
        service.recall("kate", QUERY)
    if changed:
        remember(service, new=("Kate moved to Porto.", "project"))
    read: list[Any] = []
    of_then = candidates._of_then

    def noted(*asked: Any) -> Any:
        read.append(asked)
        return of_then(*asked)

    monkeypatch.setattr(candidates, "_of_then", noted)
    effect = service.allocations.effect("kate", {})
    assert (effect.looked_at, effect.same) == (3, 3)
    assert len(read) == changed


def test_a_memory_that_expired_between_is_seen_by_those_before_alone(
    service: MemoryService, clock: Clock
) -> None:
    service.workspaces.change("kate", token_price=0.0)
    service.expire("kate", "home", clock() + timedelta(hours=1))
    before = service.recall("kate", QUERY)
    clock.now += timedelta(hours=2)
    after = service.recall("kate", QUERY)
    for reply in (before, after):
        again = service.allocations.apart("kate", reply.allocation_id).again
        assert again is not None
        assert again.prompt_text == reply.prompt_text
    pair = service.allocations.beside("kate", before.allocation_id, after.allocation_id)
    assert pair.first.again is not None
    assert "Lisbon" in pair.first.again.prompt_text


def test_the_tier_that_would_gain_most_stands_first(service: MemoryService) -> None:
    service.recall("kate", QUERY, budget_tokens=4)
    tiers = service.allocations.starving("kate")
    gains = [one.value_per_100_tokens for one in tiers]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 0
    assert {one.tier for one in tiers} == set(MemoryTier)
    assert all(one.looked_at == 1 for one in tiers)


def test_where_everything_is_in_no_tier_would_gain(service: MemoryService) -> None:
    service.workspaces.change("kate", token_price=0.0)
    service.recall("kate", QUERY)
    for one in service.allocations.starving("kate"):
        assert (one.value_per_100_tokens, one.would_enter) == (0.0, 0)


def test_other_settings_are_tried_on_the_latest_recalls(service: MemoryService) -> None:
    reply = service.recall("kate", QUERY)
    given = service.recall("kate", QUERY, budget_tokens=1_000)
    effect = service.allocations.effect("kate", {"max_total_tokens": 4})
    assert (effect.looked_at, effect.same, effect.entering) == (2, 1, 0)
    (changed,) = effect.examples
    assert changed.allocation_id == reply.allocation_id
    assert effect.leaving == len(changed.leaving) > 0
    assert effect.mean_used_tokens.before == (reply.used_tokens + given.used_tokens) / 2
    after = effect.mean_used_tokens.after
    assert after is not None
    assert after < reply.used_tokens
    sums = [one.after or 0 for one in effect.by_tier.values()]
    assert sum(sums) == pytest.approx(after)
    assert service.workspaces.config("kate").max_total_tokens == 1_000
    with pytest.raises(ConfigError):
        service.allocations.effect("kate", {"max_total_tokens": -1})


def test_what_cannot_be_tried_is_counted(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        service.recall("kate", QUERY)
    service.workspaces.change("kate", logging={"include_text": False})
    service.recall("kate", QUERY)
    effect = service.allocations.effect("kate", {})
    assert (effect.looked_at, effect.skipped) == (2, {trials.NO_QUESTION: 1})
    monkeypatch.setattr(trials, "EFFECT_SECONDS", -1.0)
    late = service.allocations.effect("kate", {})
    assert late.looked_at == 1
    assert late.skipped[trials.OUT_OF_TIME] >= 1
    assert sum(late.skipped.values()) == 2
    service.create_workspace("empty")
    assert service.allocations.effect("empty", {}).mean_used_tokens.before is None


def test_arrivals_tell_each_recall_once(service: MemoryService, clock: Clock) -> None:
    service.recall("kate", QUERY)
    service.allocations.list("kate")
    arrivals = service.allocations.arrivals("kate")
    assert arrivals.new() == ()
    ids = []
    for seconds in (1, 30):
        clock.now += timedelta(seconds=seconds)
        ids.append(service.recall("kate", QUERY).allocation_id)
    service.allocations.list("kate")
    assert [one for one, _ in arrivals.new()] == ids
    assert arrivals.new() == ()
