"""A request out of a proxy's dict."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from mba_integrations.services.gateway.callback.data import body_of, headers_of, mark, marked

LOOP: list[Any] = []
LOOP.append(LOOP)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param(
            {"a": 1.5, "b": [None, "é\ud800"]}, {"a": 1.5, "b": [None, "é\ud800"]}, id="json"
        ),
        pytest.param({"a": object(), "b": {object()}, "c": LOOP, "d": 1}, {"d": 1}, id="objects"),
        pytest.param({"_x": 1, "litellm_x": 1, "secret_fields": 1}, {}, id="the-proxy-s"),
        pytest.param({"metadata": {"session_id": "s"}}, {}, id="metadata-may-be-the-proxy-s"),
        pytest.param(
            {"proxy_server_request": {"body": {"metadata": {"user_id": "u"}, "model": "m"}}},
            {"metadata": {"user_id": "u"}},
            id="the-client-s-own-metadata",
        ),
        pytest.param(
            {"messages": [SimpleNamespace(model_dump=lambda: {"role": "user"})]},
            {"messages": [{"role": "user"}]},
            id="a-message-that-is-an-object",
        ),
        pytest.param({"proxy_server_request": None}, {}, id="no-request"),
    ],
)
def test_the_members_of_a_request(data: dict[str, Any], expected: dict[str, Any]) -> None:
    assert json.loads(body_of(data)) == expected


def test_headers_are_as_asgi_has_them() -> None:
    headers = {"X-Mba-Session": "é", "odd": 7, "snow": "☃"}
    pairs = headers_of({"proxy_server_request": {"headers": headers}})
    assert pairs == ((b"x-mba-session", b"\xe9"), (b"snow", b"?"))


@pytest.mark.parametrize(
    "data",
    [{}, {"metadata": None}, {"metadata": {"a": 1}}, {"metadata": {}, "litellm_metadata": {}}],
)
def test_a_mark_is_found_again(data: dict[str, Any]) -> None:
    assert marked(data) is None
    mark(data, "c1")
    assert marked(data) == "c1"
    assert "mba_call" not in (data["metadata"] if "litellm_metadata" in data else {})
