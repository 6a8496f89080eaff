"""Whether an embedder gives a vector for each text, the same one whatever stands beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mba_integrations import InputError
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.search.embedder import Embedder, embed, usable_rows
from mba_integrations.testing.rules import HOSTILE_TEXTS, no_error, require, short

LARGEST_DIFFERENCE = 1e-3
"""Models on a graphics card round by the size of the batch; as a part of the vector's length."""


def check_embedder(embedder: Embedder, *, texts: Sequence[str] = ()) -> None:
    """Check what would be given to an allocator as `embedder`.

    1. n texts give an array of shape (n, d) of finite numbers, with one d for all calls.
    2. Every text has a vector, the empty one and one with lone surrogates too.
    3. A text has the same vector in every call, whatever stands beside it, at its own place.
    4. The list that it is given stays as it is.

    Args:
        embedder: The embedder.
        texts: Texts to embed besides those that every embedder must bear.

    Raises:
        AssertionError: With the first rule that is broken.
    """
    asked = [*HOSTILE_TEXTS, *texts]
    together = _vectors(embedder, asked)
    backwards = _vectors(embedder, asked[::-1])[::-1]
    _check_same(asked, together, backwards, "in another order")
    alone = [_vectors(embedder, [text]) for text in asked]
    lengths = sorted({vectors.shape[1] for vectors in (together, *alone)})
    require(len(lengths) == 1, f"the embedder gave vectors of {lengths} numbers; rule 1: one d.")
    _check_same(asked, together, np.concatenate(alone), "alone")


def _vectors(embedder: Embedder, texts: list[str]) -> FloatArray:
    require(embedder is not None, "the embedder is None.")
    given = list(texts)
    try:
        with no_error(
            f"the embedder, asked for {len(texts):,} texts,", "Rule 2: every text has one."
        ):
            vectors = embed(texts, lambda _: embedder(given))
    except AssertionError as error:
        if isinstance(error.__cause__, InputError):
            raise AssertionError(f"{error.__cause__} Rules 1 and 2.") from error
        raise
    require(given == texts, "the embedder changed the list that it was given; rule 4.")
    unusable = np.flatnonzero(~usable_rows(np.asarray(vectors))).tolist()
    named = ", ".join(short(given[row]) for row in unusable[:3])
    require(not unusable, f"the embedder gives {named} a value that is not finite. Rules 1 and 2.")
    return np.asarray(vectors)


def _check_same(texts: list[str], one: FloatArray, other: FloatArray, how: str) -> None:
    if one.shape != other.shape:
        return
    scale = np.maximum(np.linalg.norm(one, axis=1), 1e-12)
    off = np.linalg.norm(one - other, axis=1) > LARGEST_DIFFERENCE * scale
    named = [short(text) for text, is_off in zip(texts, off, strict=True) if is_off]
    told = f"the embedder gives {', '.join(named[:3])} another vector {how}; rule 3."
    require(not named, told)
