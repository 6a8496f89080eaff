"""Count the tokens of texts by the real tokenizer.

`counter_for_model` gives the counter that fits a model's name: `FastCounter` where toktok-rs is
installed (extra `fast`), `TiktokenCounter` otherwise. Both give tiktoken's counts and share its
ids, so a count may be kept under one and read under the other.

Making a counter is cheap; the vocabulary is found at the first count (see `encodings`). Both
counters may be used from many threads. Keeping counts is left to `cached_counter`, other tokenizers
to `given_counters`, estimates to `heuristic_counter`, cutting text to `truncation`.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mba_integrations.core.counting.encodings import PUBLISHED, load_encoding, open_toktok
from mba_integrations.core.counting.model_names import DEFAULT_ENCODING, resolve_encoding
from mba_integrations.core.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import tiktoken


# tiktoken gives up on a run of about 1,000,000 white-space characters. A power of two cuts a run
# of one character at the ends of its longest tokens, which are 2**k characters long.
_RUN_PIECE_CHARS = 2**17

# OpenAI's encodings keep a run of white space apart from what is before it, and its last character
# with what is after it. Python's \s has four control characters that theirs has not.
_LONG_RUN = re.compile(r"[^\S\x1c-\x1f]{65536,}")


class TiktokenCounter:
    """Counts by tiktoken. The id is `tiktoken:` and the name of the encoding.

    About 5 us for 70 characters, 20 MB/s on long texts. A text that tiktoken refuses, because it
    has about a million white-space characters in a row, is counted in pieces: long runs of white
    space, cut every 131,072 characters, and what is between them. That is exact for runs of one
    character other than a newline; runs of several are off by at most 3 tokens per cut, in either
    direction, as far as measured.

    Args:
        encoding_name: One of tiktoken's encodings. It is looked up at the first count.
        exact: False if the model to count for has a different tokenizer.
        encoding: An encoding at hand, which is used instead of looking up the name.
    """

    __slots__ = ("_encoding", "encoding_name", "exact", "id")

    def __init__(
        self,
        encoding_name: str = DEFAULT_ENCODING,
        *,
        exact: bool = True,
        encoding: tiktoken.Encoding | None = None,
    ) -> None:
        self.id = f"tiktoken:{encoding_name}"
        self.encoding_name = encoding_name
        self.exact = exact
        self._encoding = encoding

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.encoding_name!r}, exact={self.exact})"

    def count(self, text: str, /) -> int:
        """Tokens of *text*; special tokens in it count as plain text.

        Raises:
            TokenizerError: If no vocabulary is found at the first count.
            InputError: If tiktoken has no encoding of that name.
        """
        encoding = self._encoding or load_encoding(self.encoding_name)
        try:
            return len(encoding.encode(text, disallowed_special=()))
        except ValueError:
            pieces = _pieces(text)
            return sum(len(encoding.encode(piece, disallowed_special=())) for piece in pieces)

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        """Tokens of each text, in order. Costs what `count` costs, text by text."""
        return [self.count(text) for text in texts]


def _pieces(text: str) -> Iterator[str]:
    done = 0
    for run in _LONG_RUN.finditer(text):
        start, end = run.span()
        end -= end < len(text)
        yield text[done:start]
        for place in range(start, end, _RUN_PIECE_CHARS):
            yield text[place : min(place + _RUN_PIECE_CHARS, end)]
        done = end
    yield text[done:]


# Characters that toktok-rs 0.3 and tiktoken 0.14 put into the same class: blocks without gaps that
# Unicode 14 assigned. Of all 1,112,064 characters, alone and in 28 surroundings, 4,699 differ, and
# Unicode 14 assigns none of those. Lone surrogates are left out: toktok-rs refuses them.
_SAME_CLASS = (
    "\u0000-\u0377\u037a-\u037f\u0384-\u038a\u038c\u038e-\u03a1\u03a3-\u052f\u0531-\u0556"
    "\u0559-\u058a\u0591-\u05c7\u05d0-\u05ea\u05ef-\u05f4\u0600-\u070d\u0900-\u0983"
    "\u0e01-\u0e3a\u0e3f-\u0e5b\u10d0-\u1248\u1d00-\u1f15\u2000-\u2064\u2070-\u2071"
    "\u2074-\u208e\u20a0-\u20c0\u2100-\u218b\u2190-\u2426\u2460-\u2b73\u2de0-\u2e5d"
    "\u3000-\u303f\u3041-\u3096\u3099-\u30ff\u3131-\u318e\u3190-\u31e3\u3220-\ua48c"
    "\uac00-\ud7a3\uf900-\ufa6d\ufdf0-\ufe19\ufe20-\ufe52\ufeff\uff01-\uffbe"
    "\uffe0-\uffe6\uffe8-\uffee\ufff9-\ufffd"
    "\U0001d552-\U0001d6a5\U0001f300-\U0001f6d7\U0001f900-\U0001fa53\U00020000-\U0002a6df"
    "\U000e0020-\U000e007f"
)


class FastCounter(TiktokenCounter):
    """tiktoken's counts, by toktok-rs for every text on which the two cannot differ.

    toktok-rs classes characters by older Unicode tables. A text in ASCII, or in characters that
    both class alike (most of what Latin, Greek, Cyrillic, Hebrew, Arabic, Devanagari, Thai,
    Chinese, Japanese and Korean text, symbols and emoji are made of), goes to toktok-rs; any
    other goes to tiktoken. tiktoken's vocabulary is looked up when the first of those comes.

    Also exact on a million white-space characters in a row, where `TiktokenCounter` cuts.

    Args:
        encoding_name: `o200k_base`, `o200k_harmony` or `cl100k_base`.
        exact: False if the model to count for has a different tokenizer.

    Raises:
        MissingExtraError: If toktok-rs is not installed, or lacks what is needed of it.
        InputError: If toktok-rs has no such encoding.
    """

    __slots__ = ("_count_fast", "_differs")

    def __init__(self, encoding_name: str = DEFAULT_ENCODING, *, exact: bool = True) -> None:
        if encoding_name not in PUBLISHED:
            known = ", ".join(sorted(PUBLISHED))
            raise InputError(f"FastCounter has the encodings {known}, got {encoding_name!r}.")
        if not toktok_is_installed():
            raise MissingExtraError("FastCounter", extra="fast")
        super().__init__(encoding_name, exact=exact)
        self._count_fast: Any = None
        self._differs: Any = None

    def count(self, text: str, /) -> int:
        """Tokens of *text*; special tokens in it count as plain text.

        Raises:
            TokenizerError: If only tiktoken can count the text, and no vocabulary is found.
        """
        if self._count_fast is None:
            self._open()
        if text.isascii() or self._differs(text) is None:
            return int(self._count_fast(text))
        return super().count(text)

    def _open(self) -> None:
        tokenizer = open_toktok(self.encoding_name)
        if tokenizer is None:
            raise MissingExtraError("FastCounter", extra="fast")
        self._differs = re.compile(f"[^{_SAME_CLASS}]").search
        self._count_fast = tokenizer.count

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake_fast_counter, (self.encoding_name, self.exact)


def _remake_fast_counter(encoding_name: str, exact: bool) -> FastCounter:
    return FastCounter(encoding_name, exact=exact)


def toktok_is_installed() -> bool:
    """Whether toktok-rs (extra `fast`) can be imported. Does not import it."""
    return importlib.util.find_spec("toktok") is not None


def counter_for_model(model: str | None = None, *, fast: bool | None = None) -> TiktokenCounter:
    """A counter for a model. It is made without loading a vocabulary.

    Args:
        model: Name of the model, as in `resolve_encoding`. A model of which no encoding is known
            is counted in o200k_base, and the counter's `exact` is False.
        fast: True asks for toktok-rs, False for tiktoken, None for toktok-rs where it is
            installed and has the encoding. The counts are the same.

    Raises:
        InputError: If *model* is empty, or *fast* is True and toktok-rs lacks the encoding.
        MissingExtraError: If *fast* is True and toktok-rs is not installed.

    >>> counter = counter_for_model("openai/gpt-5")
    >>> counter.id, counter.exact
    ('tiktoken:o200k_base', True)
    >>> counter_for_model("gemini-3-pro").exact
    False
    """
    choice = resolve_encoding(model)
    if fast is None:
        fast = choice.encoding_name in PUBLISHED and toktok_is_installed()
    counter = FastCounter if fast else TiktokenCounter
    return counter(choice.encoding_name, exact=choice.exact)
