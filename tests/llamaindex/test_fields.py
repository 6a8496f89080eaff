"""Every public attribute counts when it is set later, or is refused; none counts in part."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole
from llama_index.core.callbacks import CallbackManager
from llama_index.core.schema import ImageNode, NodeWithScore, TextNode
from llama_index.core.storage.chat_store import SimpleChatStore
from llamaindex_models import LetterEmbedding, ScriptedLLM, prose
from pydantic import ValidationError

import mba_integrations.llamaindex as adapter
from mba_integrations import InputError, MemoryItem, MemoryPool, WorkspaceConfig
from mba_integrations.llamaindex import (
    BudgetAllocationEvent,
    BudgetedFunctionCallingLLM,
    BudgetedMemory,
    BudgetedMemoryBlock,
    BudgetLedger,
    LlamaIndexEmbedder,
    MemoryBudgetPostprocessor,
    MessageTokens,
)
from mba_integrations.llamaindex.ledger import Participant
from mba_integrations.testing import CharacterCounter, WordCounter

pytestmark = pytest.mark.usefixtures("own_event_loop")

SMALL = WorkspaceConfig(workspace_id="small", max_total_tokens=100)
BY_IMPORTANCE = WorkspaceConfig(
    workspace_id="x",
    scoring_method="weighted_sum",
    relevance_weight=0.0,
    importance_weight=1.0,
    freshness_weight=0.0,
)
OTHER_STORE = SimpleChatStore(store={"chat_history": [ChatMessage(content="of another store")]})
IMAGE = ImageBlock(url="https://example.org/a.png")


def words(text: str) -> int:
    return len(text.split())


def history() -> list[ChatMessage]:
    talk = [
        ChatMessage(role=role, content=f"{turn} {{persona}} {prose(20, turn)}")
        for turn in range(20)
        for role in (MessageRole.USER, MessageRole.ASSISTANT)
    ]
    talk[4] = ChatMessage(role=MessageRole.USER, content="The vault's code is heliotrope.")
    talk[-1] = ChatMessage(role=MessageRole.ASSISTANT, blocks=[IMAGE])
    return talk


def memory(**arguments: Any) -> BudgetedMemory:
    store = SimpleChatStore(
        store={"chat_history": history(), "bob": [ChatMessage(content="Bob's")]}
    )
    return BudgetedMemory(
        **{"chat_store": store, "token_counter": words, "media_tokens": 40, **arguments}
    )


def seen_by(made: BudgetedMemory) -> list[str]:
    return [one.model_dump_json() for one in made.get("What is the vault's code?")]


def nodes() -> list[NodeWithScore]:
    made = [
        NodeWithScore(
            node=TextNode(text=f"oak {place} {prose(20, place)}", metadata={"page": str(place)}),
            score=0.9 - place / 100,
        )
        for place in range(20)
    ]
    image = ImageNode(text="oak image", image_url="https://example.org/a.png")
    return [*made, NodeWithScore(node=image, score=0.99)]


NODES = nodes()
"""The same for all, since ids are drawn."""


def post(**arguments: Any) -> MemoryBudgetPostprocessor:
    return MemoryBudgetPostprocessor(**{"token_counter": words, **arguments})


def kept_by(made: MemoryBudgetPostprocessor) -> list[str]:
    made.postprocess_nodes(NODES[:6], query_str="oak 3")
    kept = made.postprocess_nodes(NODES, query_str="oak 9")
    return [one.node.get_content() for one in kept]


def llm(**arguments: Any) -> BudgetedFunctionCallingLLM:
    return BudgetedFunctionCallingLLM(
        **{"llm": ScriptedLLM(context_window=600), "token_counter": words, **arguments}
    )


def sent_by(made: BudgetedFunctionCallingLLM) -> list[str]:
    asked = [*history(), ChatMessage(role=MessageRole.USER, content="What is the vault's code?")]
    made.chat(asked)
    sent = made.llm.prompts[-1]  # type: ignore[attr-defined]
    return [one.model_dump_json() for one in sent]


def block(**arguments: Any) -> BudgetedMemoryBlock:
    facts = [MemoryItem(f"f{k}", f"{k} {prose(15, k)}", "long_term") for k in range(30)]
    facts += [MemoryItem("rule", "Be brief, and kind.", "project")]
    return BudgetedMemoryBlock(**{"pool": MemoryPool.from_items(facts), **arguments})


def recalled_by(made: BudgetedMemoryBlock) -> str:
    return asyncio.run(made.aget([ChatMessage(content="What of kindness?")]))


def put_into(made: BudgetedMemoryBlock) -> list[str | None]:
    """The conversations of what the block takes over."""
    known = {item.id for item in made.pool}
    talk = [ChatMessage(content="a"), ChatMessage(role=MessageRole.ASSISTANT, content="b")]
    asyncio.run(made.aput(talk, from_short_term_memory=True))
    return [item.source for item in made.pool if item.id not in known]


Make = Callable[..., Any]
FOLLOWED: dict[str, tuple[Make, Callable[[Any], Any], dict[str, Any], Any]] = {
    "BudgetedMemory.budget_tokens": (memory, seen_by, {"budget_tokens": 1000}, 200),
    "BudgetedMemory.chat_store": (memory, seen_by, {}, OTHER_STORE),
    "BudgetedMemory.chat_store_key": (memory, seen_by, {}, "bob"),
    "BudgetedMemory.workspace": (memory, seen_by, {}, SMALL),
    "BudgetedMemory.recent_share": (memory, seen_by, {"budget_tokens": 300}, 1.0),
    "BudgetedMemory.media_tokens": (memory, seen_by, {"budget_tokens": 300}, 200),
    "BudgetedMemory.template_variables": (memory, seen_by, {}, ("persona",)),
    "BudgetedMemory.ledger": (memory, seen_by, {}, BudgetLedger(budget_tokens=300)),
    "BudgetedMemoryBlock.name": (block, put_into, {}, "another"),
    "BudgetedMemoryBlock.accept_short_term_memory": (block, put_into, {}, False),
    "BudgetedMemoryBlock.budget_tokens": (block, recalled_by, {}, 60),
    "BudgetedMemoryBlock.workspace": (
        block, recalled_by, {"budget_tokens": 300},
        WorkspaceConfig(workspace_id="x", rendering={"format": "xml"}),
    ),
    "BudgetedFunctionCallingLLM.llm": (llm, sent_by, {}, ScriptedLLM(context_window=300)),
    "BudgetedFunctionCallingLLM.budget_tokens": (llm, sent_by, {}, 200),
    "BudgetedFunctionCallingLLM.workspace": (
        llm, sent_by, {"budget_tokens": 300}, BY_IMPORTANCE,
    ),
    "BudgetedFunctionCallingLLM.recent_share": (llm, sent_by, {"budget_tokens": 300}, 1.0),
    "BudgetedFunctionCallingLLM.media_tokens": (llm, sent_by, {"budget_tokens": 300}, 20),
    "MemoryBudgetPostprocessor.budget_tokens": (post, kept_by, {"budget_tokens": 200}, 100),
    "MemoryBudgetPostprocessor.fit": (
        post, kept_by, {"token_counter": None, "llm": ScriptedLLM(context_window=1200)}, "prompt",
    ),
    "MemoryBudgetPostprocessor.workspace": (post, kept_by, {}, SMALL),
    "MemoryBudgetPostprocessor.order": (post, kept_by, {"budget_tokens": 200}, "input"),
    "MemoryBudgetPostprocessor.separator": (post, kept_by, {"budget_tokens": 200}, " - - - - "),
    "MemoryBudgetPostprocessor.prompt_template": (
        post, kept_by, {"budget_tokens": 200}, "word " * 90 + "{context_str}",
    ),
    "MemoryBudgetPostprocessor.multimodal": (post, kept_by, {"budget_tokens": 200}, True),
    "MemoryBudgetPostprocessor.media_tokens": (
        post, kept_by, {"budget_tokens": 200, "multimodal": True, "media_tokens": 1}, 190,
    ),
    "MemoryBudgetPostprocessor.shorten": (post, kept_by, {"budget_tokens": 1}, False),
    "MemoryBudgetPostprocessor.ledger": (post, kept_by, {}, BudgetLedger(budget_tokens=100)),
    "MemoryBudgetPostprocessor.session_id": (post, kept_by, {"budget_tokens": 200}, "kate"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOLLOWED)
def test_an_attribute_that_is_set_counts_from_then_on(name: str) -> None:
    make, use, arguments, value = FOLLOWED[name]
    attribute = name.partition(".")[2]
    one = make(**arguments)
    before = use(one)
    setattr(one, attribute, value)
    after = use(one)
    assert after != before, "the table's value changes nothing"
    assert after == use(make(**{**arguments, attribute: value}))


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_copy_with_another_attribute_goes_by_it(name: str) -> None:
    make, use, arguments, value = FOLLOWED[name]
    attribute = name.partition(".")[2]
    one = make(**arguments)
    before = use(one)
    assert use(one.model_copy(update={attribute: value})) != before
    assert use(one) == before


REFUSED: dict[str, tuple[Make, dict[str, Any], Any, type[Exception], str]] = {
    "BudgetedMemory.budget_tokens": (memory, {}, 0, ValidationError, "greater than or equal to 1"),
    "BudgetedMemory.budget_tokens of 10**30": (
        memory, {}, 10**30, ValidationError, "budget_tokens",
    ),
    "BudgetedMemory.budget_tokens beside a ledger": (
        memory, {"ledger": BudgetLedger(budget_tokens=9)}, 100, InputError, "not both",
    ),
    "BudgetedMemory.ledger beside a budget": (
        memory, {"budget_tokens": 9}, BudgetLedger(budget_tokens=9), InputError, "not both",
    ),
    "BudgetedMemory.chat_store": (memory, {}, "a store", ValidationError, "chat_store"),
    "BudgetedMemory.chat_store_key": (memory, {}, None, ValidationError, "chat_store_key"),
    "BudgetedMemory.recent_share": (memory, {}, 1.5, ValidationError, "recent_share"),
    "BudgetedMemory.media_tokens": (memory, {}, 10**400, ValidationError, "media_tokens"),
    "BudgetedMemoryBlock.budget_tokens": (block, {}, -1, ValidationError, "budget_tokens"),
    "BudgetedMemoryBlock.pool": (block, {}, MemoryPool(), AttributeError, "no setter"),
    "BudgetedFunctionCallingLLM.llm": (llm, {}, None, ValidationError, "llm"),
    "BudgetedFunctionCallingLLM.budget_tokens": (llm, {}, "many", ValidationError, "budget_tokens"),
    "MemoryBudgetPostprocessor.fit": (post, {}, "prompt", InputError, "has no effect"),
    "MemoryBudgetPostprocessor.session_id": (
        post, {"order": "input"}, "kate", InputError, "keeps the order",
    ),
    "MemoryBudgetPostprocessor.order": (
        post, {"session_id": "kate"}, "input", InputError, "keeps the order",
    ),
    "MemoryBudgetPostprocessor.nothing": (post, {}, 1, ValueError, "nothing"),
    "BudgetLedger.budget_tokens": (
        lambda: BudgetLedger(budget_tokens=9), {}, 10, ValidationError, "frozen",
    ),
    "BudgetLedger.history_share": (
        lambda: BudgetLedger(budget_tokens=9), {}, 1.0, ValidationError, "frozen",
    ),
    "BudgetLedger.ledger_id": (
        lambda: BudgetLedger(budget_tokens=9), {}, "x", ValidationError, "frozen",
    ),
    "LlamaIndexEmbedder.embed_model": (
        lambda: LlamaIndexEmbedder(LetterEmbedding()), {}, None, AttributeError, "no setter",
    ),
    "LlamaIndexEmbedder.length": (
        lambda: LlamaIndexEmbedder(LetterEmbedding()), {}, 3, AttributeError, "no setter",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_set_is_refused_and_changes_nothing(name: str) -> None:
    make, arguments, value, error, sentence = REFUSED[name]
    attribute = name.partition(".")[2].partition(" ")[0]
    one = make(**arguments)
    before = getattr(one, attribute, None)
    with pytest.raises(error, match=sentence):
        setattr(one, attribute, value)
    assert getattr(one, attribute, None) is before


def test_a_counter_of_messages_follows_its_attributes() -> None:
    tokens = MessageTokens(WordCounter())
    message = ChatMessage(blocks=[IMAGE])
    before = tokens.of(message)
    tokens.media_tokens = 0
    assert before - tokens.of(message) == 2125
    tokens.counter = CharacterCounter()
    assert tokens.of(ChatMessage(content="one two")) == 3 + len("user") + len("one two")


NOT_OURS = {
    "callback_manager",  # LlamaIndex' own, as all below
    "description",
    "priority",
    "system_prompt",
    "messages_to_prompt",
    "completion_to_prompt",
    "output_parser",
    "pydantic_program_mode",
    "query_wrapper_prompt",
    "rate_limiter",
}


def test_no_field_is_left_out_of_these_tables() -> None:
    told = {*FOLLOWED, *REFUSED}
    for name in adapter.__all__:
        kind = getattr(adapter, name)
        fields = getattr(kind, "model_fields", {})
        # What was, and not what will be; and what stands on a service.
        if kind not in (BudgetAllocationEvent, adapter.MemoryServiceBlock):
            assert {f"{name}.{field}" for field in {*fields} - NOT_OURS} <= told


def test_the_frameworks_own_fields_can_be_set() -> None:
    manager = CallbackManager([])
    for one in (post(), llm()):
        one.callback_manager = manager
        assert one.callback_manager is manager
    model = llm()
    model.system_prompt = "Be kind."
    assert model.system_prompt == "Be kind."


def test_a_ledger_knows_the_history_of_another_key_at_once() -> None:
    made = memory(ledger=BudgetLedger(budget_tokens=3000, history_share=1.0))
    ledger = made.ledger
    assert ledger is not None
    long = ledger.room(Participant.DOCUMENTS)
    made.chat_store_key = "bob"
    assert long < 3000 - 100 < ledger.room(Participant.DOCUMENTS)


def test_turns_go_under_the_key_that_was_set_last() -> None:
    store = SimpleChatStore()
    made = memory(chat_store=store, chat_store_key="alice")
    made.put(ChatMessage(content="Alice's"))
    made.chat_store_key = "bob"
    made.put(ChatMessage(content="Bob's"))
    assert [one.content for one in made.get_all()] == ["Bob's"]
    assert [one.content for one in store.get_messages("alice")] == ["Alice's"]
    other = made.model_copy(update={"chat_store_key": "alice"})
    other.put(ChatMessage(content="Alice's too"))
    assert [len(store.get_messages(key)) for key in ("alice", "bob")] == [2, 1]
