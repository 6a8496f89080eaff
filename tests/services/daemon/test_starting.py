"""One daemon for one file, however many ask at once; found by its files, and started again."""

from __future__ import annotations

import json
import os
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from daemons import database, echo_command, starts

from mba_integrations.core.errors import InputError
from mba_integrations.services.daemon.place import beside, remove_token, running, write_token
from mba_integrations.services.daemon.speaking import Connection, NoAnswerError
from mba_integrations.services.daemon.starting import DaemonError, ensure

__all__ = ["database"]  # a fixture


def test_many_who_ask_at_once_start_one(database: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ensure(database), range(8)))
    assert len({daemon.pid for daemon in found}) == 1
    assert starts(database) == 1


def test_one_that_was_killed_is_started_again(database: Path) -> None:
    first = ensure(database)
    with closing(Connection(first.url, first.token)) as connection:
        assert connection.post("/mcp", b"{}", {}).status == 200
        os.kill(first.pid, signal.SIGKILL)
        os.waitpid(first.pid, 0)
        with pytest.raises(NoAnswerError):
            connection.post("/mcp", b"{}", {})
    second = ensure(database)
    assert second.pid != first.pid
    assert second.token != first.token
    assert starts(database) == 2


def test_one_that_does_not_start_is_told_with_its_last_words(database: Path) -> None:
    with pytest.raises(DaemonError, match="It said: it is broken"):
        ensure(database, echo_command(database, "broken"))


def test_a_file_nobody_holds_has_no_daemon_and_is_not_touched(tmp_path: Path) -> None:
    assert running(tmp_path / "memory.db") is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("held", "token"),
    [
        pytest.param({"url": "http://127.0.0.1:1", "exclusive": True}, {"pid": 1}, id="old-token"),
        pytest.param({"url": None, "exclusive": True}, None, id="answers-nowhere"),
        pytest.param({"url": "http://127.0.0.1:1", "exclusive": False}, None, id="shares-it"),
        pytest.param({"pid": 2**22 + 1, "url": "http://x", "exclusive": True}, None, id="ended"),
        pytest.param({"pid": "?"}, None, id="unreadable"),
    ],
)
def test_who_cannot_be_asked_is_no_daemon(
    tmp_path: Path, held: dict[str, object], token: dict[str, object] | None
) -> None:
    path = tmp_path / "memory.db"
    beside(path, "lock").write_text(json.dumps({"pid": os.getpid(), **held}))
    write_token(path)
    if token is not None:
        beside(path, "token").write_text(json.dumps({"token": "t", **token}))
    assert running(path) is None


def test_only_the_owner_can_read_the_token_and_it_goes_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    tokens = {write_token(path), write_token(path)}
    assert len(tokens) == 2
    file = beside(path, "token")
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    remove_token(path)
    assert not file.exists()
    file.write_text(json.dumps({"pid": 1, "token": "of another process"}))
    remove_token(path)
    assert file.exists()


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "localhost:8377"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="url must be http://HOST:PORT"):
        Connection(url, None)
