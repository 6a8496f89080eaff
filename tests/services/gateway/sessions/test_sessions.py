"""The session of a request, from whatever tells it, and which model that is asked of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.services.gateway.sessions.naming import fingerprint, session_of

OURS = (b"x-mba-session", b"ours")
CLAUDE = (b"X-Claude-Code-Session-Id", b"theirs")
BODY = {"metadata": {"session_id": "told", "user_id": "user"}}


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        pytest.param([CLAUDE, OURS], BODY, ("ours", "header"), id="our-header-first"),
        pytest.param([CLAUDE], BODY, ("theirs", "header"), id="then-claude-code's"),
        pytest.param([], BODY, ("told", "metadata"), id="then-the-body"),
        pytest.param(
            [], {"metadata": {"user_id": "user"}}, ("user", "metadata"), id="then-the-user"
        ),
        pytest.param([(b"x-mba-session", b"  ")], BODY, ("told", "metadata"), id="blank-header"),
        pytest.param(
            [], {"metadata": {"session_id": 7, "user_id": ""}},
            (fingerprint("sys", "Hi."), "fingerprint"), id="metadata-of-another-kind",
        ),
        pytest.param(
            [], {"metadata": "x"}, (fingerprint("sys", "Hi."), "fingerprint"), id="no-mapping"
        ),
    ],
)  # fmt: skip
def test_a_session_is_looked_for_where_it_is_told_most_surely(
    headers: list[tuple[bytes, bytes]], body: dict[str, Any], expected: tuple[str, str]
) -> None:
    found = session_of(headers, body, system="sys", first_user="Hi.")
    assert found is not None
    assert (found.session_id, found.source) == expected


def test_nothing_tells_a_session_where_no_user_speaks() -> None:
    assert session_of([], {}, system="sys", first_user="") is None


@given(st.text(min_size=1), st.binary(min_size=1))
def test_whatever_is_told_makes_an_id_that_the_store_can_keep(text: str, raw: bytes) -> None:
    for found in (
        session_of([(b"x-mba-session", raw)], {}, system=text, first_user=text),
        session_of([], {"metadata": {"user_id": text * 40}}, system=text, first_user=text),
    ):
        assert found is not None
        assert 0 < len(found.session_id) <= 512
        assert found.session_id.isprintable()


def test_conversations_that_differ_have_other_fingerprints() -> None:
    pairs = [("a", "bc"), ("ab", "c"), ("", "abc"), ("abc", "")]
    assert len({fingerprint(*pair) for pair in pairs}) == 4
