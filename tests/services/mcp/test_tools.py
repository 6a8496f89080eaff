"""What the tools do, without the protocol: budgets, retries, and what is kept of a call."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp_clients import caller

from mba_integrations.core.errors import InputError, PinnedOverBudgetError
from mba_integrations.core.model import MemoryItem
from mba_integrations.services.mcp.tools.change import forget, remember, revise
from mba_integrations.services.mcp.tools.explain import explain
from mba_integrations.services.mcp.tools.feedback import feedback
from mba_integrations.services.mcp.tools.recall import RecentRecalls, recall
from mba_integrations.services.mcp.tools.reply import Reply, written
from mba_integrations.services.mcp.tools.status import status
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.rag.service import RagService
from mba_integrations.services.store.errors import IdempotencyConflictError
from mba_integrations.testing import CharacterCounter, WordCounter

KATE = caller()


@pytest.fixture(scope="module")
def counted(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MemoryService]:
    """A service that counts characters: a receipt has more of them than is set aside for it."""
    path = shutil.copy(sqlite_template, tmp_path_factory.mktemp("counted") / "memory.db")
    with MemoryService.open(path, token_counter=CharacterCounter(), background=False) as service:
        yield service


def kept(service: MemoryService, *texts: str, **fields: Any) -> list[str]:
    reply = remember(service, KATE, {"items": [{"text": one, **fields} for one in texts]})
    return [line.removeprefix("- ") for line in reply.text.splitlines()[1:]]


# recall


@settings(max_examples=15, deadline=None)
@given(
    texts=st.lists(st.text(min_size=20, max_size=80), min_size=12, max_size=16),
    query=st.text(max_size=40),
    budget=st.integers(400, 900),
)
def test_text_and_receipt_together_are_within_the_budget(
    counted: MemoryService, texts: list[str], query: str, budget: int
) -> None:
    workspace = new_id(datetime.now(UTC))
    counted.create_workspace(workspace, token_price=0.0)  # so that the budget is used up
    counted.remember(workspace, [f"{query} {text}." for text in texts], on_error="skip")
    asked = {"query": query, "budget_tokens": budget}
    reply = recall(counted, RecentRecalls(), caller("all", workspace), asked)
    used = CharacterCounter().count(reply.text)
    assert used == reply.receipt["used_tokens"]
    assert used + CharacterCounter().count(written(reply.receipt)) <= budget


def test_a_budget_below_an_empty_reply_is_refused(counted: MemoryService) -> None:
    counted.create_workspace("small", max_total_tokens=170)
    with pytest.raises(InputError, match="the reply around the prompt needs"):
        recall(counted, RecentRecalls(), caller("all", "small"), {"query": "x"})


def test_the_workspace_s_ceiling_holds_for_the_whole_reply(service: MemoryService) -> None:
    kept(service, *(f"Kate said {'word ' * 90} {place}." for place in range(80)))
    reply = recall(service, RecentRecalls(), KATE, {"query": "Kate", "budget_tokens": 24_500})
    assert reply.receipt["budget_tokens"] == 5_000
    assert WordCounter().count(reply.text + written(reply.receipt)) <= 5_000


def test_pins_that_do_not_fit_say_how_much_to_ask_for(service: MemoryService) -> None:
    (memory,) = kept(service, "pinned " * 200)
    service.pin("kate", memory)
    with pytest.raises(PinnedOverBudgetError, match="Ask with budget_tokens=") as refused:
        recall(service, RecentRecalls(), KATE, {"query": "x", "budget_tokens": 200})
    enough = {"query": "x", "budget_tokens": refused.value.needed_tokens}
    assert "pinned" in recall(service, RecentRecalls(), KATE, enough).text


def test_a_session_keeps_what_stood_in_its_last_prompt(service: MemoryService) -> None:
    kept(service, "Kate lives in Porto.", "Bread needs salt and flour.")
    recent = RecentRecalls()
    asked = [
        recall(service, recent, KATE, {"query": query, "session": "s1"}).text
        for query in ("Where does Kate live?", "What does bread need?")
    ]
    assert asked[1].startswith(asked[0])


# explain


def test_explain_tells_ids_reasons_and_what_more_tokens_would_add(service: MemoryService) -> None:
    long = [f"Kate met {name} {'and talked ' * 50}." for name in ("Ann", "Ben", "Cid", "Dot")]
    ids = kept(service, *long)
    recent = RecentRecalls()
    receipt = recall(service, recent, KATE, {"query": "Whom did Kate meet?", "budget_tokens": 320})
    told = explain(service, recent, KATE, {}).text
    assert all(one in told for one in ids)
    assert "came in with" in told
    assert "200 more tokens would add: " in told
    out = next(line for line in told.splitlines() if "[out, " in line)
    only = {"allocation_id": receipt.receipt["allocation_id"], "item_id": out.split()[1]}
    assert explain(service, recent, KATE, only).text.splitlines()[1:] == [out]


def test_explain_shows_no_text_that_was_erased_since(service: MemoryService) -> None:
    (memory,) = kept(service, "Kate has a secret.")
    recent = RecentRecalls()
    recall(service, recent, KATE, {"query": "Kate's secret?"})
    service.erasures.erase("kate", memory_ids=[memory])
    told = explain(service, recent, KATE, {}).text
    assert "secret." not in told
    assert f"{memory} [in; " in told


def test_passages_of_documents_are_recalled_with_their_places_where_the_lines_have_them(
    service: MemoryService,
) -> None:
    rag = RagService(service)
    pages = [
        MemoryItem("p", f"{who} approves leave.", "rag", metadata={"page": page})
        for page, who in ((4, "Ben"), (9, "Zoe"))
    ]
    rag.put_document("kate", "handbook", pieces=pages, title="Handbook")
    plain = recall(service, RecentRecalls(), KATE, {"query": "Who approves leave?"})
    assert ("Ben approves" in plain.text, "page 4" in plain.text) == (True, False)
    service.workspaces.change("kate", rendering={"line_templates": {"rag": "[{citation}] {text}"}})
    asked = {"query": "Who approves leave?", "budget_tokens": 240}
    reply = recall(service, RecentRecalls(), KATE, asked)
    assert "[Handbook, page 4] Ben approves leave." in reply.text
    assert reply.receipt["used_tokens"] <= 240
    told = status(service, KATE)
    assert "2 rag), 1 documents." in told.text
    assert told.receipt["documents"] == 1


def test_the_last_recall_is_the_caller_s_own(service: MemoryService) -> None:
    recent = RecentRecalls()
    recall(service, recent, KATE, {"query": "first"})
    recall(service, recent, caller("both"), {"query": "second"})
    with pytest.raises(InputError, match="Call recall again"):
        explain(service, recent, caller("both", "bob"), {})
    first = explain(service, recent, KATE, {})
    assert first.receipt != explain(service, recent, caller("both"), {}).receipt


def test_an_earlier_recall_is_told_from_the_log(service: MemoryService) -> None:
    """After a restart nothing else is known, and nothing of another workspace ever."""
    kept(service, "Kate lives in Lisbon.", "Bread needs salt and flour.")
    asked = {"query": "Where does Kate live?"}
    allocation_id = recall(service, RecentRecalls(), KATE, asked).receipt["allocation_id"]
    of_log = explain(service, RecentRecalls(), KATE, {"allocation_id": allocation_id})
    assert of_log.receipt == {"allocation_id": allocation_id}
    assert explain(service, RecentRecalls(), KATE, {}).text == of_log.text
    head, first, *_, last = of_log.text.splitlines()
    assert "came in with" in head
    assert "From the log" in head
    assert re.match(r"- \S+ \[in; \d+ tokens; score [\d.]+\] Kate lives in Lisbon\.", first)
    assert "is not in the log" in last
    with pytest.raises(InputError, match="is known any more"):
        explain(service, RecentRecalls(), caller("all", "bob"), {"allocation_id": allocation_id})
    with pytest.raises(InputError, match="has nothing on 'm9'"):
        explain(service, RecentRecalls(), KATE, {"allocation_id": allocation_id, "item_id": "m9"})


def test_the_log_tells_what_more_tokens_would_add_where_it_has_the_question(
    service: MemoryService,
) -> None:
    service.workspaces.change("kate", logging={"include_text": True}, token_price=0.0)
    kept(service, *(f"Kate said {'word ' * 40} {place}." for place in range(9)))
    recent = RecentRecalls()
    recall(service, recent, KATE, {"query": "What did Kate say?", "budget_tokens": 300})
    whole, of_log = (explain(service, one, KATE, {}).text for one in (recent, RecentRecalls()))
    assert "200 more tokens would add: " in of_log
    assert of_log.splitlines()[-1] == whole.splitlines()[-1]


def test_a_recall_that_needs_several_tries_is_logged_once(counted: MemoryService) -> None:
    counted.create_workspace("tries", token_price=0.0)
    counted.remember("tries", [f"Kate said {place} and more." for place in range(60)])
    asked = {"query": "What did Kate say?", "budget_tokens": 600}
    reply = recall(counted, RecentRecalls(), caller("all", "tries"), asked)
    (row,) = counted.allocations.list("tries").rows
    assert row.allocation_id == reply.receipt["allocation_id"]


# remember, revise, forget


def test_what_an_agent_remembers_is_marked_as_its_own(service: MemoryService) -> None:
    asked = {"items": [{"text": "Kate skis.", "tier": "project", "importance": 1, "about": "k"}]}
    remember(service, caller(client="claude-code"), asked)
    (row,) = service.list("kate").rows
    assert (row.author, row.client, row.subject) == ("agent", "claude-code", "k")
    assert (row.tier, row.importance) == ("project", 1.0)


@pytest.mark.parametrize("by", ["argument", "header"])
def test_a_request_that_comes_twice_is_done_once(service: MemoryService, by: str) -> None:
    asked: dict[str, Any] = {"items": [{"text": "Kate skis."}]}
    again = caller(request_key="k1" if by == "header" else None)
    if by == "argument":
        asked["key"] = "k1"
    first = remember(service, again, asked)
    assert remember(service, again, asked) == first
    assert first.receipt["created"] == 1
    with pytest.raises(IdempotencyConflictError):
        remember(service, again, {**asked, "items": [{"text": "Kate sails."}]})


def test_a_text_that_is_known_is_said_to_be(service: MemoryService) -> None:
    (memory,) = kept(service, "Kate skis.")
    reply = remember(service, KATE, {"items": [{"text": "Kate skis."}, {"text": "Bob skis."}]})
    assert (reply.receipt["created"], reply.receipt["known"]) == (1, 1)
    assert f"- {memory} (known before)" in reply.text


def test_a_revision_that_comes_twice_is_done_once(service: MemoryService) -> None:
    (memory,) = kept(service, "Kate skis.")
    asked = {"id": memory, "text": "Kate sails."}
    first = revise(service, KATE, asked)
    assert revise(service, KATE, asked) == first
    with pytest.raises(InputError, match="is superseded and cannot be revised"):
        revise(service, KATE, {**asked, "text": "Kate rows."})


def test_forgetting_by_words_lists_first_and_acts_on_confirmation(service: MemoryService) -> None:
    ids = kept(service, "Kate's old office", "The old office is shut", "Kate skis")
    listed = forget(service, KATE, {"query": "old office"})
    assert [one in listed.text for one in ids] == [True, True, False]
    assert listed.receipt == {"forgotten": 0, "found": 2}
    assert sum(service.counts("kate").values()) == 3
    done = forget(service, KATE, {"query": "old office", "confirm": True})
    assert done.receipt["forgotten"] == 2
    assert [row.content for row in service.list("kate").rows] == ["Kate skis"]


def test_words_that_no_memory_holds_bring_up_the_nearest(service: MemoryService) -> None:
    (memory,) = kept(service, "Kate skis in the north.")
    reply = forget(service, KATE, {"query": "skis north Kate"})
    assert isinstance(reply, Reply)
    assert memory in reply.text
    assert reply.receipt["forgotten"] == 0
    assert forget(service, KATE, {"ids": [memory]}).receipt["forgotten"] == 1
    assert forget(service, KATE, {"ids": [memory]}).receipt["forgotten"] == 0


# feedback


def judged(service: MemoryService, allocation_id: str) -> dict[str | None, bool | None]:
    return {
        one.memory_id: one.useful for one in service.allocations.feedback("kate", allocation_id)
    }


def test_what_an_answer_used_is_kept_for_the_session_s_last_recall(service: MemoryService) -> None:
    oslo, salt = kept(service, "Kate lives in Oslo.", "Kate bakes bread with salt.")
    recent = RecentRecalls()
    asked = {"query": "What of Kate?", "budget_tokens": 400}
    mine = recall(service, recent, KATE, {**asked, "session": "mine"}).receipt["allocation_id"]
    recall(service, recent, KATE, {**asked, "session": "another"})
    told = feedback(service, recent, KATE, {"session": "mine", "answer": "She lives in Oslo."})
    assert told.receipt == {"allocation_id": mine, "useful": 1, "useless": 1}
    assert judged(service, mine) == {oslo: True, salt: False}
    after_restart = {"session": "mine", "query": asked["query"], "answer": "Bread with salt."}
    assert feedback(service, RecentRecalls(), KATE, after_restart).receipt["allocation_id"] == mine
    assert judged(service, mine) == {oslo: False, salt: True}


def test_a_program_names_the_recall_what_was_cited_and_a_thumb(service: MemoryService) -> None:
    oslo, salt = kept(service, "Kate lives in Oslo.", "Kate bakes bread with salt.")
    recent = RecentRecalls()
    allocation_id = recall(service, recent, KATE, {"query": "Kate?"}).receipt["allocation_id"]
    recall(service, recent, KATE, {"query": "Kate?"})
    said = {"allocation_id": allocation_id, "cited": [oslo], "thumb": "up"}
    feedback(service, recent, KATE, said)
    assert judged(service, allocation_id) == {None: True, oslo: True, salt: False}


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"allocation_id": "nobody's", "thumb": "up"}, 'no recall "nobody\'s" is known'),
        ({"session": "none", "thumb": "up"}, "no recall 'last' is known"),
        ({}, "the feedback says nothing"),
    ],
)
def test_feedback_on_nothing_is_refused(
    service: MemoryService, said: dict[str, Any], problem: str
) -> None:
    recent = RecentRecalls()
    recall(service, recent, KATE, {"query": "Kate?"})
    with pytest.raises(InputError, match=problem):
        feedback(service, recent, KATE, said)


def test_feedback_is_on_recalls_of_the_caller_s_workspace(service: MemoryService) -> None:
    recent = RecentRecalls()
    allocation_id = recall(service, recent, KATE, {"query": "Kate?"}).receipt["allocation_id"]
    said = {"allocation_id": allocation_id, "thumb": "up"}
    with pytest.raises(InputError, match="is known any more"):
        feedback(service, recent, caller("all", "bob"), said)
