"""Embed the questions of the evidence sets without names, and the tokens of items and questions.

    python -m benchmarks.evidence_embeddings --data ../shared/data --sets realtalk beam-100k

Writes `NAME.nameless.npz` and `NAME.tokens.npz` beside each set, by `MiniLmEmbedder` (extra
`minilm`); about seven minutes for a million tokens on one core. A file that is there stays.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.evidence_data import asked_without_names, has_minilm, records
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.search.tokens.token_vectors import TokenVectors
from mba_integrations.minilm_embedder import MiniLmEmbedder


def nameless_arrays(pool: dict[str, Any], embedder: MiniLmEmbedder) -> dict[str, FloatArray]:
    """Vectors of the questions of a pool that have evidence, as `evidence_data` reads them."""
    asked = asked_without_names(pool)
    return {f"queries/{pool['pool_id']}": embedder(list(asked.values())).astype(np.float16)}


def token_arrays(pool: dict[str, Any], embedder: MiniLmEmbedder) -> dict[str, Any]:
    """Token vectors of items and questions of a pool, one text after another, and their numbers."""
    asked = asked_without_names(pool)
    texts = [item["text"] for item in pool["items"] if item["text"].strip()]
    arrays: dict[str, Any] = {f"query_ids/{pool['pool_id']}": np.array(list(asked))}
    for name, some in (("items", texts), ("queries", list(asked.values()))):
        made: list[TokenVectors] = [embedder.token_embedder([text])[0] for text in some]
        arrays[f"{name}/{pool['pool_id']}"] = np.concatenate(made)
        arrays[f"{name}_sizes/{pool['pool_id']}"] = np.array([len(vectors) for vectors in made])
    return arrays


def write(data: Path, name: str, embedder: MiniLmEmbedder) -> None:
    """Both files of a set."""
    for kind, arrays_of in (("nameless", nameless_arrays), ("tokens", token_arrays)):
        path = data / f"{name}.{kind}.npz"
        if path.exists():
            continue
        arrays: dict[str, Any] = {}
        for pool in records(data, name):
            arrays |= arrays_of(pool, embedder)
        np.savez(path, **arrays)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Embed the evidence sets.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evidence sets")
    parser.add_argument("--sets", nargs="+", required=True)
    options = parser.parse_args(arguments)
    embedder = MiniLmEmbedder()
    for name in options.sets:
        if has_minilm(options.data, name):
            write(options.data, name, embedder)


if __name__ == "__main__":
    main()
