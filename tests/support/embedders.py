"""The project's own embedders, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mba_integrations.core.search.cached_embedder import CachedEmbedder
from mba_integrations.testing import WordEmbedder

EMBEDDERS: dict[str, Callable[[], Any]] = {
    "words": WordEmbedder,
    "few-dimensions": lambda: WordEmbedder(dimensions=3),
    "remembering": lambda: CachedEmbedder(WordEmbedder()),
    "forgetting": lambda: CachedEmbedder(WordEmbedder(), max_entries=0),
}
