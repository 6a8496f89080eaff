"""Turn what a user has into a `TokenCounter`: a tokenizer of Hugging Face, a function, an encoding.

`as_token_counter` is the boundary: past it, code knows `TokenCounter` only. Neither tiktoken nor
tokenizers is imported here; their objects are recognised where their owner has imported them.

What a function counts is known by its id, and a function's name is one only where it leads back to
the function: at the top of an imported module. A lambda, a method, a nested function, a function of
the program that is run or of a notebook has none; nor has a second function of a name, as after a
reload. Those are numbered in the order in which they come, and counts of theirs are not saved.

>>> as_token_counter(len).id, as_token_counter(len, id="characters").id
('callable:builtins.len', 'characters')
>>> as_token_counter(lambda text: len(text) // 4).id.startswith("callable#")
True
"""

from __future__ import annotations

import hashlib
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any

from mba_integrations.core.arguments import shown
from mba_integrations.core.counting.counter import NUMBERED, TokenCounter, outlives_process
from mba_integrations.core.counting.tiktoken_counters import TiktokenCounter
from mba_integrations.core.errors import InputError

_numbers = itertools.count(1)
_by_name: dict[str, Callable[..., Any]] = {}


class HuggingFaceCounter:
    """Counts by a `tokenizers.Tokenizer`, on a private copy of it.

    The copy neither truncates nor pads, since either changes counts, adds no special tokens, and
    takes those in the text as plain text. Its id holds a digest of the tokenizer, so tokenizers
    that differ share no counts.

    Args:
        tokenizer: A `tokenizers.Tokenizer`. It is not changed.
        exact: False if the model to count for has a different tokenizer.

    Raises:
        InputError: If *tokenizer* is something else.
    """

    __slots__ = ("_tokenizer", "exact", "id")

    def __init__(self, tokenizer: Any, *, exact: bool = True) -> None:
        if not _is_instance_of(tokenizer, "tokenizers", "Tokenizer"):
            kind = type(tokenizer).__name__
            raise InputError(
                f"tokenizer must be a tokenizers.Tokenizer, got {kind}. "
                "A fast tokenizer of transformers has one as .backend_tokenizer."
            )
        private = type(tokenizer).from_str(tokenizer.to_str())
        private.no_truncation()
        private.no_padding()
        private.encode_special_tokens = True
        digest = hashlib.blake2b(private.to_str().encode(), digest_size=8).hexdigest()
        self.id = f"hf:{digest}"
        self.exact = exact
        self._tokenizer = private

    def count(self, text: str, /) -> int:
        """Tokens of *text*."""
        return self.count_batch((text,))[0]

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        """Tokens of each text, in order. The library may use several threads."""
        batch = [_without_lone_surrogates(text) for text in texts]
        encoded = self._tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        return [len(encoding) for encoding in encoded]


def _without_lone_surrogates(text: str) -> str:
    """*text* with U+FFFD for each lone surrogate, as tiktoken counts them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class CallableCounter:
    """Counts by a function from a text to its count, or to its tokens.

    Args:
        function: Gives an integer >= 0, or something with a length: a list of ids, an array.
        id: Namespace of the counts. It should change when the function does.
        exact: True if the function is the tokenizer of the model to count for.

    Raises:
        InputError: If *function* cannot be called or *id* is empty.

    >>> CallableCounter(str.split, id="words").count("to be or not")
    4
    """

    __slots__ = ("_function", "exact", "id")

    def __init__(
        self, function: Callable[[str], int | Sized], *, id: str, exact: bool = False
    ) -> None:
        if not callable(function):
            raise InputError(f"function must be callable, got {function!r}.")
        if not isinstance(id, str) or not id:
            raise InputError(f"id must be a text that is not empty, got {id!r}.")
        self._function = function
        self.id = id
        self.exact = exact

    def count(self, text: str, /) -> int:
        """Tokens of *text*.

        Raises:
            InputError: If the function gives neither an integer >= 0 nor a sequence.
        """
        result = self._function(text)
        if isinstance(result, Mapping):
            raise InputError(
                f"token counter {self.id!r}: the function gave a mapping. For a tokenizer of "
                "transformers pass lambda text: tokenizer(text)['input_ids']."
            )
        if hasattr(result, "__len__"):
            return len(result)
        return self._checked(result)

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        """Tokens of each text, in order: one call of the function per text."""
        return [self.count(text) for text in texts]

    def __reduce__(self) -> tuple[Any, ...]:
        return _remake_callable_counter, (self._function, self.id, self.exact)

    def _checked(self, result: Any) -> int:
        is_number = hasattr(result, "__index__") and not isinstance(result, bool)
        if not is_number or result < 0:
            raise InputError(
                f"token counter {self.id!r}: a count must be an integer >= 0 or a sequence of "
                f"tokens, got {result!r}."
            )
        return int(result)


def _remake_callable_counter(
    function: Callable[[str], int | Sized], id: str, exact: bool
) -> CallableCounter:
    """A copy, whose number is new where the id has one: numbers mean nothing in another process."""
    if not outlives_process(id):
        id = _numbered(id.partition(":")[2])
    return CallableCounter(function, id=id, exact=exact)


def as_token_counter(source: Any, *, id: str | None = None) -> TokenCounter:
    """A counter from what the caller has.

    Args:
        source: A `TokenCounter` (returned as it is), a `tiktoken.Encoding`, a
            `tokenizers.Tokenizer`, or a function as `CallableCounter` takes. Encodings and
            tokenizers are taken to be the model's own, functions are not.
        id: Namespace of a function's counts; None derives it from the function's name. A function
            without a name of its own (a lambda, a bound method, a nested function, one of the
            program that is run) gets a number for this process, and its counts are not saved with
            a pool: give an id for that, and another one when the function changes.

    Raises:
        InputError: If *source* is none of these.
    """
    if not isinstance(source, type):
        if isinstance(source, TokenCounter):
            return source
        if _is_instance_of(source, "tiktoken", "Encoding"):
            return TiktokenCounter(source.name, encoding=source)
        if _is_instance_of(source, "tokenizers", "Tokenizer"):
            return HuggingFaceCounter(source)
        if callable(source):
            return CallableCounter(source, id=id if id is not None else _callable_id(source))
    raise InputError(
        "token_counter must be a TokenCounter, a tiktoken.Encoding, a tokenizers.Tokenizer or a "
        f"function from a text to its count or tokens, got {_describe(source)}."
    )


def _describe(source: Any) -> str:
    if isinstance(source, type):
        return f"the class {source.__name__}. Pass an instance: {source.__name__}(...)"
    return f"{type(source).__name__} ({shown(source)})"


def _callable_id(function: Callable[..., Any]) -> str:
    name = getattr(function, "__qualname__", type(function).__qualname__)
    module = _module_of(function, name)
    if module is not None:
        found = f"callable:{module}.{name}"
        if _by_name.setdefault(found, function) is function:
            return found
    return _numbered(name)


def _numbered(name: str) -> str:
    return f"{NUMBERED}{next(_numbers)}:{name}"


def _module_of(function: Callable[..., Any], name: str) -> str | None:
    """The module that has the function at its top under that name; None if there is none.

    `__main__` is another module in every program, and in a notebook it changes under its name;
    `__mp_main__` is what a process that multiprocessing has started calls it.
    """
    module = getattr(function, "__module__", None)
    if not isinstance(module, str) or module in {"__main__", "__mp_main__"}:
        return None
    return module if getattr(sys.modules.get(module), name, None) is function else None


def _is_instance_of(source: Any, module: str, name: str) -> bool:
    """Whether *source* is of that class. A library that nobody has imported has no instances."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(source, kind)
