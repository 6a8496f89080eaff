"""What messages, media and tool schemas cost, held against ChatOpenAI where it counts them."""

from __future__ import annotations

import base64
import struct
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    ChatMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
    trim_messages,
)
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

from mba_integrations import counter_for_model
from mba_integrations.conversation.content.media_tokens import (
    LARGEST_IMAGE_TOKENS,
    UNKNOWN_AUDIO_TOKENS,
    UNKNOWN_VIDEO_TOKENS,
    image_size,
    image_tokens,
)
from mba_integrations.langchain import MessageCounter

GPT = MessageCounter(model="gpt-4o")
CALL = {"name": "search", "args": {"q": "oslo", "limit": 3}, "id": "call_1"}


def words(text: str) -> int:
    return len(text.split())


WORDS = MessageCounter(words)


class VocabularyOfTheCore:
    """Stands for a tiktoken encoding, whose file is not at hand without network."""

    def encode(self, text: str) -> range:
        return range(counter_for_model("gpt-4o").count(text))


@pytest.fixture
def chat_openai(monkeypatch: pytest.MonkeyPatch) -> ChatOpenAI:
    encoding = ("gpt-4o", VocabularyOfTheCore())
    monkeypatch.setattr(ChatOpenAI, "_get_encoding_model", lambda self: encoding)
    return ChatOpenAI(model="gpt-4o", api_key="none")


TEXTS = st.text(max_size=80)
PLAIN = st.one_of(
    st.builds(HumanMessage, TEXTS, name=st.sampled_from([None, "kate"])),
    st.builds(AIMessage, TEXTS),
    st.builds(SystemMessage, TEXTS),
    st.builds(ToolMessage, TEXTS, tool_call_id=st.just("call_1")),
    st.builds(lambda text: HumanMessage([{"type": "text", "text": text}]), TEXTS),
)


def test_text_counts_as_in_chat_openai(chat_openai: ChatOpenAI) -> None:
    @given(st.lists(PLAIN, min_size=1, max_size=5))
    def check(messages: list[BaseMessage]) -> None:
        assert GPT(messages) == chat_openai.get_num_tokens_from_messages(messages)

    check()


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(AIMessage("", tool_calls=[CALL]), id="call"),
        pytest.param(AIMessage("Let me see.", tool_calls=[CALL, {**CALL, "id": "2"}]), id="calls"),
        pytest.param(
            AIMessage([{"type": "text", "text": "See."}], tool_calls=[CALL]), id="list-content"
        ),
    ],
)
def test_calls_cost_more_than_in_chat_openai_by_their_frames(
    chat_openai: ChatOpenAI, message: AIMessage
) -> None:
    frames = 3 * len(message.tool_calls)
    assert GPT([message]) == chat_openai.get_num_tokens_from_messages([message]) + frames


@pytest.mark.parametrize(
    ("message", "tokens"),
    [
        pytest.param(HumanMessage("a b c"), 3 + 1 + 3, id="text"),
        pytest.param(HumanMessage("a", name="kate"), 3 + 1 + 1 + 2, id="name"),
        pytest.param(ChatMessage("a b", role="critic"), 3 + 1 + 2, id="role-of-its-own"),
        pytest.param(ToolMessage("a b", tool_call_id="x"), 3 + 1 + 2 + 3, id="result"),
        pytest.param(ToolMessage("a", name="search", tool_call_id="x"), 3 + 1 + 1 + 3, id="named"),
        pytest.param(AIMessage("", tool_calls=[CALL]), 3 + 1 + 3 + 1 + 4, id="call"),
        pytest.param(
            AIMessage([{"type": "tool_use", "id": "call_1", "name": "search", "input": {"q": "x"}}],
                      tool_calls=[CALL]),
            3 + 1 + 3 + 1 + 4,
            id="call-in-content-counts-once",
        ),
        pytest.param(
            AIMessage("", invalid_tool_calls=[
                {"type": "invalid_tool_call", "name": "f", "args": "{ a", "id": "1", "error": "no"}
            ]),
            3 + 1 + 3 + 1 + 2,
            id="invalid-call",
        ),
        pytest.param(
            AIMessage([{"type": "thinking", "thinking": "a b c", "signature": "x y"}]),
            3 + 1 + 3,
            id="thinking-without-its-signature",
        ),
        pytest.param(
            HumanMessage([{"type": "document", "source": {"type": "text", "data": "a b"}}]),
            3 + 1 + 2,
            id="document-of-text",
        ),
        pytest.param(HumanMessage(["a b", {"type": "text", "text": "c"}]), 3 + 1 + 3, id="parts"),
        pytest.param(HumanMessage(""), 3 + 1, id="empty"),
    ],
)  # fmt: skip
def test_message_costs_frame_role_and_content(message: BaseMessage, tokens: int) -> None:
    assert WORDS.message_tokens([message]) == [tokens]


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        pytest.param(AIMessageChunk("a b"), AIMessage("a b"), id="assistant"),
        pytest.param(HumanMessageChunk("a b"), HumanMessage("a b"), id="user"),
        pytest.param(SystemMessageChunk("a b"), SystemMessage("a b"), id="system"),
        pytest.param(
            ToolMessageChunk("a b", tool_call_id="t"),
            ToolMessage("a b", tool_call_id="t"),
            id="tool",
        ),
        pytest.param(
            ChatMessageChunk("a b", role="critic"), ChatMessage("a b", role="critic"), id="own-role"
        ),
    ],
)
def test_chunks_cost_what_their_messages_do(chunk: BaseMessage, message: BaseMessage) -> None:
    assert GPT.message_tokens([chunk]) == GPT.message_tokens([message])


def png(width: int, height: int) -> str:
    head = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + struct.pack(">II", width, height)
    return base64.b64encode(head + bytes(8)).decode()


def wav(seconds: int) -> str:
    head = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHII", 16, 1, 1, 8000, 16_000)
    return base64.b64encode(head + bytes(16_000 * seconds)).decode()


SQUARE = png(512, 512)


@pytest.mark.parametrize(
    ("block", "tokens"),
    [
        pytest.param({"type": "image", "base64": SQUARE, "mime_type": "image/png"}, 255, id="v1"),
        pytest.param(
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{SQUARE}"}},
            255,
            id="openai",
        ),
        pytest.param(
            {"type": "image_url", "image_url": {"url": "https://x.org/a", "detail": "low"}},
            85,
            id="openai-low-detail",
        ),
        pytest.param(
            {"type": "input_image", "image_url": f"data:image/png;base64,{SQUARE}"},
            255,
            id="openai-responses",
        ),
        pytest.param(
            {"type": "image", "source": {"type": "base64", "data": SQUARE}}, 255, id="anthropic"
        ),
        pytest.param(
            {"type": "image", "url": "https://x.org/a.png"}, LARGEST_IMAGE_TOKENS, id="address"
        ),
        pytest.param({"type": "image", "file_id": "f1"}, LARGEST_IMAGE_TOKENS, id="file-id"),
        pytest.param({"type": "image", "base64": "?"}, LARGEST_IMAGE_TOKENS, id="not-an-image"),
        pytest.param({"type": "audio", "base64": wav(2), "mime_type": "audio/wav"}, 65, id="wav"),
        pytest.param({"type": "audio", "url": "https://x.org"}, UNKNOWN_AUDIO_TOKENS, id="sound"),
        pytest.param({"type": "video", "url": "https://x.org"}, UNKNOWN_VIDEO_TOKENS, id="film"),
        pytest.param({"type": "file", "file_id": "f1"}, 2048, id="file"),
        pytest.param({"type": "file", "base64": "A" * 400_000}, 10_000, id="large-file"),
    ],
)
def test_media_cost_what_their_bytes_say(block: dict[str, Any], tokens: int) -> None:
    assert WORDS.message_tokens([HumanMessage([block])]) == [3 + 1 + tokens]


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        pytest.param((1, 1), 255, id="one-pixel"),
        pytest.param((512, 513), 425, id="one-pixel-more-is-a-tile-more"),
        pytest.param((1024, 1024), 765, id="scaled-to-768"),
        pytest.param((2048, 4096), 1105, id="scaled-to-2048-first"),
        pytest.param((10_000, 100), 765, id="narrow"),
    ],
)
def test_images_cost_tiles(size: tuple[int, int], tokens: int) -> None:
    assert image_tokens(*size) == image_tokens(*size[::-1]) == tokens


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_no_image_costs_more_than_the_largest(width: int, height: int) -> None:
    assert 255 <= image_tokens(width, height) <= LARGEST_IMAGE_TOKENS


WEBP = b"RIFF\0\0\0\0WEBP"
JPEG = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08" + struct.pack(">HH", 30, 40) + bytes(9)


@pytest.mark.parametrize(
    ("head", "size"),
    [
        pytest.param(base64.b64decode(png(7, 9)), (7, 9), id="png"),
        pytest.param(b"GIF89a" + struct.pack("<HH", 5, 6), (5, 6), id="gif"),
        pytest.param(JPEG, (40, 30), id="jpeg"),
        pytest.param(JPEG[:8], None, id="cut-off"),
        pytest.param(WEBP + b"VP8X" + bytes(8) + b"\x63\0\0\x31\0\0", (100, 50), id="webp"),
        pytest.param(WEBP + b"VP8 " + bytes(10) + struct.pack("<HH", 8, 9), (8, 9), id="vp8"),
        pytest.param(b"", None, id="nothing"),
    ],
)  # fmt: skip
def test_size_is_read_from_the_beginning_of_a_picture(
    head: bytes, size: tuple[int, int] | None
) -> None:
    assert image_size(head) == size


@given(st.binary(max_size=60))
def test_any_bytes_have_a_size_or_none(head: bytes) -> None:
    size = image_size(b"\xff\xd8" + head)
    assert size is None or min(size) >= 0
    assert GPT.message_tokens([HumanMessage([{"type": "image", "base64": head.hex()}])])[0] > 0


def test_tools_are_set_aside_with_a_tenth_and_remembered() -> None:
    @tool
    def search(q: str) -> str:
        """Search for a text."""
        return q

    schema = {"type": "function", "function": {"name": "f"}}
    assert GPT.tool_tokens([search]) == GPT.tool_tokens([search]) > 20
    assert GPT.tool_tokens([search, schema]) == GPT.tool_tokens([search]) + GPT.tool_tokens(
        [schema]
    )
    assert GPT.tool_tokens([]) == 0


def test_counter_serves_trim_messages() -> None:
    messages = [HumanMessage("one two three"), AIMessage("four"), HumanMessage("five six")]
    kept = trim_messages(messages, max_tokens=14, token_counter=WORDS)
    assert kept == messages[1:]
    assert WORDS(kept) == 14


def test_special_tokens_and_lone_surrogates_are_counted_as_text() -> None:
    assert GPT([HumanMessage("<|endoftext|> \ud800")]) > 8


def test_nothing_costs_nothing() -> None:
    assert GPT([]) == 0


def test_addresses_are_not_fetched() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        message = HumanMessage([{"type": "image", "url": "https://example.com/huge.png"}])
        assert GPT([message]) == 3 + 3 + 1 + LARGEST_IMAGE_TOKENS
