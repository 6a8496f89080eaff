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
from llamaindex_models import tool_call, tool_result

from mba_integrations.conversation.draft import Planned
from mba_integrations.core.counting.given_counters import CallableCounter
from mba_integrations.core.dialogue.exchanges import exchanges_of
from mba_integrations.llamaindex import MessageTokens, items_from_messages
from mba_integrations.llamaindex.messages.reading import MessageReader, spoken
from mba_integrations.llamaindex.messages.template_variables import (
    TEMPLATE_VARIABLES,
    TemplateGuard,
)

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


def parts(messages: list[ChatMessage]) -> list[tuple[int, ...]]:
    """Places of the talk and the complete rounds of each exchange."""
    return [exchange.places for exchange in exchanges_of(list(map(spoken, messages)))]


class FunctionCall:
    id = "c1"


CALLS = {
    "block": tool_call("look", "c1"),
    "dict": ChatMessage(
        role=MessageRole.ASSISTANT, additional_kwargs={"tool_calls": [{"id": "c1"}]}
    ),
    "object": ChatMessage(
        role=MessageRole.ASSISTANT, additional_kwargs={"tool_calls": [FunctionCall()]}
    ),
    "selection": ChatMessage(
        role=MessageRole.ASSISTANT, additional_kwargs={"tool_calls": [{"tool_id": "c1"}]}
    ),
    "both": ChatMessage(
        role=MessageRole.ASSISTANT,
        blocks=[ToolCallBlock(tool_call_id="c1", tool_name="look")],
        additional_kwargs={"tool_calls": [{"id": "c1"}]},
    ),
    "legacy": ChatMessage(
        role=MessageRole.ASSISTANT, additional_kwargs={"function_call": {"name": "look"}}
    ),
    "model": ChatMessage(
        role=MessageRole.MODEL, blocks=[ToolCallBlock(tool_call_id="c1", tool_name="look")]
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(tool_result("c1", "r"), id="tool"),
        pytest.param(ChatMessage(role=MessageRole.FUNCTION, content="r"), id="function"),
        pytest.param(ChatMessage(role=MessageRole.TOOL, content="r"), id="without-an-id"),
    ],
)
def test_calls_and_results_of_every_form_are_a_round(
    call: ChatMessage, answer: ChatMessage
) -> None:
    assert parts([user("a"), call, answer, assistant("b")]) == [(0, 1, 2, 3)]
    assert parts([user("a"), call, assistant("b")]) == [(0, 2)]
    assert parts([user("a"), answer, assistant("b")]) == [(0, 2)]


def test_parallel_calls_need_all_their_results() -> None:
    calls = ChatMessage(
        role=MessageRole.ASSISTANT,
        blocks=[ToolCallBlock(tool_call_id=name, tool_name="look") for name in ("c1", "c2")],
    )
    assert parts([user("a"), calls, tool_result("c1", "r"), user("b")]) == [(0,), (3,)]
    whole = [user("a"), calls, tool_result("c2", "r"), tool_result("c1", "r"), user("b")]
    assert parts(whole) == [(0, 1, 2, 3), (4,)]


@pytest.mark.parametrize("tokens", [WORDS, CHARACTERS], ids=["words", "characters"])
def test_a_result_with_another_text_costs_what_is_said(tokens: MessageTokens) -> None:
    reader = MessageReader(tokens, TemplateGuard())
    media = ImageBlock(url="https://example.org/a.png")
    answer = tool_result("c1", "see {context_str}")
    answer.blocks.append(media)
    (read,) = reader.read([answer])
    assert read.tokens == tokens.of(TemplateGuard().message(answer))
    planned = Planned(
        places=(0,),
        texts={0: "only {context_str}"},
        full_tokens={0: read.tokens},
        question=None,
        tokens=0,
        pinned_tokens=0,
        recent_tokens=0,
        unusable=0,
        allocation=None,
    )
    (sent,) = reader.sent([answer], planned)
    assert sent.content == "only { context_str }"
    assert tokens.of(sent) == (read.bare_tokens or 0) + reader.counter.count("only {context_str}")
    assert len(answer.blocks) == 2


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


def test_exchanges_become_items_of_long_term_memory() -> None:
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
