"""Names of models lead to the encoding that counts for them."""

import pytest

from mba_integrations.core.counting.model_names import EncodingChoice, resolve_encoding
from mba_integrations.core.errors import InputError


@pytest.mark.parametrize(
    ("model", "encoding_name"),
    [
        pytest.param("gpt-4o", "o200k_base", id="plain-name"),
        pytest.param("gpt-4o-2024-05-13", "o200k_base", id="dated-name"),
        pytest.param("GPT-4o", "o200k_base", id="capitals"),
        pytest.param(" gpt-4 ", "cl100k_base", id="spaces-around"),
        pytest.param("gpt-4-32k", "cl100k_base", id="gpt-4-with-suffix"),
        pytest.param("gpt-4.1-mini", "o200k_base", id="gpt-4.1-is-not-gpt-4"),
        pytest.param("gpt-5-nano", "o200k_base", id="gpt-5"),
        pytest.param("gpt-5.1", "o200k_base", id="gpt-5-with-a-point"),
        pytest.param("gpt-oss-120b", "o200k_harmony", id="open-weights"),
        pytest.param("gpt-35-turbo", "cl100k_base", id="azure-spelling"),
        pytest.param("o3", "o200k_base", id="reasoning"),
        pytest.param("openai/gpt-5", "o200k_base", id="provider"),
        pytest.param("openrouter/openai/gpt-4", "cl100k_base", id="two-providers"),
        pytest.param("openai:gpt-4.1", "o200k_base", id="provider-with-colon"),
        pytest.param("azure/gpt-4o", "o200k_base", id="azure"),
        pytest.param("ft:gpt-4.1:acme::x1", "o200k_base", id="fine-tuned-gpt-4.1"),
        pytest.param("ft:gpt-4:acme::x1", "cl100k_base", id="fine-tuned-gpt-4"),
        pytest.param("ft:gpt-5:acme", "o200k_base", id="fine-tuned-gpt-5"),
        pytest.param("openai/ft:gpt-3.5-turbo:acme", "cl100k_base", id="provider-and-fine-tuned"),
        pytest.param("text-embedding-3-large", "cl100k_base", id="embedding"),
        pytest.param("cl100k_base", "cl100k_base", id="name-of-an-encoding"),
    ],
)
def test_a_known_model_is_exact(model: str, encoding_name: str) -> None:
    assert resolve_encoding(model) == EncodingChoice(encoding_name=encoding_name, exact=True)


@pytest.mark.parametrize(
    "model",
    ["claude-sonnet-4-5", "gemini/gemini-3-pro", "llama-3", "o100", "o1x", "gpt-40", "gpt", "/"],
)
def test_an_unknown_model_is_counted_in_the_default_encoding_marked_inexact(model: str) -> None:
    assert resolve_encoding(model) == EncodingChoice(encoding_name="o200k_base", exact=False)


def test_no_model_means_the_default_encoding_itself() -> None:
    assert resolve_encoding(None) == EncodingChoice(encoding_name="o200k_base", exact=True)


@pytest.mark.parametrize("model", ["", "  ", 4, b"gpt-4o"])
def test_a_name_that_is_no_text_is_refused_with_its_value(model: object) -> None:
    with pytest.raises(InputError, match="model must be"):
        resolve_encoding(model)  # type: ignore[arg-type]


def test_tiktoken_agrees_on_every_chat_and_embedding_model_that_it_knows() -> None:
    table = pytest.importorskip("tiktoken.model").MODEL_TO_ENCODING
    legacy = {"r50k_base", "p50k_base", "p50k_edit"}
    known = {name: encoding for name, encoding in table.items() if encoding not in legacy}
    assert {name: resolve_encoding(name).encoding_name for name in known} == known
