"""Both clients: the same calls, sent again under the same key, errors with the server's words."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from repository import ROOT

from mba_integrations.services import AsyncMbaClient, MbaClient, ServerError

Answer = httpx2.Response | Exception
PROBLEM = {
    **{"type": "urn:mba:problem:invalid-request", "title": "t", "status": 422},
    **{"detail": "A field is refused.", "errors": [{"pointer": "/body/limit", "detail": "odd"}]},
}


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses that were made, none of which takes time."""
    made: list[float] = []

    async def passed(seconds: float) -> None:
        made.append(seconds)

    monkeypatch.setattr("time.sleep", made.append)
    monkeypatch.setattr("asyncio.sleep", passed)
    return made


class Answers:
    """A server that gives these answers, one after the other, and remembers the requests."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def keys(self) -> set[str | None]:
        return {one.headers.get("idempotency-key") for one in self.requests}


Call = Callable[[Answers], Any]


def synchronous(answers: Answers, **options: Any) -> Any:
    with MbaClient("http://test", transport=httpx2.MockTransport(answers), **options) as own:
        return own.remember("kate", "Kate skis.")


def busy(**headers: str) -> httpx2.Response:
    return httpx2.Response(503, headers=headers, json={"detail": "busy"})


def done() -> httpx2.Response:
    return httpx2.Response(200, json={"results": [], "change_seq": 1, "notes": []})


def test_what_was_not_done_is_sent_again_under_its_key(pauses: list[float]) -> None:
    lost = httpx2.ReadError("cut")
    answers = Answers(lost, busy(), busy(**{"Retry-After": "3"}), httpx2.Response(429), done())
    assert synchronous(answers)["change_seq"] == 1
    assert (len(answers.requests), len(answers.keys)) == (5, 1)
    assert pauses == [0.05, 0.1, 3.0, 0.4]


async def test_the_awaited_client_does_the_same(pauses: list[float]) -> None:
    answers = Answers(httpx2.ConnectError("refused"), busy(), done())
    transport = httpx2.MockTransport(answers)
    async with AsyncMbaClient("http://test", transport=transport) as own:
        assert (await own.remember("kate", "Kate skis."))["change_seq"] == 1
    assert (len(answers.requests), len(answers.keys)) == (3, 1)
    assert pauses == [0.05, 0.1]


def test_requests_have_keys_of_their_own() -> None:
    answers = Answers(done(), done(), done())
    with MbaClient("http://test", transport=httpx2.MockTransport(answers), key="mba_x") as own:
        own.remember("kate", "a")
        own.remember("kate", "a")
        own.remember("kate", "a", key="mine")
    assert len(answers.keys) == 3
    assert "mine" in answers.keys
    assert answers.requests[0].headers["authorization"] == "Bearer mba_x"


def test_attempts_end(pauses: list[float]) -> None:
    with pytest.raises(ServerError, match="busy") as refused:
        synchronous(Answers(*(busy() for _ in range(3))), attempts=3)
    assert refused.value.status == 503
    with pytest.raises(ServerError, match="does not answer: nobody"):
        synchronous(Answers(httpx2.ConnectError("nobody")), attempts=1)
    assert pauses == [0.05, 0.1]


def test_a_refusal_is_not_sent_again_and_brings_the_problem() -> None:
    answers = Answers(httpx2.Response(422, json=PROBLEM, headers={"X-Request-Id": "r" * 8}))
    with pytest.raises(ServerError, match=r"A field is refused\. /body/limit: odd") as refused:
        synchronous(answers)
    error = refused.value
    assert (error.status, error.kind, error.request_id) == (422, "invalid-request", "r" * 8)
    assert error.problem == PROBLEM


def test_an_answer_that_is_no_json_is_a_refusal_too() -> None:
    with pytest.raises(ServerError, match="status 502"):
        synchronous(Answers(httpx2.Response(502, text="<html>")))


def calls_of(kind: type) -> dict[str, Any]:
    return {
        name: list(inspect.signature(value).parameters.values())
        for name, value in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") and "close" not in name
    }


def test_both_clients_have_the_same_calls() -> None:
    assert calls_of(MbaClient) == calls_of(AsyncMbaClient)
    assert {"remember", "recall", "search", "get", "list", "forget"} <= calls_of(MbaClient).keys()
    assert {"put_document", "put_file", "sync_documents", "retrieve"} <= calls_of(MbaClient).keys()


CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("put_document", ("a/b",), {"text": "x", "title": None}, "PUT documents/a%2Fb"),
    (
        "put_file",
        ("a#1", b"%PDF"),
        {"name": "a.pdf", "tags": ["x", "y"]},
        "PUT files/a%231?name=a.pdf&tags=x&tags=y",
    ),
    ("get_document", ("a",), {}, "GET documents/a"),
    ("list_documents", (), {"origin": "wiki", "limit": 5}, "GET documents?origin=wiki&limit=5"),
    ("pieces", ("a b",), {}, "GET pieces/a%20b"),
    ("remove_documents", ("a",), {}, "POST documents/remove"),
    ("sync_documents", ("wiki", ["a"]), {"dry_run": True}, "POST documents/sync"),
    ("retrieve", ("Who?",), {"budget_tokens": 9, "filters": None}, "POST retrieve"),
    ("feedback", ("a/b",), {"thumb": "up", "answer": None}, "POST allocations/a%2Fb/feedback"),
    ("feedback_on", ("a/b",), {}, "GET allocations/a%2Fb/feedback"),
    ("tune", (), {"trials": 9}, "POST tuning"),
    ("experiment", ({"stability": 1},), {"share": 0.2}, "POST tuning/experiments"),
    ("proposal", ("a/b",), {}, "GET tuning/a%2Fb"),
    ("apply_proposal", ("a/b",), {"shadow": 0}, "POST tuning/a%2Fb/apply"),
    ("take_proposal_back", ("a/b",), {}, "POST tuning/a%2Fb/rollback"),
]
SENT = {
    "put_document": {"text": "x"},
    "remove_documents": {"document_ids": ["a"]},
    "sync_documents": {"origin": "wiki", "document_ids": ["a"], "dry_run": True},
    "retrieve": {"query": "Who?", "budget_tokens": 9},
    "feedback": {"thumb": "up"},
    "tune": {"trials": 9},
    "experiment": {"changes": {"stability": 1}, "share": 0.2},
    "apply_proposal": {"shadow": 0},
}


@pytest.mark.parametrize(
    ("name", "arguments", "more", "expected"),
    CALLS,
    ids=[one[0] for one in CALLS],
)
async def test_calls_are_these_requests_of_both_clients(
    name: str, arguments: tuple[Any, ...], more: dict[str, Any], expected: str
) -> None:
    answers = Answers(httpx2.Response(200, json={}), httpx2.Response(200, json={}))
    transport = httpx2.MockTransport(answers)
    with MbaClient("http://test", transport=transport) as own:
        assert getattr(own, name)("kate", *arguments, **more) == {}
    async with AsyncMbaClient("http://test", transport=transport) as other:
        assert await getattr(other, name)("kate", *arguments, **more) == {}
    for request in answers.requests:
        place = request.url.raw_path.decode().removeprefix("/v1/workspaces/kate/")
        assert f"{request.method} {place}" == expected
        if name in SENT:
            assert json.loads(request.content) == SENT[name]
    assert name != "put_file" or answers.requests[0].content == b"%PDF"


def test_a_client_loads_no_server_and_no_database() -> None:
    code = (
        "import sys\nfrom mba_integrations.services import MbaClient\n"
        "print({'sqlalchemy', 'fastapi', 'uvicorn', 'mcp', 'numpy'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert ran.stdout.strip() == "set()"
