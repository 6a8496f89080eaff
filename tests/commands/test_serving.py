"""`mba serve` and `mba keys`: a database over HTTP, and who may ask it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import httpx2
import pytest
from command_line import done, mba, refused
from memory_commands import database, remembered, said
from served_commands import answering

from mba_integrations.commands.serving.gateway import Providers
from mba_integrations.commands.serving.repository import remember_repository
from mba_integrations.commands.serving.start import Server, started
from mba_integrations.services.api import serving
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.service import MemoryService

__all__ = ["database"]  # a fixture


@contextmanager
def running(place: Path, **options: Any) -> Iterator[Server]:
    settings = ServerSettings(port=0)
    with started(settings, str(place), **options) as server:
        thread = threading.Thread(target=server.run, kwargs={"idle_exit": 2.0})
        thread.start()
        yield server
        thread.join(20)


def test_a_key_is_made_shown_once_listed_and_revoked() -> None:
    key = done("keys", "create", "app", "--scope", "read", "--workspace", "kate").strip()
    (row,) = said("keys", "list")["keys"]
    assert key.startswith(f"mba_{row['key_id']}_")
    assert (row["scopes"], row["workspaces"]) == (["read"], ["kate"])
    assert "sha256" not in row
    table = done("keys", "list")
    assert key not in table
    assert "kate" in table
    done("keys", "revoke", row["key_id"])
    assert "revoked" in done("keys", "list")
    assert "there is no key 'x'" in refused("keys", "revoke", "x")


def test_a_server_does_not_start_for_others_without_keys(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def near(host: str, port: int) -> socket.socket:
        return socket.create_server(("127.0.0.1", port))

    monkeypatch.setattr(serving, "listening", near)
    said_so = refused("serve", "--host", "0.0.0.0", "--port", "0")
    assert "'mba keys create NAME'" in said_so


def test_the_lines_that_a_server_prints_work(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remembered("Kate skis.")
    with running(database) as server:
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == 3
        for line in lines:
            url = next(word for word in line.split() if word.startswith(server.url))
            body = line.partition(" -d '")[2].rstrip("'")
            headers = {"Content-Type": "application/json"}
            reply = httpx2.request(
                *("POST" if body else "GET", url), content=body or None, headers=headers, timeout=60
            )
            assert reply.status_code == 200, reply.text


def test_a_second_server_says_where_the_first_one_is(database: Path) -> None:
    with started(ServerSettings(port=0), str(database)) as server:
        second = mba("serve", "--port", "0")
    assert second.exit_code == 0
    assert f"It answers at {server.url}." in second.stderr


def test_a_repository_is_remembered_once(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "README.md").write_text("# Skis\n\nKate's skis are blue.\n")
    (folder / "skis.py").write_text('"""Skis."""\n\nBLUE = 1\n')
    with MemoryService.open(tmp_path / "own.db", background=False) as service:
        remember_repository(service, folder)
        before = service.counts("repository")
        remember_repository(service, folder)
        assert service.counts("repository") == before
        assert {tier.value for tier, count in before.items() if count} == {"project", "rag"}
        assert "blue" in service.recall("repository", "What colour are Kate's skis?").prompt_text


def test_a_server_with_a_gateway_stands_before_its_providers(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remembered("Kate skis.")
    nobody = Providers(openai_url="http://127.0.0.1:1/v1")
    with running(database, gateway=nobody) as server:
        url = f"{server.url}/gateway/openai/v1"
        assert f"models at {url} and" in capsys.readouterr().err
        reply = httpx2.get(f"{url}/models", timeout=60)
    assert (reply.status_code, reply.json()["error"]["code"]) == (502, "upstream_unreachable")


def test_an_address_of_a_provider_needs_the_gateway() -> None:
    assert "Add --gateway." in refused("serve", "--openai-url", "http://localhost:1/v1")
    assert "base_url must be" in refused("serve", "--port", "0", "--gateway", "--openai-url", "x")


def test_a_server_holds_workspaces_of_the_size_that_it_is_told(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered("Kate skis.", "Ben reads.", "Ann bakes.")
    monkeypatch.setattr(Server, "run", lambda server, **_: replies.append(asked(server)))
    replies: list[httpx2.Response] = []
    done("serve", "--port", "0", "--pool-memories", "2")
    (reply,) = replies
    assert "(pool_memories)" in reply.json()["detail"]


def asked(server: Server) -> httpx2.Response:
    with answering(server.app, server.bound) as url:
        body = {"query": "Who skis?"}
        return httpx2.post(f"{url}/v1/workspaces/default/recall", json=body, timeout=60)


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        pytest.param(("--pool-memories", "2"), {}, id="option"),
        pytest.param((), {"MBA_POOL_MEMORIES": "2"}, id="environment"),
    ],
)
def test_a_command_holds_workspaces_of_the_size_that_it_is_told(
    database: Path,
    options: tuple[str, ...],
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    remembered("Kate skis.", "Ben reads.", "Ann bakes.")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    for command in (("recall",), ("documents", "retrieve")):
        assert "(pool_memories)" in " ".join(refused(*command, "Who skis?", *options).split())


def test_a_server_shows_its_dashboard_and_says_where(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running(database) as server:
        assert f"{server.url}/dashboard" in capsys.readouterr().err
        page = httpx2.get(f"{server.url}/dashboard/", timeout=60)
        session = httpx2.get(f"{server.url}/dashboard/session", timeout=60)
    assert page.headers["content-type"].startswith("text/html")
    assert session.json()["needs_key"] is False


def test_a_server_without_the_dashboard_says_nothing_of_it(
    database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with started(ServerSettings(port=0), str(database), page=False) as server:
        told = capsys.readouterr().err
    assert server.url in told
    assert "/dashboard" not in told


class Collector(BaseHTTPRequestHandler):
    """Takes spans, as a collector of OpenTelemetry does."""

    took: ClassVar[list[tuple[str, bytes]]]

    def do_POST(self) -> None:
        """Take some."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.took.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_server_sends_its_spans_before_it_ends(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    Collector.took = []
    remembered("Kate skis.")
    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{collector.server_port}"
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "kates-server")
        monkeypatch.setattr(Server, "run", lambda server, **_: asked(server))
        done("serve", "--port", "0", "--spans")
        collector.shutdown()
    ((path, body),) = Collector.took
    assert path == "/v1/traces"
    assert all(name in body for name in (b"kates-server", b"recall load", b"allocate"))
    assert b"skis" not in body
