"""Log in, out, and what the cookie is good for."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from http_server import caller, problem_in

from mba_integrations.services.access.principal import Scope
from mba_integrations.services.memory.service import MemoryService

SESSION = "/dashboard/session"
MEMORIES = "/dashboard/v1/workspaces/kate/memories"
ONE = {"memories": ["Kate skis."]}
EVERY_SCOPE = sorted(scope.value for scope in Scope)


async def session(browser: httpx2.AsyncClient) -> Any:
    reply = await browser.get(SESSION)
    assert reply.status_code == 200
    return reply.json()


async def sent(
    browser: httpx2.AsyncClient, method: str, path: str, body: object = None, **headers: str
) -> httpx2.Response:
    """What is answered to a call of the page, which has the token of its session."""
    token = (await session(browser))["csrf"]
    return await browser.request(
        method, path, json=body, headers={"X-CSRF-Token": token, **headers}
    )


async def logged_in(browser: httpx2.AsyncClient, key: object) -> httpx2.Response:
    return await sent(browser, "POST", SESSION, {"key": key})


async def test_where_no_key_was_made_nobody_logs_in(browser: httpx2.AsyncClient) -> None:
    found = await session(browser)
    assert (found["needs_key"], found["name"], found["scopes"]) == (False, None, EVERY_SCOPE)
    assert (await sent(browser, "POST", MEMORIES, ONE)).status_code == 200


async def test_with_a_key_the_page_may_do_what_the_key_may(
    browser: httpx2.AsyncClient, service: MemoryService
) -> None:
    key = service.keys.create("laptop", scopes=["read"]).key
    assert (await session(browser))["needs_key"] is True
    assert problem_in(await browser.get("/dashboard/v1/workspaces")) == (401, "unknown-caller")
    reply = await logged_in(browser, key)
    assert reply.json() == await session(browser)
    assert (reply.json()["name"], reply.json()["scopes"]) == ("laptop", ["read"])
    listed = await browser.get("/dashboard/v1/workspaces")
    assert listed.json()["workspaces"] == ["kate"]
    assert problem_in(await sent(browser, "POST", MEMORIES, ONE)) == (403, "missing-scope")


async def test_the_cookie_is_kept_from_scripts_and_from_other_pages(
    browser: httpx2.AsyncClient, service: MemoryService
) -> None:
    key = service.keys.create("laptop").key
    cookie = (await logged_in(browser, key)).headers["set-cookie"]
    assert cookie == f"mba_key_8377={key}; HttpOnly; Path=/dashboard; SameSite=strict"


async def test_over_https_the_cookie_stays_there(app: FastAPI, service: MemoryService) -> None:
    key = service.keys.create("laptop").key
    async with caller(app) as browser:
        browser.base_url = httpx2.URL("https://localhost")
        cookie = (await logged_in(browser, key)).headers["set-cookie"]
    assert cookie.startswith("mba_key_default=")
    assert "; Secure" in cookie


async def test_outside_of_the_dashboard_the_cookie_counts_for_nothing(
    browser: httpx2.AsyncClient, service: MemoryService
) -> None:
    key = service.keys.create("laptop").key
    headers = {"Cookie": f"mba_key_8377={key}"}
    reply = await browser.get("/dashboard/v1/workspaces", headers=headers)
    assert reply.status_code == 200
    assert problem_in(await browser.get("/v1/workspaces", headers=headers))[0] == 401


async def test_within_the_dashboard_only_the_cookie_counts(
    browser: httpx2.AsyncClient, service: MemoryService
) -> None:
    key = service.keys.create("laptop").key
    headers = {"X-API-Key": key}
    assert problem_in(await browser.get("/dashboard/v1/workspaces", headers=headers))[0] == 401


@pytest.mark.parametrize("token", [None, "", "0" * 64, "ü"], ids=["none", "empty", "wrong", "odd"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_call_that_changes_something_needs_the_token(
    browser: httpx2.AsyncClient, service: MemoryService, method: str, token: str | None
) -> None:
    headers = {} if token is None else {"X-CSRF-Token": token.encode()}
    for path in (MEMORIES, SESSION):
        reply = await browser.request(method, path, content=b"{}", headers=headers)
        assert problem_in(reply) == (403, "wrong-token")
    assert sum(service.counts("kate").values()) == 0


async def test_the_token_of_one_key_is_none_of_another(
    browser: httpx2.AsyncClient, service: MemoryService
) -> None:
    before = (await session(browser))["csrf"]
    await logged_in(browser, service.keys.create("laptop").key)
    reply = await browser.post(MEMORIES, json=ONE, headers={"X-CSRF-Token": before})
    assert problem_in(reply) == (403, "wrong-token")


async def test_a_foreign_page_is_refused_with_the_token_too(browser: httpx2.AsyncClient) -> None:
    reply = await sent(browser, "POST", MEMORIES, ONE, Origin="https://evil.example")
    assert problem_in(reply) == (403, "wrong-origin")


async def test_who_logs_out_is_nobody(browser: httpx2.AsyncClient, service: MemoryService) -> None:
    await logged_in(browser, service.keys.create("laptop").key)
    left = (await sent(browser, "DELETE", SESSION)).json()
    assert left == await session(browser)
    assert (left["needs_key"], left["name"], left["scopes"]) == (True, None, [])
    assert not browser.cookies


async def test_a_revoked_key_is_logged_out(
    browser: httpx2.AsyncClient, service: MemoryService
) -> None:
    made = service.keys.create("laptop")
    await logged_in(browser, made.key)
    service.keys.revoke(made.row.key_id)
    assert problem_in(await browser.get("/dashboard/v1/workspaces"))[0] == 401
    assert (await session(browser))["needs_key"] is True
    assert not browser.cookies


async def test_a_wrong_key_sets_no_cookie_and_is_counted(
    browser: httpx2.AsyncClient, service: MemoryService
) -> None:
    service.keys.create("laptop")
    for _ in range(20):
        assert problem_in(await logged_in(browser, "mba_guess")) == (401, "unknown-caller")
    assert problem_in(await logged_in(browser, "mba_guess")) == (429, "too-many")
    assert not browser.cookies
    assert (await session(browser))["needs_key"] is True


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"", (422, "invalid-request"), id="empty"),
        pytest.param(b"[1]", (422, "invalid-request"), id="list"),
        pytest.param(b'{"key": 7}', (422, "invalid-request"), id="number"),
        pytest.param(b'{"key": " "}', (422, "invalid-request"), id="blank"),
        pytest.param(b'{"key": "\\u0000"}', (422, "invalid-request"), id="unprintable"),
        pytest.param(b"[" * 4_000, (422, "invalid-request"), id="deep"),
        pytest.param(b" " * 4_097, (413, "too-large"), id="large"),
        pytest.param(b"\xff", (422, "invalid-request"), id="not-utf-8"),
    ],
)
async def test_a_login_that_has_no_key_is_refused(
    browser: httpx2.AsyncClient, body: bytes, expected: tuple[int, str]
) -> None:
    token = (await session(browser))["csrf"]
    reply = await browser.post(SESSION, content=body, headers={"X-CSRF-Token": token})
    assert problem_in(reply) == expected


async def test_ids_with_slashes_are_reached_through_the_dashboard(
    browser: httpx2.AsyncClient, service: MemoryService
) -> None:
    service.create_workspace("team/kate")
    reply = await browser.get("/dashboard/v1/workspaces/team%2Fkate/counts")
    assert reply.json()["total"] == 0


async def test_a_named_request_is_done_once(
    browser: httpx2.AsyncClient, service: MemoryService
) -> None:
    named = {"Idempotency-Key": "first"}
    replies = [await sent(browser, "POST", MEMORIES, ONE, **named) for _ in range(2)]
    assert replies[0].json() == replies[1].json()
    assert sum(service.counts("kate").values()) == 1
