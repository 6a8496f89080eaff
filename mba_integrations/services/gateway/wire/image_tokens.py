"""What an image costs at most, by the formulas that the providers publish.

OpenAI cuts an image into tiles of 512 pixels or into patches of 32, by the model; Anthropic into
patches of 28. Which one a model uses, and to what size it scales an image first, changes with the
models, so the largest of a provider's formulas counts. A size that cannot be read, as behind an
address, counts as the largest.

>>> square = (1024, 1024)
>>> openai_image_tokens("gpt-4o", square), anthropic_image_tokens(square)
(1229, 1369)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

from mba_integrations.conversation.content.media_blocks import head_of
from mba_integrations.conversation.content.media_tokens import (
    LARGEST_IMAGE_TOKENS,
    LOW_DETAIL_IMAGE_TOKENS,
    image_size,
    image_tokens,
    media_tokens,
)
from mba_integrations.services.gateway.wire.apis import Api

_PATCH_PIXELS = 32
_MOST_PATCHES = 1536
_PATCH_PRICES = (("nano", 2.46), ("mini", 1.72))
"""Tokens of a patch, by a word in the model's name; o4-mini has the most of the small ones."""
_PATCH_PRICE = 1.2
_TILE_FACTORS = (("gpt-4o-mini", 5667 / 170),)
"""Where tiles cost more than elsewhere: 2,833 tokens, and 5,667 for each tile."""
_VISUAL_PIXELS = 28
_MOST_VISUAL_TOKENS = 4784
"""Of an image at the largest size that any of the models reads without scaling it."""

Size = tuple[int, int] | None


def media_counter(api: Api, model: str) -> Callable[[Mapping[Any, Any], str], int]:
    """Tokens of the media in a block, from the block and its kind, for one model."""

    def tokens_of(block: Mapping[Any, Any], kind: str) -> int:
        if kind != "image":
            return media_tokens(block, kind)
        size = image_size(head_of(block))
        return anthropic_image_tokens(size) if api == "messages" else _openai(model, block, size)

    return tokens_of


def _openai(model: str, block: Mapping[Any, Any], size: Size) -> int:
    nested = block.get("image_url")
    detail = nested.get("detail") if isinstance(nested, Mapping) else block.get("detail")
    return openai_image_tokens(model, size, low=detail == "low")


def openai_image_tokens(model: str, size: Size, *, low: bool = False) -> int:
    """Tokens of an image at OpenAI, by the dearer of its two formulas."""
    tiles = LOW_DETAIL_IMAGE_TOKENS if low else _tile_tokens(size)
    factor = next((one for name, one in _TILE_FACTORS if name in model), 1.0)
    price = next((one for name, one in _PATCH_PRICES if name in model), _PATCH_PRICE)
    return max(ceil(tiles * factor), ceil(_patches(size) * price))


def _tile_tokens(size: Size) -> int:
    return LARGEST_IMAGE_TOKENS if size is None else image_tokens(*size)


def _patches(size: Size) -> int:
    if size is None:
        return _MOST_PATCHES
    return min(_MOST_PATCHES, _parts(size, _PATCH_PIXELS))


def anthropic_image_tokens(size: Size) -> int:
    """Tokens of an image at Anthropic."""
    if size is None:
        return _MOST_VISUAL_TOKENS
    return min(_MOST_VISUAL_TOKENS, _parts(size, _VISUAL_PIXELS))


def _parts(size: tuple[int, int], pixels: int) -> int:
    width, height = size
    return ceil(max(width, 1) / pixels) * ceil(max(height, 1) / pixels)
