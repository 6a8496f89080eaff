"""Find the vocabulary of an encoding, without the network where that is possible.

`load_encoding` looks, in this order, at: what tiktoken has loaded in this process, the file in
tiktoken's cache, the file that llama-index-core carries, the vocabulary compiled into toktok-rs,
and last the download that tiktoken does itself. Whatever is installed comes before the network.
tiktoken's download has no time limit, so it is given up after `DOWNLOAD_SECONDS`. A vocabulary is
taken only if its SHA-256 is the one that tiktoken expects, so every source gives the same counts.

Costs about 0.2 s and 80 MB per encoding at the first call (1 s from toktok-rs), a dictionary
look-up later. Reads the environment variables that tiktoken's cache reads; writes nothing, except
that a download goes to tiktoken's cache. Encodings other than o200k and cl100k are tiktoken's to
find. An encoding that is built here has no special tokens: counting takes them as plain text.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import importlib.util
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mba_integrations.core.counting.deadline import within
from mba_integrations.core.errors import InputError, TokenizerError

if TYPE_CHECKING:
    import tiktoken


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEncoding:
    """An encoding as its maker published it: a vocabulary file, and the pattern that cuts text.

    Args:
        file_name: Name in tiktoken's cache: SHA-1 of the address that it is published at.
        sha256: SHA-256 of the file, in hexadecimal digits.
        toktok_name: Name of the same vocabulary in toktok-rs.
        pattern: Regular expression of the pieces, from tiktoken 0.14.
    """

    file_name: str
    sha256: str
    toktok_name: str
    pattern: str


_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_O200K = PublishedEncoding(
    file_name="fb374d419588a4632f3f557e76b4b70aebbca790",
    sha256="446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    toktok_name="o200k_base",
    pattern="|".join(
        (
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
            + _CONTRACTION,
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
            + _CONTRACTION,
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
)
_CL100K = PublishedEncoding(
    file_name="9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
    sha256="223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    toktok_name="cl100k_base",
    pattern="|".join(
        (
            r"'(?i:[sdmt]|ll|ve|re)",
            r"[^\r\n\p{L}\p{N}]?+\p{L}++",
            r"\p{N}{1,3}+",
            r" ?[^\s\p{L}\p{N}]++[\r\n]*+",
            r"\s++$",
            r"\s*[\r\n]",
            r"\s+(?!\S)",
            r"\s",
        )
    ),
)
# o200k_harmony differs from o200k_base in its special tokens only.
PUBLISHED = {"o200k_base": _O200K, "o200k_harmony": _O200K, "cl100k_base": _CL100K}

DOWNLOAD_SECONDS = 60.0
"""How long tiktoken may take for its file of 2 to 4 MB."""

_loaded: dict[str, tiktoken.Encoding] = {}
_loading = threading.Lock()


def load_encoding(encoding_name: str) -> tiktoken.Encoding:
    """The encoding of that name, loaded once per process. Safe to call from many threads.

    Raises:
        InputError: If tiktoken knows no encoding of that name.
        TokenizerError: If the vocabulary is in none of the places and cannot be downloaded. The
            message lists every way out; the cause is kept.
    """
    encoding = _loaded.get(encoding_name)
    if encoding is not None:
        return encoding
    with _loading:
        if encoding_name not in _loaded:
            _loaded[encoding_name] = _find_encoding(encoding_name)
        return _loaded[encoding_name]


def open_toktok(encoding_name: str) -> Any | None:
    """The toktok-rs tokenizer of an encoding, or None where it is not installed or lacks it.

    The tokenizer object counts one text in about 0.3 us; the package's documented batch function
    starts a thread pool in each call, about 30 us.
    """
    published = PUBLISHED.get(encoding_name)
    if published is None:
        return None
    try:
        tokenizer = importlib.import_module("toktok")._encoding(published.toktok_name)
    except (ImportError, AttributeError, KeyError):
        return None
    return tokenizer if hasattr(tokenizer, "count") else None


def _find_encoding(encoding_name: str) -> tiktoken.Encoding:
    from tiktoken import registry

    known = registry.ENCODINGS.get(encoding_name)
    if known is not None:
        return known
    published = PUBLISHED.get(encoding_name)
    if published is not None and _from_tiktoken_cache(published) is None:
        for source in (_from_llama_index, _from_toktok):
            content = source(published)
            if content is not None:
                return _build(encoding_name, published, content)
    return _from_tiktoken(encoding_name)


def _from_tiktoken(encoding_name: str) -> tiktoken.Encoding:
    """What tiktoken gives: from its cache if the file is there, by download otherwise."""
    import tiktoken

    if encoding_name not in tiktoken.list_encoding_names():
        known = ", ".join(sorted(tiktoken.list_encoding_names()))
        raise InputError(f"encoding must be one of {known}, got {encoding_name!r}.")
    try:
        return within(DOWNLOAD_SECONDS, partial(tiktoken.get_encoding, encoding_name))
    except (OSError, ValueError, ImportError) as error:
        raise TokenizerError(_ways_out(encoding_name)) from error


def _ways_out(encoding_name: str) -> str:
    published = PUBLISHED.get(encoding_name)
    ways = [
        "allow one download from openaipublic.blob.core.windows.net, which tiktoken then caches"
    ]
    if published is not None:
        ways += [
            "pip install 'mba-integrations[fast]' (toktok-rs, vocabulary inside)",
            "pip install llama-index-core (vocabulary inside)",
            f"set TIKTOKEN_CACHE_DIR to a folder that holds the file {published.file_name}",
        ]
    else:
        ways.append("set TIKTOKEN_CACHE_DIR to a folder that a machine with network has filled")
    ways.append(
        "pass your own counter: MemoryBudgetAllocator(token_counter=...); "
        "HeuristicCounter() needs no vocabulary and estimates"
    )
    return (
        f"No vocabulary for the encoding {encoding_name!r}: it is in none of the installed places "
        "and the download failed or took too long. Any one of these helps:\n- " + "\n- ".join(ways)
    )


def _build(encoding_name: str, published: PublishedEncoding, content: bytes) -> tiktoken.Encoding:
    import tiktoken

    return tiktoken.Encoding(
        encoding_name,
        pat_str=published.pattern,
        mergeable_ranks=_parse(content),
        special_tokens={},
    )


def _parse(content: bytes) -> dict[bytes, int]:
    pairs = (line.split() for line in content.splitlines() if line)
    return {base64.b64decode(token): int(rank) for token, rank in pairs}


def _verified(content: bytes, published: PublishedEncoding) -> bytes | None:
    return content if hashlib.sha256(content).hexdigest() == published.sha256 else None


def _read_verified(path: Path, published: PublishedEncoding) -> bytes | None:
    try:
        return _verified(path.read_bytes(), published)
    except OSError:
        return None


def _from_tiktoken_cache(published: PublishedEncoding) -> bytes | None:
    folder = _tiktoken_cache_folder()
    return None if folder is None else _read_verified(folder / published.file_name, published)


def _tiktoken_cache_folder() -> Path | None:
    """Where tiktoken keeps its files; None if an empty variable turns its cache off."""
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if variable in os.environ:
            return Path(os.environ[variable]) if os.environ[variable] else None
    return Path(tempfile.gettempdir(), "data-gym-cache")


def _from_llama_index(published: PublishedEncoding) -> bytes | None:
    """The file inside llama-index-core. The package is located, never imported."""
    spec = importlib.util.find_spec("llama_index")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        path = Path(folder, "core", "_static", "tiktoken_cache", published.file_name)
        content = _read_verified(path, published)
        if content is not None:
            return content
    return None


def _from_toktok(published: PublishedEncoding) -> bytes | None:
    """The vocabulary compiled into toktok-rs, written as the published file is."""
    tokenizer = open_toktok(published.toktok_name)
    list_tokens: Callable[[], list[bytes]] | None = getattr(tokenizer, "token_byte_values", None)
    if list_tokens is None:
        return None
    # Ranks without a token are holes in the numbering and have no line in the file.
    lines = (
        b"%s %d\n" % (base64.b64encode(token), rank)
        for rank, token in enumerate(list_tokens())
        if token
    )
    return _verified(b"".join(lines), published)
