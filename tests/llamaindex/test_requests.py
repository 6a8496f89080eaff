"""What is asked of a memory, and what is refused before anything is chosen."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole
from llama_index.core.bridge.pydantic import ValidationError
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llamaindex_models import LetterEmbedding, prose, recorded_events

from mba_integrations import (
    BudgetError,
    InputError,
    MemoryItem,
    MemoryPool,
    PinnedOverBudgetError,
)
from mba_integrations.llamaindex import (
    BudgetedMemory,
    BudgetLedger,
    MemoryBudgetPostprocessor,
    items_from_messages,
    items_from_nodes,
)
from mba_integrations.llamaindex.ledger import Participant

pytestmark = pytest.mark.usefixtures("own_event_loop")

IMAGE = ImageBlock(url="https://example.org/a.png")
TALK = [
    ChatMessage(role=role, content=prose(9, turn))
    for turn in range(20)
    for role in (MessageRole.USER, MessageRole.ASSISTANT)
]


def words(text: str) -> int:
    return len(text.split())


class Shelf(BaseRetriever):
    """Records what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        self.asked.append(query_bundle.query_str)
        return [NodeWithScore(node=TextNode(text="A fact."), score=0.9)]


def repr_of(value: Any) -> str:
    """A short id: what a number of 400 digits has to be, too."""
    return str(value)[:12] if not isinstance(value, int) or value < 10**20 else "large"


LAST = "The last question."


@pytest.mark.parametrize(
    ("given", "last", "asked"),
    [
        pytest.param(None, LAST, LAST, id="no-input"),
        pytest.param("Which tram goes to Oslo?", LAST, "Which tram goes to Oslo?", id="input"),
        pytest.param("Why?", LAST, f"Why?\n{LAST}", id="input-that-hangs-on-the-last"),
        pytest.param("", LAST, LAST, id="empty"),
        pytest.param(" \n", LAST, LAST, id="white-space"),
        pytest.param(ChatMessage(blocks=[IMAGE]), LAST, LAST, id="image"),
        pytest.param(None, "", None, id="last-is-empty"),
        pytest.param(None, " \t", None, id="last-is-white-space"),
        pytest.param(" ", " ", None, id="both-are-white-space"),
    ],
)
@pytest.mark.parametrize("awaited", [False, True], ids=["sync", "async"])
def test_no_retriever_and_no_model_is_asked_a_question_without_text(
    given: Any, last: str, asked: str | None, awaited: bool
) -> None:
    shelf, model = Shelf(), LetterEmbedding()
    memory = BudgetedMemory.from_defaults(
        120, chat_history=[*TALK, ChatMessage(content=last)], long_term=shelf, embed_model=model
    )
    view = asyncio.run(memory.aget(given)) if awaited else memory.get(given)
    assert view
    assert shelf.asked == ([] if asked is None else [asked])
    assert [text for text in model.asked if text.startswith("?")] == [
        f"?{text}" for text in shelf.asked
    ]
    assert all(text.strip() for text in model.asked)


def test_an_agent_without_a_user_message_asks_nobody() -> None:
    shelf = Shelf()
    memory = BudgetedMemory.from_defaults(120, long_term=shelf)
    assert memory.get() == []
    assert shelf.asked == []


@pytest.mark.parametrize("awaited", [False, True], ids=["sync", "async"])
def test_initial_tokens_over_the_budget_are_refused_as_by_the_frameworks_memory(
    awaited: bool,
) -> None:
    memory = BudgetedMemory.from_defaults(100, chat_history=TALK)
    with pytest.raises(BudgetError, match=r"is 101, the budget is 100 tokens \(1 over\)") as raised:
        asyncio.run(memory.aget("x", 101)) if awaited else memory.get("x", 101)
    assert (raised.value.needed_tokens, raised.value.budget_tokens) == (101, 100)
    assert memory.get("x", initial_token_count=100) == []
    with pytest.raises(ValueError, match="exceeds token limit"):
        ChatMemoryBuffer.from_defaults(TALK, token_limit=100).get("x", 101)


def test_initial_tokens_over_what_documents_left_are_refused() -> None:
    ledger = BudgetLedger(budget_tokens=500)
    memory = BudgetedMemory.from_defaults(ledger=ledger, chat_history=TALK)
    ledger.take(Participant.DOCUMENTS, 450)
    with pytest.raises(BudgetError, match="the budget is 50 tokens"):
        memory.get("x", initial_token_count=51)


@pytest.mark.parametrize("tokens", [-1, 1.5, "9", None, 10**400], ids=repr_of)
def test_initial_tokens_that_are_no_number_are_refused(tokens: Any) -> None:
    with pytest.raises(InputError, match="initial_token_count must be"):
        BudgetedMemory.from_defaults(100).get("x", tokens)


@pytest.mark.parametrize("source", ["a path", 7, [TextNode(text="x")], MemoryPool], ids=repr_of)
def test_what_is_no_source_of_memories_is_refused(source: Any) -> None:
    with pytest.raises(InputError, match="long_term must be a retriever, an index or a MemoryPool"):
        BudgetedMemory.from_defaults(100, long_term=source)


@pytest.mark.parametrize("budget", [0, -1, 2**63, 10**400, 1.5, "many"], ids=repr_of)
def test_budgets_that_are_none_are_refused(budget: Any) -> None:
    with pytest.raises(ValidationError, match="budget_tokens"):
        BudgetedMemory.from_defaults(budget)
    with pytest.raises(ValidationError, match="budget_tokens"):
        MemoryBudgetPostprocessor(budget_tokens=budget)


@pytest.mark.parametrize("place", [-1, 1.5, "3", 10**400], ids=repr_of)
def test_a_first_position_that_is_no_place_is_refused(place: Any) -> None:
    with pytest.raises(InputError, match="first_position must be"):
        items_from_messages(TALK, source="s", first_position=place)


@pytest.mark.parametrize(
    ("vectors", "sentence"),
    [
        pytest.param([[1.0]], "there are 1 vectors for 2 nodes", id="too-few"),
        pytest.param([None] * 3, "there are 3 vectors for 2 nodes", id="too-many"),
        pytest.param(7, "vectors must be a list with an embedding", id="number"),
        pytest.param("ab", "vectors must be .* got str", id="text"),
    ],
)
def test_vectors_that_are_not_one_for_each_node_are_refused(vectors: Any, sentence: str) -> None:
    nodes = [NodeWithScore(node=TextNode(text=text)) for text in "ab"]
    with pytest.raises(InputError, match=sentence):
        items_from_nodes(nodes, vectors=vectors)


@pytest.mark.parametrize("seed", range(8))
def test_pins_come_in_wherever_they_fit_however_long_the_conversation(seed: int) -> None:
    draw = random.Random(seed)
    rule = MemoryItem("rule", prose(draw.randint(5, 60), seed), "project", pinned=True)
    question = ChatMessage(content=prose(draw.randint(1, 20), -seed))
    short = BudgetedMemory.from_defaults(
        1, chat_history=[question], long_term=MemoryPool.from_items([rule]), token_counter=words
    )
    with pytest.raises(PinnedOverBudgetError) as raised:
        short.get()
    least = raised.value.needed_tokens
    while True:  # The first error may name one part of what is needed alone.
        short.budget_tokens = least
        try:
            alone = short.get()
        except PinnedOverBudgetError as error:
            least = max(least + 1, error.needed_tokens)
        else:
            break
    assert [one.role for one in alone] == [MessageRole.SYSTEM, MessageRole.USER]
    for turns in (1, 5, 20):
        long = BudgetedMemory.from_defaults(
            least,
            chat_history=[*TALK[: 2 * turns], question],
            long_term=MemoryPool.from_items([rule]),
            token_counter=words,
        )
        assert [one.content for one in long.get()] == [one.content for one in alone]


MISSING = "is empty or not finite, and counts as missing"


class Broken(LetterEmbedding):
    """Has no vector for a text with an "x"."""

    def _vector(self, text: str) -> list[float]:
        return [float("inf")] * 27 if "x" in text else super()._vector(text)


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        pytest.param("why", "the vector of 2 nodes", id="nodes"),
        pytest.param("x", "the vector of the question", id="question"),
    ],
)
def test_vectors_that_count_as_missing_are_told(question: str, missing: str) -> None:
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in ("a", "x", "xx")]
    post = MemoryBudgetPostprocessor(embed_model=Broken())
    with recorded_events() as events:
        post.postprocess_nodes(nodes, query_str=question)
    assert events[0].notes == [f"{missing} {MISSING}"]


def test_vectors_that_nodes_bring_and_that_count_as_missing_are_told() -> None:
    nodes = [
        NodeWithScore(node=TextNode(text="a", embedding=vector), score=0.5)
        for vector in ([1.0, 0.0], [], [float("nan")], None)
    ]
    bundle = QueryBundle("why", embedding=[1.0, 0.0])
    with recorded_events() as events:
        MemoryBudgetPostprocessor().postprocess_nodes(nodes, query_bundle=bundle)
    assert events[0].notes == [
        "the vector of 2 nodes is empty or not finite, and counts as missing"
    ]


def test_a_question_of_a_chat_whose_vector_is_missing_is_told() -> None:
    memory = BudgetedMemory.from_defaults(120, chat_history=TALK, embed_model=Broken())
    with recorded_events() as events:
        memory.get("Which tram goes to Oslo?")
        memory.get("Which tram goes to x in Oslo?")
    of_messages = "item '0' and 29 more have an embedding that is empty or not finite"
    of_question = "the query's embedding holds a value that is not finite"
    told = [f"{note}; it counts as missing." for note in (of_question, of_messages)]
    assert [event.notes for event in events] == [told[1:], told]
