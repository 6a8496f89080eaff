"""What images, audio, video and files cost in a message, from their bytes; nothing is fetched.

Images follow OpenAI's published formula: 85 tokens, and 170 for each tile of 512 by 512 pixels once
the image is scaled into 2,048 by 2,048 and to at most 768 on its shorter side. A size that cannot
be read, as behind an address, counts as the largest. Audio, video and files are estimates on the
high side; each constant says where it comes from.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

from mba_integrations.conversation.content.media_blocks import byte_count, head_of

LOW_DETAIL_IMAGE_TOKENS = 85
TILE_TOKENS = 170
LARGEST_IMAGE_TOKENS = LOW_DETAIL_IMAGE_TOKENS + 8 * TILE_TOKENS
"""2,048 by 768 pixels are 4 by 2 tiles; no image has more after scaling."""

AUDIO_TOKENS_PER_SECOND = 32
"""Gemini's published rate; OpenAI's is 10."""
AUDIO_BYTES_PER_SECOND = 16_000
"""MP3 at 128 kbit/s, where no header says the rate."""
UNKNOWN_AUDIO_TOKENS = 60 * AUDIO_TOKENS_PER_SECOND
VIDEO_TOKENS_PER_SECOND = 300
"""Gemini's published rate at one frame a second, sound included."""
VIDEO_BYTES_PER_SECOND = 125_000
"""1 Mbit/s, a low rate for video."""
UNKNOWN_VIDEO_TOKENS = 60 * VIDEO_TOKENS_PER_SECOND
LEAST_FILE_TOKENS = 2_048
FILE_BYTES_PER_TOKEN = 30
"""A page of a PDF has some 50 to 100 KB and costs 1,500 to 3,000 tokens at Anthropic."""

_WAV_RATE = slice(28, 32)


def image_tokens(width: int, height: int) -> int:
    """Tokens of an image in high detail, from its size in pixels.

    >>> image_tokens(512, 512), image_tokens(4096, 8192)
    (255, 1105)
    """
    larger, smaller = float(max(width, height, 1)), float(max(min(width, height), 1))
    if larger > 2048:
        larger, smaller = 2048.0, max(1.0, smaller * 2048.0 / larger)
    if smaller > 768:
        larger, smaller = larger * 768.0 / smaller, 768.0
    return LOW_DETAIL_IMAGE_TOKENS + TILE_TOKENS * ceil(larger / 512) * ceil(smaller / 512)


def image_block_tokens(block: Mapping[str, Any]) -> int:
    """Tokens of an image block in any of LangChain's, OpenAI's or Anthropic's forms."""
    nested = block.get("image_url")
    detail = nested.get("detail") if isinstance(nested, Mapping) else block.get("detail")
    if detail == "low":
        return LOW_DETAIL_IMAGE_TOKENS
    size = image_size(head_of(block))
    return LARGEST_IMAGE_TOKENS if size is None else image_tokens(*size)


def audio_block_tokens(block: Mapping[str, Any]) -> int:
    """Tokens of an audio block, by its length in bytes."""
    size = byte_count(block)
    if not size:
        return UNKNOWN_AUDIO_TOKENS
    head = head_of(block)
    rate = AUDIO_BYTES_PER_SECOND
    if head[:4] == b"RIFF" and len(head) >= _WAV_RATE.stop:
        rate = struct.unpack("<I", head[_WAV_RATE])[0] or rate
    return ceil(size / rate * AUDIO_TOKENS_PER_SECOND)


def video_block_tokens(block: Mapping[str, Any]) -> int:
    """Tokens of a video block, by its length in bytes."""
    size = byte_count(block)
    return ceil(size / VIDEO_BYTES_PER_SECOND * VIDEO_TOKENS_PER_SECOND) or UNKNOWN_VIDEO_TOKENS


def file_block_tokens(block: Mapping[str, Any]) -> int:
    """Tokens of a file block, by its length in bytes."""
    return max(LEAST_FILE_TOKENS, byte_count(block) // FILE_BYTES_PER_TOKEN)


def image_size(head: bytes) -> tuple[int, int] | None:
    """Width and height from the beginning of a PNG, GIF, WebP or JPEG; None if it tells none."""
    if head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) >= 24:
        width, height = struct.unpack(">II", head[16:24])
        return width, height
    if head[:4] == b"GIF8" and len(head) >= 10:
        width, height = struct.unpack("<HH", head[6:10])
        return width, height
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp_size(head)
    return _jpeg_size(head) if head[:2] == b"\xff\xd8" else None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    if len(head) < 30:
        return None
    kind = head[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    width, height = struct.unpack("<HH", head[26:30])
    return width & 0x3FFF, height & 0x3FFF


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", head[place + 5 : place + 9])
            return width, height
        place += 2 + int.from_bytes(head[place + 2 : place + 4], "big")
    return None


_COUNTED: dict[str, Callable[[Mapping[str, Any]], int]] = {
    "image": image_block_tokens,
    "audio": audio_block_tokens,
    "video": video_block_tokens,
    "file": file_block_tokens,
}


def media_tokens(block: Mapping[Any, Any], kind: str) -> int:
    """Tokens of media of a kind, from its bytes."""
    return _COUNTED[kind](block)
