"""Which blocks of a message are media, and the data in them.

The same picture has a form of its own in LangChain's blocks and in those of OpenAI, Anthropic,
Gemini, Bedrock and vLLM: the kind is in the block's type, in its media type, or in the name that
holds the data, and the data is base64, bytes, a data URL, or an address that nobody fetches.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

MEDIA_KINDS = ("image", "audio", "video", "file")

_KINDS = {
    "input_image": "image",
    "computer_screenshot": "image",
    "input_audio": "audio",
    "file": "file",
    "input_file": "file",
    "document": "file",
    "media": "file",
    "file_data": "file",
    "inline_data": "file",
}
"""By the type of a block; one that begins with image, audio or video is of that kind."""
_PREFIXES = ("image", "audio", "video")
_HELD = {
    "image": "image",
    "audio": "audio",
    "video": "video",
    "document": "file",
    "inline_data": "file",
    "inlineData": "file",
    "file_data": "file",
    "fileData": "file",
}
"""Keys under which Bedrock and Gemini hold what others write into the block itself."""
_NESTED = (
    "image_url",
    "audio_url",
    "video_url",
    "imageUrl",
    "audioUrl",
    "videoUrl",
    "source",
    "input_audio",
    "file",
)
_DATA = ("base64", "data", "file_data", "bytes", "b64_json", "result")
_ADDRESSES = ("url", "image_url", "audio_url", "video_url", "file_url")
_TEXT_FORMATS = {"txt", "csv", "md", "html", "json", "xml", "yaml", "javascript"}
_HEADER_CHARS = 64 * 1024  # a JPEG may carry a thumbnail before its size
_HEAD_OF_URL = 100
_LONGEST_ADDRESS = 2_048
_SIGNS_OF_DATA = {"source", "format", "mime_type", "mimeType", *_DATA}
"""What a held mapping has, unlike the data of a tool that names something `image`."""


def media_block_of(block: Mapping[Any, Any]) -> tuple[str, Mapping[Any, Any]] | None:
    """Kind of the media that a block is, and the mapping with its data; None for any other block.

    The kind is `image`, `audio`, `video` or `file`. A media type goes before what the block calls
    itself, since Gemini's `media` and LangChain's `file` may be a film.

    >>> media_block_of({"image": {"format": "png", "source": {"bytes": b"..."}}})[0]
    'image'
    >>> media_block_of({"type": "media", "mime_type": "video/mp4", "file_uri": "gs://x/y"})[0]
    'video'
    """
    kind_by_type = _kind_of_type(block)
    if kind_by_type is not None or "type" not in block:
        for name, kind in _HELD.items():
            held = block.get(name)
            if isinstance(held, Mapping) and not _SIGNS_OF_DATA.isdisjoint(held):
                return None if _holds_content(held) else (_kind(held, kind), held)
    if kind_by_type is None or _holds_content(block):
        return None
    return _kind(block, kind_by_type), block


def media_text(block: Mapping[Any, Any]) -> str | None:
    """The text of a file that is one; None for any other media.

    >>> media_text({"type": "file", "mime_type": "text/csv", "base64": "YSxi"})
    'a,b'
    """
    source = block.get("source")
    inner = source if isinstance(source, Mapping) else {}
    if inner.get("type") == "text" or block.get("source_type") == "text":
        given = (one.get(name) for one in (inner, block) for name in ("data", "text", "url"))
        return next((one for one in given if isinstance(one, str)), "")
    data = payload(block)
    if not data or not _is_text(block):
        return None
    raw = data if isinstance(data, bytes) else _decoded(data)
    return raw.decode("utf-8", "replace")


def _kind_of_type(block: Mapping[Any, Any]) -> str | None:
    kind = block.get("type")
    if not isinstance(kind, str):
        return None
    if kind == "text-plain":
        return None if isinstance(block.get("text"), str) else "file"
    if kind in _KINDS:
        return _KINDS[kind]
    return next((one for one in _PREFIXES if kind.startswith(one)), None)


def _kind(block: Mapping[Any, Any], kind: str) -> str:
    main = _media_type(block).partition("/")[0]
    return main if main in MEDIA_KINDS else kind


def _media_type(block: Mapping[Any, Any]) -> str:
    """Such as `image/png`; empty where nothing says it."""
    nested = (block.get(name) for name in _NESTED)
    for one in (block, *(inner for inner in nested if isinstance(inner, Mapping))):
        for name in ("mime_type", "media_type", "mimeType"):
            if isinstance(one.get(name), str):
                return str(one[name]).lower()
        for name in (*_DATA, *_ADDRESSES):
            if _is_data_url(one.get(name)):
                return str(one[name])[len("data:") : _HEAD_OF_URL].partition(";")[0].lower()
    return ""


def _is_text(block: Mapping[Any, Any]) -> bool:
    known = _media_type(block) or str(block.get("format", ""))
    return known.startswith("text/") or known.rpartition("/")[2] in _TEXT_FORMATS


def _holds_content(block: Mapping[Any, Any]) -> bool:
    """Whether a document is made of further blocks, or of a text that stands in it."""
    source = block.get("source")
    if not isinstance(source, Mapping) or source.get("type") == "text":
        return False
    return "content" in source or isinstance(source.get("text"), str)


def payload(block: Mapping[Any, Any]) -> str | bytes:
    """The data in a block, base64 or raw; empty where it only points to some."""
    for name in _DATA:
        value = block.get(name)
        if isinstance(value, bytes | bytearray) and value:
            return bytes(value)
        if isinstance(value, str) and value:
            return value.partition(",")[2] if _is_data_url(value) else value
    for name in _ADDRESSES:
        address = block.get(name)
        if isinstance(address, str) and _is_data_url(address):
            return address.partition(",")[2]
        if isinstance(address, str) and len(address) > _LONGEST_ADDRESS and ":" not in address:
            return address  # Gemini writes pictures as base64 without what comes before it
    for name in _NESTED:
        inner = block.get(name)
        if isinstance(inner, Mapping) and (data := payload(inner)):
            return data
    return ""


def _is_data_url(value: object) -> bool:
    return isinstance(value, str) and value.startswith("data:")


def head_of(block: Mapping[Any, Any]) -> bytes:
    """The beginning of the data in a block, decoded."""
    data = payload(block)
    return data[:_HEADER_CHARS] if isinstance(data, bytes) else _decoded(data[:_HEADER_CHARS])


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data[: len(data) // 4 * 4], validate=False)
    except (binascii.Error, ValueError):
        return b""


def byte_count(block: Mapping[Any, Any]) -> int:
    """How many bytes the data in a block has."""
    data = payload(block)
    if isinstance(data, bytes):
        return len(data)
    return len(data) * 3 // 4 - data[-2:].count("=")
