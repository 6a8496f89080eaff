"""What the blocks of messages cost, in the form of each provider: a table of the forms."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from mba_integrations.conversation.content.media_tokens import (
    LARGEST_IMAGE_TOKENS,
    LEAST_FILE_TOKENS,
    UNKNOWN_AUDIO_TOKENS,
    UNKNOWN_VIDEO_TOKENS,
)
from mba_integrations.langchain import MessageCounter

WORDS = MessageCounter(lambda text: len(text.split()))
FRAME = 3 + 1


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 512, 512) + bytes(300_000)
PICTURE = encoded(PNG)
PICTURE_URL = f"data:image/png;base64,{PICTURE}"
PICTURE_TOKENS = 255
SOUND = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHII", 16, 1, 1, 8000, 16_000) + bytes(32_000)
SOUND_TOKENS = 65
FILM = bytes(250_000)
FILM_TOKENS = 600
PAPER = bytes(600_000)
PAPER_TOKENS = 20_000
NOTES = b"one two three"


MEDIA = {
    "v1-image": ({"type": "image", "base64": PICTURE, "mime_type": "image/png"}, PICTURE_TOKENS),
    "v1-image-by-id": ({"type": "image", "file_id": "f"}, LARGEST_IMAGE_TOKENS),
    "v1-audio": ({"type": "audio", "base64": encoded(SOUND)}, SOUND_TOKENS),
    "v1-video": ({"type": "video", "base64": encoded(FILM)}, FILM_TOKENS),
    "v1-file": ({"type": "file", "base64": encoded(PAPER)}, PAPER_TOKENS),
    "v1-file-that-is-a-film": (
        {"type": "file", "base64": encoded(FILM), "mime_type": "video/mp4"}, FILM_TOKENS),
    "v1-file-that-is-text": (
        {"type": "file", "base64": encoded(NOTES * 9), "mime_type": "text/csv"}, 1 + 9 * 2),
    "v1-text-plain": ({"type": "text-plain", "text": "one two", "mime_type": "text/plain"}, 2),
    "v1-text-plain-of-bytes": (
        {"type": "text-plain", "base64": encoded(NOTES), "mime_type": "text/plain"}, 3),
    "v1-text-plain-elsewhere": (
        {"type": "text-plain", "url": "https://x.org/a", "mime_type": "text/plain"},
        LEAST_FILE_TOKENS),
    "v1-reasoning": ({"type": "reasoning", "reasoning": "one two"}, 2),
    "v1-non-standard": ({"type": "non_standard", "value": {"text": "one two"}}, 2),
    "v1-non-standard-picture": (
        {"type": "non_standard", "value": {"image": {"format": "png", "source": {"bytes": PNG}}}},
        PICTURE_TOKENS),
    "v0-image": (
        {"type": "image", "source_type": "base64", "data": PICTURE, "mime_type": "image/png"},
        PICTURE_TOKENS),
    "v0-audio-elsewhere": (
        {"type": "audio", "source_type": "url", "url": "https://x.org"}, UNKNOWN_AUDIO_TOKENS),
    "v0-file-by-id": ({"type": "file", "source_type": "id", "id": "f"}, LEAST_FILE_TOKENS),
    "v0-file-of-text": ({"type": "file", "source_type": "text", "text": "one two"}, 2),
    "openai-image": ({"type": "image_url", "image_url": {"url": PICTURE_URL}}, PICTURE_TOKENS),
    "openai-image-in-short": ({"type": "image_url", "image_url": PICTURE_URL}, PICTURE_TOKENS),
    "openai-low-detail": (
        {"type": "image_url", "image_url": {"url": PICTURE_URL, "detail": "low"}}, 85),
    "openai-audio": (
        {"type": "input_audio", "input_audio": {"data": encoded(SOUND), "format": "wav"}},
        SOUND_TOKENS),
    "openai-file": (
        {"type": "file", "file": {"file_data": "data:application/pdf;base64," + encoded(PAPER)}},
        PAPER_TOKENS),
    "openai-file-by-id": ({"type": "file", "file": {"file_id": "f"}}, LEAST_FILE_TOKENS),
    "openai-input-text": ({"type": "input_text", "text": "one two"}, 2),
    "openai-input-image": ({"type": "input_image", "image_url": PICTURE_URL}, PICTURE_TOKENS),
    "openai-input-file": (
        {"type": "input_file", "filename": "a.pdf",
         "file_data": "data:application/pdf;base64," + encoded(PAPER)}, PAPER_TOKENS + 1),
    "openai-input-file-elsewhere": (
        {"type": "input_file", "file_url": "https://x.org/a.pdf"}, LEAST_FILE_TOKENS),
    "openai-refusal": ({"type": "refusal", "refusal": "no I will not"}, 4),
    "openai-made-image": (
        {"type": "image_generation_call", "id": "i", "result": PICTURE}, PICTURE_TOKENS),
    "openai-screenshot": (
        {"type": "computer_call_output",
         "output": {"type": "computer_screenshot", "image_url": PICTURE_URL}}, PICTURE_TOKENS),
    "openai-file-search-is-no-file": (
        {"type": "file_search_call", "queries": ["one two"], "results": [{"text": "three"}]}, 3),
    "anthropic-image": (
        {"type": "image",
         "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}, PICTURE_TOKENS),
    "anthropic-image-elsewhere": (
        {"type": "image", "source": {"type": "url", "url": "https://x.org"}}, LARGEST_IMAGE_TOKENS),
    "anthropic-document": (
        {"type": "document", "title": "A title",
         "source": {"type": "base64", "media_type": "application/pdf", "data": encoded(PAPER)}},
        PAPER_TOKENS + 2),
    "anthropic-document-by-id": (
        {"type": "document", "source": {"type": "file", "file_id": "f"}}, LEAST_FILE_TOKENS),
    "anthropic-document-of-text": (
        {"type": "document", "context": "from three",
         "source": {"type": "text", "media_type": "text/plain", "data": "one two"}}, 4),
    "anthropic-document-of-blocks": (
        {"type": "document", "source": {"type": "content", "content": [
            {"type": "text", "text": "word " * 500},
            {"type": "image", "source": {"type": "base64", "data": PICTURE}}]}},
        500 + PICTURE_TOKENS),
    "anthropic-document-of-one-text": (
        {"type": "document", "source": {"type": "content", "content": "word " * 500}}, 500),
    "anthropic-search-result": (
        {"type": "search_result", "source": "x.org", "title": "A title",
         "content": [{"type": "text", "text": "one two"}]}, 5),
    "anthropic-result-with-a-picture": (
        {"type": "tool_result", "tool_use_id": "t", "content": [
            {"type": "text", "text": "one two"},
            {"type": "image", "source": {"type": "base64", "data": PICTURE}}]},
        1 + 2 + PICTURE_TOKENS),
    "gemini-media": (
        {"type": "media", "mime_type": "image/png", "data": PICTURE}, PICTURE_TOKENS),
    "gemini-media-of-bytes": ({"type": "media", "mime_type": "video/mp4", "data": FILM}, 600),
    "gemini-media-elsewhere": (
        {"type": "media", "mime_type": "video/mp4", "file_uri": "gs://a/b"}, UNKNOWN_VIDEO_TOKENS),
    "gemini-media-of-sound": (
        {"type": "media", "mime_type": "audio/wav", "data": encoded(SOUND)}, SOUND_TOKENS),
    "gemini-paper": (
        {"type": "media", "mime_type": "application/pdf", "data": encoded(PAPER)}, PAPER_TOKENS),
    "gemini-file-data": (
        {"type": "file_data", "file_uri": "gs://a", "mime_type": "audio/mp3"},
        UNKNOWN_AUDIO_TOKENS),
    "gemini-inline-data": (
        {"inline_data": {"mime_type": "image/png", "data": PICTURE}}, PICTURE_TOKENS),
    "gemini-inline-data-in-camel-case": (
        {"inlineData": {"mimeType": "image/png", "data": PICTURE}}, PICTURE_TOKENS),
    "gemini-file-data-held": (
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://a"}}, UNKNOWN_VIDEO_TOKENS),
    "gemini-image-without-its-url": (
        {"type": "image_url", "image_url": {"url": PICTURE}}, PICTURE_TOKENS),
    "gemini-code": (
        {"type": "executable_code", "executable_code": "one two", "language": "python"}, 3),
    "gemini-code-result": (
        {"type": "code_execution_result", "code_execution_result": "one two", "outcome": 1}, 3),
    "bedrock-text": ({"text": "one two"}, 2),
    "bedrock-image": ({"image": {"format": "png", "source": {"bytes": PNG}}}, PICTURE_TOKENS),
    "bedrock-video": ({"video": {"format": "mp4", "source": {"bytes": FILM}}}, FILM_TOKENS),
    "bedrock-video-elsewhere": (
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://a"}}}},
        UNKNOWN_VIDEO_TOKENS),
    "bedrock-audio": ({"audio": {"format": "wav", "source": {"bytes": SOUND}}}, SOUND_TOKENS),
    "bedrock-document": (
        {"document": {"format": "pdf", "name": "a", "source": {"bytes": PAPER}}}, PAPER_TOKENS + 1),
    "bedrock-document-of-bytes-of-text": (
        {"document": {"format": "md", "name": "a", "source": {"bytes": NOTES}}}, 3 + 1),
    "bedrock-document-of-text": (
        {"document": {"format": "txt", "name": "a", "source": {"text": "w " * 500}}},
        500 + 4),
    "bedrock-document-of-blocks": (
        {"document": {"format": "txt", "name": "a", "source": {"content": [{"text": "w " * 9}]}}},
        9 + 4),
    "bedrock-document-with-a-type": (
        {"type": "document", "document": {"format": "pdf", "source": {"bytes": PAPER}}},
        PAPER_TOKENS),
    "bedrock-result": (
        {"toolResult": {"toolUseId": "t", "content": [{"json": {"a b": "c"}}, {"text": "d"}]}},
        2 + 3 + 1),
    "bedrock-cache-point": ({"cachePoint": {"type": "default"}}, 0),
    "bedrock-thought": (
        {"type": "reasoning_content", "reasoning_content": {"text": "one two", "signature": "s"}},
        2),
    "vllm-video": (
        {"type": "video_url", "video_url": {"url": "data:video/mp4;base64," + encoded(FILM)}},
        FILM_TOKENS),
    "vllm-audio": (
        {"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64," + encoded(SOUND)}},
        SOUND_TOKENS),
    "vllm-audio-elsewhere": (
        {"type": "audio_url", "audio_url": {"url": "https://x.org"}}, UNKNOWN_AUDIO_TOKENS),
    "vllm-picture-as-an-object": ({"type": "image_pil", "image_pil": object()}, 1445),
    "bytes-in-an-unknown-block": ({"type": "own", "blob": PAPER}, PAPER_TOKENS),
    "data-of-a-tool": ({"type": "own", "data": {"image": {"alt": "one two"}}}, 1 + 1 + 2),
}  # fmt: skip


@pytest.mark.parametrize(("block", "tokens"), MEDIA.values(), ids=MEDIA)
def test_a_block_costs_what_it_holds(block: dict[str, Any], tokens: int) -> None:
    for message in (HumanMessage([block]), HumanMessage(["", block])):
        assert WORDS.message_tokens([message]) == [FRAME + tokens]


@pytest.mark.parametrize(("block", "tokens"), MEDIA.values(), ids=MEDIA)
def test_a_block_costs_the_same_in_the_result_of_a_tool(block: dict[str, Any], tokens: int) -> None:
    assert WORDS.message_tokens([ToolMessage([block], tool_call_id="t")]) == [FRAME + 3 + tokens]


ARGUMENTS = {"query": "word " * 500}
CALL = {"name": "look", "args": ARGUMENTS, "id": "c"}
CALL_TOKENS = 3 + 1 + 502  # frame, name, and the arguments as JSON: braces and a name about them

CALLS = {
    "v1-call": {"type": "tool_call", "name": "look", "args": ARGUMENTS, "id": "c"},
    "v1-broken-call": {
        "type": "invalid_tool_call", "name": "look", "args": '{"query": ' + "word " * 501, "id": "c"
    },
    "anthropic-call": {"type": "tool_use", "name": "look", "input": ARGUMENTS, "id": "c"},
    "openai-call": {
        "type": "function_call", "name": "look", "arguments": '{"query": ' + "word " * 501,
        "call_id": "c", "id": "fc",
    },
    "openai-custom-call": {
        "type": "custom_tool_call", "name": "look", "input": "word " * 502, "call_id": "c"
    },
    "gemini-call": {"type": "function_call", "name": "look", "args": ARGUMENTS},
    "gemini-call-without-a-type": {"functionCall": {"name": "look", "args": ARGUMENTS}},
    "bedrock-call": {"toolUse": {"toolUseId": "c", "name": "look", "input": ARGUMENTS}},
    "bedrock-call-in-snake-case": {
        "tool_use": {"toolUseId": "c", "name": "look", "input": ARGUMENTS}
    },
}  # fmt: skip


@pytest.mark.parametrize("block", CALLS.values(), ids=CALLS)
def test_a_call_in_content_costs_name_and_arguments(block: dict[str, Any]) -> None:
    (tokens,) = WORDS.message_tokens([AIMessage([block])])
    assert FRAME + CALL_TOKENS - 2 <= tokens <= FRAME + CALL_TOKENS


@pytest.mark.parametrize("block", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("kind", [HumanMessage, ToolMessage])
def test_a_call_costs_the_same_in_any_message(
    block: dict[str, Any], kind: type[BaseMessage]
) -> None:
    message = kind([block], tool_call_id="t") if kind is ToolMessage else kind([block])
    (tokens,) = WORDS.message_tokens([message])
    assert tokens >= FRAME + CALL_TOKENS - 2


@pytest.mark.parametrize("block", CALLS.values(), ids=CALLS)
def test_a_call_that_tool_calls_repeat_counts_once(block: dict[str, Any]) -> None:
    alone = AIMessage("", tool_calls=[CALL])
    assert WORDS.message_tokens([AIMessage([block], tool_calls=[CALL])]) == WORDS.message_tokens(
        [alone]
    )


@pytest.mark.parametrize("block", CALLS.values(), ids=CALLS)
def test_a_call_beside_another_one_counts_too(block: dict[str, Any]) -> None:
    other = {"name": "other", "args": {}, "id": "o"}
    (tokens,) = WORDS.message_tokens([AIMessage([block], tool_calls=[other])])
    assert tokens >= FRAME + CALL_TOKENS - 2 + 3 + 2


def test_a_part_of_a_stream_is_the_call_that_the_parts_make() -> None:
    parts = [
        {"type": "tool_use", "id": "c", "name": "look", "input": {}, "index": 1},
        {"type": "input_json_delta", "partial_json": '{"query": "' + "word " * 500, "index": 1},
    ]
    alone = WORDS.message_tokens([AIMessage("", tool_calls=[CALL])])
    assert WORDS.message_tokens([AIMessage(parts, tool_calls=[CALL])]) == alone
    assert WORDS.message_tokens([AIMessage(parts)])[0] >= FRAME + CALL_TOKENS - 2


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "c", "name": "look", "input": ARGUMENTS},
        {"type": "server_tool_call", "id": "c", "name": "look", "args": ARGUMENTS},
        {"type": "mcp_tool_use", "id": "c", "name": "look", "input": ARGUMENTS},
    ],
    ids=["anthropic", "v1", "mcp"],
)
def test_a_call_of_the_provider_counts_whatever_the_tool_calls_are(block: dict[str, Any]) -> None:
    (alone,) = WORDS.message_tokens([AIMessage([block])])
    (beside_call,) = WORDS.message_tokens([AIMessage([block], tool_calls=[CALL])])
    assert alone == FRAME + CALL_TOKENS
    assert beside_call == FRAME + 2 * CALL_TOKENS


def test_names_in_the_data_of_a_tool_count() -> None:
    rows = [{f"column {n}": n for n in range(50)}]
    (tokens,) = WORDS.message_tokens(
        [ToolMessage([{"type": "own", "rows": rows}], tool_call_id="t")]
    )
    assert tokens == FRAME + 3 + 50 * 3


def test_depth_does_not_matter() -> None:
    block: Any = "word"
    for _ in range(20_000):
        block = [block]
    assert WORDS.message_tokens([HumanMessage.model_construct(content=[{"value": block}])])[0] > 0


@pytest.mark.parametrize("name", ["bytes", "data"])
def test_what_is_no_base64_has_a_price(name: str) -> None:
    block = {"type": "media", "mime_type": "text/plain", name: "?" * 7}
    assert WORDS.message_tokens([HumanMessage([block])])[0] >= FRAME
