"""The prepared columns of a pool on disk: token counts, and the index of its words.

They stand beside the items, so that a pool that is loaded neither counts nor indexes again. Arrays
are memory-mapped when read. Columns of another version, or of other items than those beside them,
are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mba_integrations.core.counting.counter import outlives_process
from mba_integrations.core.pool.generations import check_sum
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.pool.token_column import TokenColumns
from mba_integrations.core.rows.slots import Slots
from mba_integrations.core.search.lexical import LexicalIndex
from mba_integrations.core.search.postings import Postings
from mba_integrations.core.search.term_numbers import TermNumbers
from mba_integrations.core.search.text_traits import TextTraits
from mba_integrations.core.search.words.lexical_columns import LexicalColumns

COLUMNS_VERSION = 2
"""Raised when a text is rendered, counted or cut into terms in another way."""
_POSTINGS = ("terms", "starts", "slots", "counts")
_TRAITS = {"log_length": TextTraits.log_length, "asks": TextTraits.asks}


def write_columns(snapshot: PoolSnapshot, folder: Path) -> dict[str, Any]:
    """Write the columns that the snapshot has, and say in JSON what is there."""
    columns = {
        ids: column for ids, column in snapshot.tokens.counts().items() if outlives_process(ids[1])
    }
    tokens = [
        {"layout": layout, "counter": counter, "file": f"tokens-{number}.npy"}
        for number, (layout, counter) in enumerate(columns)
    ]
    for entry, column in zip(tokens, columns.values(), strict=True):
        _save(folder / entry["file"], column.astype(np.min_scalar_type(column.max(initial=0))))
    indexed = PoolSnapshot.lexical.known(snapshot)
    lexical = _write_lexical(snapshot.lexical, folder) if indexed else None
    return {"version": COLUMNS_VERSION, "tokens": tokens, "lexical": lexical}


def read_columns(snapshot: PoolSnapshot, folder: Path, record: Mapping[str, Any]) -> None:
    """Give the snapshot, of which nothing is prepared yet, the columns of the folder.

    Raises:
        OSError, ValueError, KeyError, TypeError: If a file is missing or damaged.
    """
    if record["version"] != COLUMNS_VERSION:
        return
    # Earlier releases had check sums of the columns alone, and items could be edited beside them.
    if "items_crc32" in record and record["items_crc32"] != check_sum(folder / "items.jsonl"):
        return
    for name, expected in record.get("files", {}).items():
        if check_sum(folder / Path(name).name) != expected:
            raise ValueError(f"{name} is not what was saved")
    known = {
        (entry["layout"], entry["counter"]): _load(folder / entry["file"]).astype(np.int64)
        for entry in record["tokens"]
    }
    tokens = TokenColumns(snapshot.items, lazy=snapshot.lazy, known=known)
    PoolSnapshot.tokens.put(snapshot, tokens)
    if record["lexical"] is not None:
        index = _read_lexical(snapshot, folder, record["lexical"])
        PoolSnapshot.lexical.put(snapshot, index)


def _write_lexical(index: LexicalIndex, folder: Path) -> dict[str, Any]:
    columns = index.columns.compact()
    for name in _POSTINGS if columns.parts else ():
        _save(folder / f"postings-{name}.npy", getattr(columns.parts[0], name))
    _save(folder / "lexical-sizes.npy", columns.sizes)
    _save(folder / "lexical-languages.npy", columns.languages)
    _save(folder / "lexical-frequencies.npy", columns.frequencies)
    traits = [name for name, trait in _TRAITS.items() if trait.known(index.traits)]
    for name in traits:
        _save(folder / f"lexical-{name}.npy", getattr(index.traits, name))
    terms = "\n".join(columns.numbers.terms()[: len(columns.frequencies)])
    (folder / "lexical-terms.txt").write_bytes(terms.encode("utf-8", "surrogatepass"))
    return {"postings": bool(columns.parts), "in_order": columns.in_order, "traits": traits}


def _read_lexical(snapshot: PoolSnapshot, folder: Path, record: Mapping[str, Any]) -> LexicalIndex:
    terms = (folder / "lexical-terms.txt").read_bytes().decode("utf-8", "surrogatepass")
    sizes = _load(folder / "lexical-sizes.npy")
    postings = [_load(folder / f"postings-{name}.npy") for name in _POSTINGS * record["postings"]]
    columns = LexicalColumns(
        numbers=TermNumbers(terms.split("\n") if terms else ()),
        slots=Slots.for_rows(len(snapshot)),
        parts=(Postings(*postings),) if postings else (),
        sizes=sizes,
        languages=_load(folder / "lexical-languages.npy"),
        frequencies=_load(folder / "lexical-frequencies.npy"),
        total=int(sizes.sum()),
        in_order=bool(record["in_order"]),
    )
    traits = TextTraits(snapshot.texts)
    for name in record["traits"]:
        _TRAITS[name].put(traits, _load(folder / f"lexical-{name}.npy"))
    return LexicalIndex(snapshot.texts, columns, traits)


def _save(path: Path, array: NDArray[Any]) -> None:
    np.save(path, array, allow_pickle=False)


def _load(path: Path) -> NDArray[Any]:
    mapped: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    return mapped
