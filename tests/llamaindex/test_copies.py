"""Copies and pickles of the adapter: they have everything, or they are refused by name."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llama_index.core.storage.chat_store import SimpleChatStore
from llamaindex_models import LetterEmbedding, ScriptedLLM, prose

from mba_integrations import InputError, WorkspaceConfig
from mba_integrations.llamaindex import (
    BudgetedFunctionCallingLLM,
    BudgetedMemory,
    BudgetedMemoryBlock,
    BudgetLedger,
    LlamaIndexEmbedder,
    MemoryBudgetPostprocessor,
)

pytestmark = pytest.mark.usefixtures("own_event_loop")

HISTORY = [
    ChatMessage(role=role, content=prose(20, turn))
    for turn in range(12)
    for role in (MessageRole.USER, MessageRole.ASSISTANT)
]
NODES = [NodeWithScore(node=TextNode(text=prose(20, k), id_=str(k)), score=0.5) for k in range(9)]
WORKSPACE = WorkspaceConfig(workspace_id="support")


def words(text: str) -> int:
    """A counter that can be pickled, as it has a name."""
    return len(text.split())


class Shelf(BaseRetriever):
    """Finds the same every time."""

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return NODES[:2]


def pickled(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


WAYS: dict[str, Callable[[Any], Any]] = {"deepcopy": copy.deepcopy, "pickle": pickled}
both_ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


def a_memory(**arguments: Any) -> BudgetedMemory:
    return BudgetedMemory.from_defaults(
        200, chat_history=HISTORY, token_counter=words, workspace=WORKSPACE, **arguments
    )


def view_of(memory: BudgetedMemory) -> list[str | None]:
    return [message.content for message in memory.get("Which river?")]


def kept_by(post: MemoryBudgetPostprocessor) -> list[str]:
    return [one.node.node_id for one in post.postprocess_nodes(NODES, query_str="Which river?")]


def said_to(model: BudgetedFunctionCallingLLM) -> int:
    model.chat(HISTORY)
    return len(model.llm.prompts[-1])  # type: ignore[attr-defined]


MADE: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "memory": (a_memory, view_of),
    "memory-with-a-retriever": (lambda: a_memory(long_term=Shelf()), view_of),
    "memory-with-a-model": (lambda: a_memory(embed_model=LetterEmbedding()), view_of),
    "postprocessor": (
        lambda: MemoryBudgetPostprocessor(budget_tokens=70, token_counter=words),
        kept_by,
    ),
    "postprocessor-with-a-model": (
        lambda: MemoryBudgetPostprocessor(budget_tokens=70, embed_model=LetterEmbedding()),
        kept_by,
    ),
    "postprocessor-for-one-call": (
        lambda: MemoryBudgetPostprocessor(fit="prompt", llm=ScriptedLLM(context_window=1200)),
        kept_by,
    ),
    "model": (
        lambda: BudgetedFunctionCallingLLM(ScriptedLLM(), budget_tokens=200, token_counter=words),
        said_to,
    ),
    "embedder": (
        lambda: LlamaIndexEmbedder(LetterEmbedding(), max_entries=5),
        lambda embedder: embedder(["a", "b"]).tolist(),
    ),
    "ledger": (
        lambda: BudgetLedger(budget_tokens=900, ledger_id="one"),
        lambda ledger: ledger.model_dump(),
    ),
}


@both_ways
@pytest.mark.parametrize("used", [False, True], ids=["new", "used"])
@pytest.mark.parametrize("name", MADE)
def test_a_copy_works_as_what_it_is_a_copy_of(
    name: str, used: bool, way: Callable[[Any], Any]
) -> None:
    make, use = MADE[name]
    one = make()
    if used:
        use(one)
    other = way(one)
    assert type(other) is type(one)
    assert other is not one
    assert use(other) == use(one)


@both_ways
def test_a_copy_of_a_memory_goes_its_own_way(way: Callable[[Any], Any]) -> None:
    one = a_memory()
    before = view_of(one)
    other = way(one)
    other.put(ChatMessage(content="Only here."))
    other.budget_tokens = 1000
    assert (len(one.get_all()), len(other.get_all())) == (24, 25)
    assert view_of(one) == before


@both_ways
def test_a_ledger_that_is_shared_is_shared_by_the_copies(way: Callable[[Any], Any]) -> None:
    ledger = BudgetLedger(budget_tokens=500)
    pair = (BudgetedMemory.from_defaults(ledger=ledger), MemoryBudgetPostprocessor(ledger=ledger))
    memory, post = way(pair)
    assert memory.ledger is post.ledger
    assert memory.ledger is not ledger


class LockedEmbedding(MockEmbedding):
    """As a model that holds a connection."""

    connection: Any = None


class LockedShelf(Shelf):
    def __init__(self) -> None:
        self.connection = threading.Lock()
        super().__init__()


class LockedStore(SimpleChatStore):
    connection: Any = None


class LockedLLM(ScriptedLLM):
    """LlamaIndex' models leave their connection out of a pickle and open another."""

    connection: Any = None


class LockedCounter:
    id, exact = "locked", True

    def __init__(self) -> None:
        self.connection = threading.Lock()

    def count(self, text: str, /) -> int:
        return 1

    def count_batch(self, texts: Any, /) -> list[int]:
        return [1 for _ in texts]


def locked_embedding() -> LockedEmbedding:
    return LockedEmbedding(embed_dim=3, connection=threading.Lock())


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda: a_memory(long_term=LockedShelf()), "long_term is bound", id="shelf"),
        pytest.param(
            lambda: a_memory(long_term=VectorStoreIndex(
                [TextNode(text="x")], embed_model=locked_embedding()
            )), "long_term is bound", id="index",
        ),
        pytest.param(
            lambda: a_memory(embed_model=locked_embedding()),
            "this LlamaIndexEmbedder cannot be copied: embed_model is bound",
            id="model",
        ),
        pytest.param(
            lambda: MemoryBudgetPostprocessor(token_counter=LockedCounter()),
            "this MemoryBudgetPostprocessor cannot be copied: token_counter is bound",
            id="counter",
        ),
        pytest.param(
            lambda: BudgetedMemory(chat_store=LockedStore(connection=threading.Lock())),
            "this BudgetedMemory cannot be copied: chat_store is bound",
            id="store",
        ),
        pytest.param(
            lambda: BudgetedFunctionCallingLLM(LockedLLM(connection=threading.Lock())),
            "this BudgetedFunctionCallingLLM cannot be copied: llm is bound .*TypeError: cannot "
            "pickle .*lock.*Make another BudgetedFunctionCallingLLM and give it llm anew",
            id="llm",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_copied_is_named(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        copy.deepcopy(make())


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(
            lambda: BudgetedMemory.from_defaults(100, token_counter=lambda text: len(text)),
            "this BudgetedMemory cannot be pickled: token_counter is bound", id="function",
        ),
        pytest.param(
            lambda: MemoryBudgetPostprocessor(token_counter=LockedCounter()),
            "this MemoryBudgetPostprocessor cannot be pickled: token_counter is bound",
            id="counter",
        ),
        pytest.param(lambda: a_memory(long_term=LockedShelf()), "long_term is bound", id="shelf"),
    ],
)  # fmt: skip
def test_nothing_is_left_out_of_a_pickle_in_silence(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        pickle.dumps(make())


@both_ways
def test_a_block_and_its_pool_are_copied_or_refused_together(way: Callable[[Any], Any]) -> None:
    block = BudgetedMemoryBlock(budget_tokens=50)
    try:
        other = way(block)
    except InputError as error:
        assert "pool" in str(error)  # noqa: PT017 - either is right, half a copy is not
    else:
        assert other.pool is not block.pool
