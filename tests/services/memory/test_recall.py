"""What a recall chooses from, what it says of the rest, and that its reply is within the budget."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_services import Opened

from benchmarks.fit import workspaces
from benchmarks.services_recalls import call_service
from mba_integrations import MemoryItem, PinnedOverBudgetError, UnknownWorkspaceError
from mba_integrations.core.errors import BudgetError, InputError
from mba_integrations.services.memory.errors import NotYetThereError
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryState
from mba_integrations.testing import Clock, WordCounter


def memory(name: str, text: str, tier: str = "long_term", **fields: Any) -> NewMemory:
    of_item = {key: fields.pop(key) for key in ("pinned", "metadata") if key in fields}
    return NewMemory(item=MemoryItem(name, text, tier, **of_item), **fields)


def recalled(service: MemoryService, query: str = "Kate?", **options: Any) -> set[str]:
    options.setdefault("budget_tokens", 500)
    return {one.item.id for one in service.recall("kate", query, **options).selected}


def test_what_is_remembered_is_recalled_with_its_reasons(service: MemoryService) -> None:
    service.remember("kate", [memory("a", "Kate lives in Lisbon."), memory("b", "Kate skis.")])
    reply = service.recall("kate", "Where does Kate live?", budget_tokens=8)
    assert "Kate lives in Lisbon." in reply.prompt_text
    assert reply.used_tokens == WordCounter().count(reply.prompt_text) <= 8
    assert sum(reply.omitted_by_reason.values()) == 1
    assert "'b'" not in reply.explain()
    assert "Kate skis." in reply.explain()
    assert reply.messages()[0]["content"] == reply.prompt_text
    assert reply.count("Where does Kate live?") == 4


def test_an_empty_workspace_gives_an_empty_prompt_and_says_so(service: MemoryService) -> None:
    reply = service.recall("kate", "Kate?")
    assert (reply.prompt_text, reply.used_tokens) == ("", 0)
    assert "There are no memories to choose from." in reply.notes


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({}, {"a", "b", "c"}, id="all"),
        pytest.param({"tiers": ["project"]}, {"b"}, id="tier"),
        pytest.param({"subject": "kate"}, {"a", "b"}, id="subject"),
        pytest.param({"subject": "kate", "tiers": ["long_term"]}, {"a"}, id="both"),
        pytest.param({"filters": MemoryFilter(tags=frozenset({"sport"}))}, {"c"}, id="tag"),
        pytest.param({"filters": MemoryFilter(metadata={"mood": 1})}, {"b"}, id="metadata"),
        pytest.param({"tiers": ["rag"]}, set(), id="none"),
        pytest.param({"tiers": []}, set(), id="no-tier"),
    ],
)
def test_a_recall_is_narrowed_by_tier_subject_and_filter(
    service: MemoryService, options: dict[str, Any], expected: set[str]
) -> None:
    service.remember(
        "kate",
        [
            memory("a", "Kate lives here.", subject="kate"),
            memory("b", "Kate reads.", "project", subject="kate", metadata={"mood": 1}),
            memory("c", "Kate skis.", subject="zoe", tags=("sport",)),
        ],
    )
    reply = service.recall("kate", "Kate?", budget_tokens=500, **options)
    assert {one.item.id for one in reply.selected} == expected
    assert reply.not_considered.filtered == 3 - len(expected)


def test_a_narrowed_recall_sees_what_changes_after_the_first(service: MemoryService) -> None:
    service.remember("kate", [memory("a", "Kate skis.", tags=("x",)), memory("b", "Kate sews.")])
    wanted = MemoryFilter(tags=frozenset({"x"}))
    assert recalled(service, filters=wanted) == {"a"}
    service.remember("kate", [memory("c", "Kate swims.", tags=("x",)), memory("d", "Kate sits.")])
    service.forget("kate", "a")
    assert recalled(service, filters=wanted) == {"c"}
    service.move("kate", "c", "project")
    assert recalled(service, filters=wanted, tiers=["project"]) == {"c"}


def test_what_has_expired_is_no_candidate_before_any_sweep(
    service: MemoryService, clock: Clock
) -> None:
    service.remember(
        "kate",
        [memory("a", "Kate skis.", expires_at=clock() + timedelta(hours=1)), memory("b", "Kate.")],
    )
    assert recalled(service) == {"a", "b"}
    clock.pass_seconds(3600)
    reply = service.recall("kate", "Kate?", budget_tokens=500)
    assert {one.item.id for one in reply.selected} == {"b"}
    assert reply.not_considered.expired == 1
    assert service.get("kate", "a").state is MemoryState.ACTIVE


def test_superseded_and_forgotten_memories_are_counted(service: MemoryService) -> None:
    service.remember("kate", [memory(name, f"Kate {name}.") for name in "abc"])
    service.recall("kate", "Kate?")
    service.forget("kate", "a")
    service.revise("kate", "b", "Kate is back.")
    reply = service.recall("kate", "Kate?", budget_tokens=500)
    assert reply.not_considered.forgotten == 2
    assert "Not considered: 2 forgotten." in reply.explain()


def test_a_recall_as_of_a_time_sees_what_one_of_then_saw(
    service: MemoryService, clock: Clock
) -> None:
    service.remember(
        "kate",
        [
            memory("a", "Kate lives in Oslo."),
            memory("b", "Kate skis.", expires_at=clock() + timedelta(hours=2)),
        ],
    )
    then = clock()
    clock.pass_seconds(3 * 3600)
    [new] = service.revise("kate", "a", "Kate lives in Rome.").memory_ids
    service.move("kate", new, "project")
    assert recalled(service, as_of=then) == {"a", "b"}
    assert recalled(service, as_of=then, tiers=["project"]) == set()
    assert recalled(service) == {new}
    assert service.recall("kate", "?", as_of=then - timedelta(days=1)).prompt_text == ""


def test_a_recall_of_the_past_leaves_no_trace(opened: Opened, service: MemoryService) -> None:
    service.remember("kate", memory("a", "Kate skis."))
    service.recall("kate", "Kate?", as_of=datetime(2026, 6, 1, 12, tzinfo=UTC), session_id="s")
    service.close()
    assert opened().get("kate", "a").access_count == 0


def test_messages_of_a_reply_can_be_written_as_json(service: MemoryService) -> None:
    service.remember("kate", memory("a", "Kate skis."))
    written = service.recall("kate", "Kate?", session_id="s").to_dict()
    assert written["selected"][0]["id"] == "a"
    assert written["not_considered"] == {"expired": 0, "forgotten": 0, "filtered": 0}
    assert written["change_seq"] == 1
    assert "prompt_text" not in service.recall("kate", "Kate?").to_dict(include_text=False)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        pytest.param({"budget_tokens": 0}, InputError, "must be an integer >= 1", id="budget"),
        pytest.param({"tiers": ["near"]}, InputError, "a tier of tiers must be one of", id="tier"),
        pytest.param({"tiers": "rag"}, InputError, "tiers must be a list", id="tiers-as-text"),
        pytest.param({"subject": ""}, InputError, "subject must be a text", id="subject"),
        pytest.param({"filters": {"a": 1}}, InputError, "must be a MemoryFilter", id="filter"),
        pytest.param(
            {"filters": MemoryFilter(states=None)}, InputError, "active memories", id="states"
        ),
        pytest.param({"query": "x" * 65_537}, InputError, "at most 65,536", id="query"),
        pytest.param({"query": 3}, InputError, "query must be a text", id="no-text"),
        pytest.param({"session_id": ""}, InputError, "session_id must be", id="session"),
        pytest.param({"as_of": datetime(2026, 1, 1)}, InputError, "as_of has no time zone"),
        pytest.param(
            {"as_of": datetime(2027, 1, 1, tzinfo=UTC)}, InputError, "as_of lies in the future"
        ),
        pytest.param({"workspace_id": "eve"}, UnknownWorkspaceError, "create_workspace", id="ws"),
        pytest.param({"budget_tokens": 1}, BudgetError, "pinned", id="pins"),
    ],
)
def test_a_recall_that_cannot_be_is_refused(
    service: MemoryService, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    service.remember("kate", memory("a", "Kate skis.", pinned=True))
    with pytest.raises(error, match=said):
        service.recall(**{"workspace_id": "kate", "query": "Kate?", **options})


def test_a_change_that_is_not_there_yet_is_waited_for_and_then_refused(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "mba_integrations.services.memory.recalling.candidates.LONGEST_WAIT_SECONDS"
    monkeypatch.setattr(where, 0.0)
    seq = service.remember("kate", "Kate skis.").change_seq
    assert service.recall("kate", "Kate?", min_change_seq=seq).change_seq == seq
    with pytest.raises(NotYetThereError, match="is at change 1, min_change_seq is 2"):
        service.recall("kate", "Kate?", min_change_seq=seq + 1)


lines = st.text(min_size=1, max_size=60).filter(lambda text: text.strip() and "\0" not in text)
hostile = st.sampled_from(
    ["## Documents\n- forged", "</memory>", "<|endoftext|>", "a\r\nb", "\u2028x", "/x", "  # y"]
)


class _Counter(WordCounter):
    """Counts that do not add up over lines: two lines together cost one more."""

    id = "joining"

    def count(self, text: str, /) -> int:
        return len(text) // 3 + text.count("\n") // 2 + bool(text)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    contents=st.lists(lines | hostile, min_size=1, max_size=8, unique=True),
    query=lines | hostile,
    budget=st.integers(1, 80),
    tier=st.sampled_from(["working", "project", "long_term", "rag"]),
    format_=st.sampled_from(["markdown", "xml"]),
)
def test_the_reply_counted_again_is_never_over_its_budget(
    opened: Opened, contents: list[str], query: str, budget: int, tier: str, format_: str
) -> None:
    service = _shared(opened)
    workspace = f"w{service.workspaces.ids().__len__()}"
    service.create_workspace(workspace, rendering={"format": format_})
    try:
        service.remember(workspace, contents, tier=tier)
    except InputError:  # a text that no database keeps
        return
    try:
        reply = service.recall(workspace, query, budget_tokens=budget)
    except PinnedOverBudgetError:
        return
    assert _Counter().count(reply.prompt_text) == reply.used_tokens <= budget
    found = service.search(workspace, query, budget_tokens=budget)
    assert _Counter().count(found.text) == found.used_tokens <= budget


_SERVICES: list[MemoryService] = []


def _shared(opened: Opened) -> MemoryService:
    """One service for all examples of the property: opening one costs more than an example."""
    if not _SERVICES or _SERVICES[-1].is_closed:
        _SERVICES.append(opened(token_counter=_Counter()))
    return _SERVICES[-1]


def test_a_member_that_moved_to_another_tier_leaves_its_group_and_not_the_workspace(
    service: MemoryService,
) -> None:
    pair = [MemoryItem(name, f"Kate {name}.", "project", group="g") for name in ("skis", "swims")]
    service.remember("kate", pair)
    service.move("kate", "skis", "long_term")
    reply = service.recall("kate", "Kate?", tiers=["long_term"])
    assert [one.item.id for one in reply.selected] == ["skis"]
    assert len(service.recall("kate", "Kate?").selected) == 2


def test_every_reply_is_within_its_budget_when_it_is_counted_again(where: str) -> None:
    report = call_service(where, calls=12, seed=1, configs=workspaces()[:1])
    assert report.calls == 12
    assert (report.over, report.miscounted) == ([], [])
