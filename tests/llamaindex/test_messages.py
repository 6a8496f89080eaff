"""Chat messages: what they cost, which belong together, what is cut."""

from __future__ import annotations

from typing import Any

import pytest
from llama_index.core.base.llms.types import (
    AudioBlock,
    CacheControl,
    CachePoint,
    ChatMessage,
    CitableBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.tools import FunctionTool
from llamaindex_models import prose, tool_call, tool_result

from mba_integrations.core.counting.given_counters import CallableCounter
from mba_integrations.llamaindex import MessageTokens, items_from_messages
from mba_integrations.llamaindex.message_cutting import CUT_MARK, cut_results
from mba_integrations.llamaindex.template_variables import TEMPLATE_VARIABLES, TemplateGuard
from mba_integrations.llamaindex.turns import turn_of, turns_of

WORDS = MessageTokens(CallableCounter(lambda text: len(text.split()), id="words"), media_tokens=100)
CHARACTERS = MessageTokens(CallableCounter(len, id="characters"), media_tokens=100)
FRAME = 3


def user(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.USER, content=text)


def assistant(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, content=text)


@pytest.mark.parametrize(
    ("blocks", "tokens"),
    [
        pytest.param([], 0, id="nothing"),
        pytest.param([TextBlock(text="one two three")], 3, id="text"),
        pytest.param([TextBlock(text="one"), TextBlock(text="two")], 3, id="two-texts-and-a-join"),
        pytest.param([ImageBlock(url="https://example.org/a.png")], 100, id="image-is-not-fetched"),
        pytest.param([AudioBlock(url="https://example.org/a.mp3")], 100, id="audio"),
        pytest.param([ThinkingBlock(content="let me think")], 3, id="thinking"),
        pytest.param([ThinkingBlock(content="let me", num_tokens=40)], 40, id="thinking-as-told"),
        pytest.param(
            [ToolCallBlock(tool_call_id="c1", tool_name="look", tool_kwargs={"for": "it"})],
            FRAME + 1 + 1 + 2,
            id="tool-call",
        ),
        pytest.param(
            [ToolCallBlock(tool_name="look", tool_kwargs='{"for": "it"}')],
            FRAME + 1 + 2,
            id="tool-call-with-text-arguments",
        ),
        pytest.param(
            [CitableBlock(title="a title", source="here", content=[TextBlock(text="x y z")])],
            6,
            id="citable",
        ),
        pytest.param([CachePoint(cache_control=CacheControl(type="ephemeral"))], 0, id="cache"),
    ],
)
def test_every_block_counts(blocks: list[Any], tokens: int) -> None:
    message = ChatMessage(role=MessageRole.ASSISTANT, blocks=blocks)
    assert WORDS.of(message) == FRAME + 1 + tokens


class Function:
    name = "look"
    arguments = '{"for": "it"}'


class Call:
    id = "c1"
    function = Function()


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(
            {
                "tool_calls": [
                    {"id": "c1", "function": {"name": "look", "arguments": '{"for": "it"}'}}
                ]
            },
            id="dicts",
        ),
        pytest.param({"tool_calls": [Call()]}, id="objects"),
        pytest.param(
            {"tool_calls": [{"tool_id": "c1", "tool_name": "look", "tool_kwargs": {"for": "it"}}]},
            id="selections",
        ),
    ],
)
def test_tool_calls_beside_the_blocks_count(kept: dict[str, Any]) -> None:
    message = ChatMessage(role=MessageRole.ASSISTANT, additional_kwargs=kept)
    assert WORDS.of(message) == FRAME + 1 + FRAME + 1 + 2 + 1


def test_a_result_counts_the_id_that_it_answers() -> None:
    assert WORDS.of(tool_result("c1", "two words")) == FRAME + 1 + 2 + 1


def test_a_list_is_primed_once_and_an_empty_one_costs_nothing() -> None:
    assert WORDS.of_list([user("a"), user("b")]) == 2 * (FRAME + 1 + 1) + 3
    assert WORDS.of_list([]) == 0


def test_descriptions_of_tools_count() -> None:
    def look(what: str) -> str:
        """Look something up in the archive."""
        return what

    tool = FunctionTool.from_defaults(fn=look)
    assert WORDS.of_tools([]) == 0
    assert WORDS.of_tools([tool, tool]) == 2 * WORDS.of_tools([tool]) > 10


OPEN = [user("q"), tool_call("look", "c1"), tool_result("c1", "r")]


@pytest.mark.parametrize(
    ("messages", "turns", "open_round"),
    [
        pytest.param([], [], (), id="empty"),
        pytest.param([user("a"), assistant("b"), user("c")], [(0, 1), (2,)], (), id="talk"),
        pytest.param([assistant("hello"), user("a")], [(1,)], (), id="starts-on-a-user-message"),
        pytest.param(OPEN, [(0,)], (1, 2), id="open-round"),
        pytest.param(OPEN[:2], [(0,)], (1,), id="open-call"),
        pytest.param([*OPEN, assistant("b")], [(0, 1, 2, 3)], (), id="closed-round"),
        pytest.param(
            [user("a"), tool_result("c9", "r"), assistant("b")], [(0, 2)], (), id="orphaned-result"
        ),
        pytest.param(
            [*OPEN, tool_result("c9", "stray"), assistant("b")],
            [(0, 1, 2, 4)],
            (),
            id="result-of-another-call",
        ),
        pytest.param(
            [user("a"), tool_call("look", "c1"), user("b")], [(0,), (2,)], (), id="unanswered-call"
        ),
        pytest.param(
            [*OPEN, tool_call("look", "c2"), tool_result("c2", "r")],
            [(0, 1, 2)],
            (3, 4),
            id="second-round-open",
        ),
    ],
)
def test_history_is_taken_apart(
    messages: list[ChatMessage], turns: list[tuple[int, ...]], open_round: tuple[int, ...]
) -> None:
    found = turns_of(messages)
    assert [turn.whole for turn in found] == turns
    assert (found[-1].open_round if found else ()) == open_round


def test_parallel_calls_need_all_their_results() -> None:
    calls = ChatMessage(
        role=MessageRole.ASSISTANT,
        blocks=[ToolCallBlock(tool_call_id=name, tool_name="look") for name in ("c1", "c2")],
    )
    half = [user("a"), calls, tool_result("c1", "r"), user("b")]
    assert [turn.whole for turn in turns_of(half)] == [(0,), (3,)]
    whole = [user("a"), calls, tool_result("c2", "r"), tool_result("c1", "r"), user("b")]
    assert [turn.whole for turn in turns_of(whole)] == [(0, 1, 2, 3), (4,)]


def test_no_round_is_open_where_a_user_message_follows() -> None:
    turn = turn_of(OPEN[:2], [4, 5], may_be_open=False)
    assert (turn.whole, turn.open_round) == ((4,), ())


def test_results_without_ids_belong_to_the_call_before_them() -> None:
    bare = ChatMessage(role=MessageRole.TOOL, content="r")
    messages = [user("a"), tool_call("look", "c1"), bare, assistant("b")]
    assert turns_of(messages)[0].whole == (0, 1, 2, 3)


def test_long_results_are_cut_and_short_ones_stay() -> None:
    results = {1: tool_result("c1", "x" * 1000), 2: tool_result("c2", "short")}
    cut = cut_results(results, room_tokens=200, tokens=CHARACTERS)
    assert cut[2] is results[2]
    assert (cut[1].content or "").endswith(CUT_MARK)
    assert CHARACTERS.of(cut[1]) + CHARACTERS.of(cut[2]) == 200
    assert cut[1].additional_kwargs == {"tool_call_id": "c1"}
    assert results[1].content == "x" * 1000


@pytest.mark.parametrize("room", [*range(0, 60, 7), 120])
def test_cut_results_fit_wherever_their_frames_do(room: int) -> None:
    results = {1: tool_result("c1", prose(50)), 2: tool_result("c2", prose(60))}
    bare = sum(CHARACTERS.of(tool_result(name, "")) for name in ("c1", "c2"))
    cut = cut_results(results, room_tokens=room, tokens=CHARACTERS)
    assert sum(map(CHARACTERS.of, cut.values())) <= max(room, bare)


@pytest.mark.parametrize("name", TEMPLATE_VARIABLES)
def test_template_variables_are_defused(name: str) -> None:
    guard = TemplateGuard()
    assert guard.text(f"a {{{name}}} b") == f"a {{ {name} }} b"
    assert guard.text(f"{{{{{name}}}}}") == f"{{{{ {name} }}}}"
    assert guard.text(f"{{ {name} }} {{{name}x}}") == f"{{ {name} }} {{{name}x}}"


def test_guard_copies_and_leaves_the_message_as_it_is() -> None:
    message = user("see {context_str} and {own}")
    copy = TemplateGuard((*TEMPLATE_VARIABLES, "own")).message(message)
    assert copy.content == "see { context_str } and { own }"
    assert message.content == "see {context_str} and {own}"
    copy.additional_kwargs["new"] = 1
    assert not message.additional_kwargs


def test_turns_become_items_of_long_term_memory() -> None:
    messages = [
        ChatMessage(role=MessageRole.SYSTEM, content="be kind"),
        user("Where is Kate?"),
        tool_call("look", "c1"),
        tool_result("c1", "a long result"),
        assistant("In Oslo."),
        user("Thanks."),
    ]
    first, second = items_from_messages(messages, source="monday")
    assert (first.id, first.content) == ("monday/1", "user: Where is Kate?\nassistant: In Oslo.")
    assert (second.position, second.source, second.tier) == (5.0, "monday", "long_term")
