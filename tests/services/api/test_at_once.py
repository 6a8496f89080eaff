"""Who asks is answered without a thread, and goes by what is committed: by whoever, wherever."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy
from http_server import caller, problem_in
from socket_apps import on_socket

from mba_integrations.services.access.principal import Scope
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.work import Work
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.sqlite.store import SqliteStore
from mba_integrations.testing import Clock, WordCounter

COUNTS = "/v1/workspaces/kate/counts"
UNKNOWN = (401, "unknown-caller")


def of_sqlite(service: MemoryService) -> SqliteStore:
    store = service.equipment.store
    assert isinstance(store, SqliteStore)
    return store


def in_another_process(service: MemoryService, statement: str) -> None:
    """Commit a statement on the service's file, as `mba` on another terminal does."""
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    )
    file = str(of_sqlite(service).path)
    subprocess.run([sys.executable, "-I", "-S", "-c", code, file, statement], check=True)


@contextmanager
def statements(service: MemoryService) -> Iterator[dict[str, int]]:
    """How many statements are sent: by SQLAlchemy, and by glances."""
    store, sent = of_sqlite(service), {"scopes": 0, "glances": 0}

    def in_scope(*_: Any) -> None:
        sent["scopes"] += 1

    def in_glance(_: str) -> None:
        sent["glances"] += 1

    raw: sqlite3.Connection = store._glances._connection
    raw.set_trace_callback(in_glance)
    sqlalchemy.event.listen(store._readers, "before_cursor_execute", in_scope)
    yield sent
    sqlalchemy.event.remove(store._readers, "before_cursor_execute", in_scope)
    raw.set_trace_callback(None)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_a_known_key_costs_one_look_and_no_thread(
    service: MemoryService, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = service.keys.create("app")
    async with caller(create_app(service), headers=bearer(made.key)) as http:
        for _ in range(2):  # that it was used is written down, and so another row
            await http.get("/nothing")
        monkeypatch.setattr(Work, "run", None)
        with statements(service) as sent:
            assert (await http.get("/nothing")).status_code == 404
    assert sent == {"scopes": 0, "glances": 1}


async def test_an_open_server_looks_once_whether_a_key_was_made(
    service: MemoryService, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Work, "run", None)
    with statements(service) as sent:
        assert (await http.get("/nothing")).status_code == 404
    assert sent == {"scopes": 0, "glances": 1}


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda service, key_id: service.keys.revoke(key_id), id="by-this-process"),
        pytest.param(
            lambda service, key_id: in_another_process(
                service, f"UPDATE api_key SET revoked_at = 1 WHERE key_id = '{key_id}'"
            ),
            id="by-another-process",
        ),
    ],
)
async def test_a_revoked_key_is_refused_with_the_very_next_request(
    service: MemoryService, end: Callable[[MemoryService, str], object]
) -> None:
    made, other = service.keys.create("app"), service.keys.create("other")
    async with on_socket(create_app(service)) as url, httpx2.AsyncClient(base_url=url) as http:
        for key in (made.key, made.key, other.key):
            assert (await http.get(COUNTS, headers=bearer(key))).status_code == 200
        end(service, made.row.key_id)
        assert problem_in(await http.get(COUNTS, headers=bearer(made.key))) == UNKNOWN
        assert (await http.get(COUNTS, headers=bearer(other.key))).status_code == 200


async def test_what_another_process_takes_from_a_key_is_gone_with_the_next_request(
    service: MemoryService,
) -> None:
    made = service.keys.create("app", scopes=["read"])
    async with caller(create_app(service), headers=bearer(made.key)) as http:
        assert (await http.get(COUNTS)).status_code == 200
        in_another_process(service, """UPDATE api_key SET workspaces = '["tom"]'""")
        assert problem_in(await http.get(COUNTS)) == (404, "unknown-workspace")
        in_another_process(service, """UPDATE api_key SET scopes = '["write"]'""")
        assert (await http.get("/v1/workspaces/tom/counts")).status_code == 403


async def test_a_key_ends_at_its_time_also_if_it_is_known(
    service: MemoryService, clock: Clock
) -> None:
    made = service.keys.create("app", expires_at=clock() + timedelta(minutes=1))
    async with caller(create_app(service), headers=bearer(made.key)) as http:
        for _ in range(2):
            assert (await http.get(COUNTS)).status_code == 200
        clock.pass_seconds(60)
        assert problem_in(await http.get(COUNTS)) == UNKNOWN


async def test_a_wrong_secret_of_a_known_key_is_refused(service: MemoryService) -> None:
    made = service.keys.create("app")
    service.keys.authenticate(made.key)
    wrong = made.key[:-1] + ("A" if made.key[-1] != "A" else "B")
    async with caller(create_app(service), headers=bearer(wrong)) as http:
        assert problem_in(await http.get(COUNTS)) == UNKNOWN


async def test_the_first_key_closes_an_open_server_whoever_makes_it(
    service: MemoryService, http: httpx2.AsyncClient
) -> None:
    assert (await http.get(COUNTS)).status_code == 200
    columns = "key_id, sha256, name, scopes, created_at"
    in_another_process(service, f"INSERT INTO api_key ({columns}) VALUES ('k', 'x', 'n', '[]', 1)")
    assert problem_in(await http.get(COUNTS)) == UNKNOWN


@pytest.mark.parametrize("where", ["postgres"], indirect=True)
def test_on_postgres_each_request_asks_the_server(where: str, clock: Clock) -> None:
    options: dict[str, Any] = {"token_counter": WordCounter(), "background": False, "clock": clock}
    with (
        MemoryService.open(where, **options) as here,
        MemoryService.open(where, **options) as elsewhere,
    ):
        assert here.keys.were_made_at_once() is None
        made = here.keys.create("app")
        here.create_workspace("kate")
        assert here.keys.authenticate(made.key).scopes >= {Scope.READ}
        assert here.keys.authenticate_at_once(made.key) is None
        assert here.workspaces.config_at_once("kate") is None
        elsewhere.workspaces.change("kate", max_total_tokens=77)
        assert here.workspaces.config("kate").max_total_tokens == 77
        elsewhere.keys.revoke(made.row.key_id)
        with pytest.raises(PermissionError):
            here.keys.authenticate(made.key)
