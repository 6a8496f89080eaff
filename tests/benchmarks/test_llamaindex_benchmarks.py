"""The LlamaIndex benchmarks on small input: what they compare, and how they count."""

from __future__ import annotations

import pytest
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from llamaindex_models import prose

from benchmarks import llamaindex_evidence, llamaindex_speed
from benchmarks.evidence_data import EvidenceQuery
from benchmarks.llamaindex_fit import Outcome, Tally
from mba_integrations.llamaindex import BudgetedMemory

QUERY = QueryBundle("river")
NODES = [
    NodeWithScore(node=TextNode(id_=str(place), text=prose(size, place)), score=0.9 - place / 10)
    for place, size in enumerate([5, 80, 5])
]


def kept(nodes: list[NodeWithScore]) -> list[str]:
    return [scored.node.node_id for scored in nodes]


def test_own_order_is_cut_at_the_first_node_that_does_not_fit() -> None:
    assert kept(llamaindex_evidence.own_order(NODES, QUERY, 50)) == ["0"]
    assert kept(llamaindex_evidence.own_order_filled(NODES, QUERY, 50)) == ["0", "2"]


def test_recall_counts_groups_of_evidence() -> None:
    query = EvidenceQuery(
        text="river",
        nameless="river",
        category="",
        asked_seconds=None,
        evidence=((0, 1), (2,)),
        vector=None,
    )
    assert llamaindex_evidence.recall(query, NODES[:1]) == 0.5
    assert llamaindex_evidence.recall(query, [NODES[1], NODES[2]]) == 1.0


def test_times_are_taken_of_every_kind_of_call() -> None:
    history = llamaindex_speed.conversation(40)
    memory = BudgetedMemory.from_defaults(500, chat_history=history)
    timing = llamaindex_speed.timed(memory, 2)
    assert (len(timing.again), len(timing.after_turn)) == (2, 2)
    assert 0 < timing.shown < 40
    assert len(memory.get_all()) == 44


@pytest.mark.parametrize(
    ("tokens", "faithful", "over", "unfaithful", "empty"),
    [
        pytest.param(10, True, 0, 0, 0, id="full"),
        pytest.param(11, True, 1, 0, 0, id="over"),
        pytest.param(0, True, 0, 0, 1, id="empty"),
        pytest.param(5, False, 0, 1, 0, id="changed"),
    ],
)
def test_tally_of_fit(tokens: int, faithful: bool, over: int, unfaithful: int, empty: int) -> None:
    tally = Tally()
    tally.add(Outcome(tokens=tokens, budget_tokens=10, ample=True, faithful=faithful))
    assert (tally.over, tally.unfaithful, tally.empty) == (over, unfaithful, empty)
    assert tally.use == [tokens / 10]
