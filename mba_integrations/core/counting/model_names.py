"""Which encoding counts for which model.

A name is read from the left: provider prefixes (`openai/`, `openrouter/openai/`) and `ft:` come
off, then the longest known prefix decides. Names that nothing matches get `o200k_base`, marked
inexact. Needs no tokenizer library and no vocabulary.

The table is this project's own, since tiktoken's refuses `provider/model` names and gives
fine-tuned gpt-4.1 models the encoding of gpt-4.
"""

from __future__ import annotations

from dataclasses import dataclass

from mba_integrations.core.errors import InputError

DEFAULT_ENCODING = "o200k_base"

# A prefix ends at a name's end or at one of these, so that `o1` does not match `o100`.
_WORD_ENDS = "-.:@_ "

# Source of the pairs: OpenAI's model pages and tiktoken 0.14. Azure writes gpt-35 for gpt-3.5.
_ENCODING_BY_PREFIX = {
    "gpt-oss": "o200k_harmony",
    "gpt-6": "o200k_base",
    "gpt-5": "o200k_base",
    "gpt-4.5": "o200k_base",
    "gpt-4.1": "o200k_base",
    "gpt-4o": "o200k_base",
    "chatgpt-4o": "o200k_base",
    "o1": "o200k_base",
    "o3": "o200k_base",
    "o4-mini": "o200k_base",
    "gpt-4": "cl100k_base",
    "gpt-3.5": "cl100k_base",
    "gpt-35": "cl100k_base",
    "text-embedding-3": "cl100k_base",
    "text-embedding-ada-002": "cl100k_base",
    "davinci-002": "cl100k_base",
    "babbage-002": "cl100k_base",
    "text-davinci-003": "p50k_base",
    "text-davinci-002": "p50k_base",
    "gpt-2": "gpt2",
    "gpt2": "gpt2",
}
_LONGEST_FIRST = sorted(_ENCODING_BY_PREFIX.items(), key=lambda pair: -len(pair[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingChoice:
    """An encoding for a model.

    Args:
        encoding_name: Name of the encoding, as tiktoken calls it.
        exact: True if the model itself uses this encoding.
    """

    encoding_name: str
    exact: bool


def resolve_encoding(model: str | None) -> EncodingChoice:
    """The encoding that counts for *model*.

    Args:
        model: A model's name, `provider/model`, `ft:model:...`, or the name of an encoding. Case
            does not matter. None asks for the default encoding itself, so nothing is approximated.

    Raises:
        InputError: If *model* is neither None nor a text with a character other than spaces.

    >>> resolve_encoding("azure/gpt-4o")
    EncodingChoice(encoding_name='o200k_base', exact=True)
    >>> resolve_encoding("anthropic/claude-sonnet-4-5").exact
    False
    """
    if model is None:
        return EncodingChoice(encoding_name=DEFAULT_ENCODING, exact=True)
    if not isinstance(model, str) or not model.strip():
        raise InputError(f"model must be the name of a model or None, got {model!r}.")
    name = _bare_name(model)
    if name in _ENCODING_BY_PREFIX.values():
        return EncodingChoice(encoding_name=name, exact=True)
    for prefix, encoding_name in _LONGEST_FIRST:
        if _begins_with(name, prefix):
            return EncodingChoice(encoding_name=encoding_name, exact=True)
    return EncodingChoice(encoding_name=DEFAULT_ENCODING, exact=False)


def _bare_name(model: str) -> str:
    name = model.strip().lower().rsplit("/", 1)[-1]
    return name.removeprefix("openai:").removeprefix("azure:").removeprefix("ft:")


def _begins_with(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and (len(name) == len(prefix) or name[len(prefix)] in _WORD_ENDS)
