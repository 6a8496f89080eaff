"""Framing of chat messages, by the sums that OpenAI's cookbook has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.counting.chat_format import framed_tokens, message_tokens
from mba_integrations.core.counting.given_counters import CallableCounter
from mba_integrations.core.counting.tiktoken_counters import counter_for_model
from mba_integrations.core.errors import InputError

characters = CallableCounter(len, id="characters")


def message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([], 0, id="none-cost-nothing"),
        pytest.param([message("user", "")], 3 + 4 + 0 + 3, id="an-empty-text-has-its-frame"),
        pytest.param([message("user", "to be")], 3 + 4 + 5 + 3, id="one"),
        pytest.param(
            [message("system", "short"), message("user", "hi")],
            (3 + 6 + 5) + (3 + 4 + 2) + 3,
            id="the-reply-is-primed-once",
        ),
    ],
)
def test_messages_cost_their_texts_and_frames(
    messages: list[dict[str, str]], expected: int
) -> None:
    assert message_tokens(messages, characters) == expected


def test_the_sum_is_the_one_of_the_cookbook() -> None:
    """The example of the cookbook "How to count tokens with tiktoken", without its names."""
    messages = [
        message("system", "You are a helpful, pattern-following assistant."),
        message("user", "This late pivot means we don't have time to boil the ocean."),
    ]
    counter = counter_for_model("gpt-4")
    texts = [text for entry in messages for text in entry.values()]
    assert message_tokens(messages, counter) == sum(counter.count_batch(texts)) + 2 * 3 + 3


@given(st.text(max_size=40))
def test_a_framed_text_costs_what_it_costs_as_a_system_message(text: str) -> None:
    tokens = characters.count(text)
    expected = message_tokens([message("system", text)], characters) if tokens else 0
    assert framed_tokens(tokens, characters) == expected


def test_a_count_that_is_none_is_refused() -> None:
    broken = CallableCounter(lambda text: -len(text), id="broken")
    with pytest.raises(InputError, match="'broken'"):
        message_tokens([message("user", "hi")], broken)
    with pytest.raises(InputError, match="'broken'"):
        framed_tokens(1, broken)
