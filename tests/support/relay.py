"""A relay before a Postgres server's socket, which a test cuts and opens again."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

_NAME = ".s.PGSQL.5432"


class Relay:
    """Hands bytes on to a server. Open it before use, and cut it in the end.

    Args:
        folder: Where it listens.
        url: Of a database whose server listens on a socket of the file system.
    """

    def __init__(self, folder: Path, url: str) -> None:
        host = parse_qs(urlsplit(url).query)["host"][0]
        self.url = url.replace(host, str(folder))
        self._here, self._there = folder / _NAME, Path(host) / _NAME
        self._open: list[socket.socket] = []
        self._listening: socket.socket | None = None

    def open(self) -> None:
        """Take connections from now on."""
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self._here))
        listening.listen()
        self._listening = listening
        threading.Thread(target=self._accept, args=(listening,), daemon=True).start()

    def cut(self) -> None:
        """End all connections, and take none."""
        if self._listening is not None:
            self._listening.close()
            self._here.unlink()
        for one in self._open:
            _end(one)
        self._open.clear()
        self._listening = None

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                caller, _ = listening.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._there))
            self._open += [caller, server]
            for pair in ((caller, server), (server, caller)):
                threading.Thread(target=_hand_on, args=pair, daemon=True).start()


def _hand_on(source: socket.socket, target: socket.socket) -> None:
    with source, suppress(OSError):  # each socket is the source of one thread, which closes it
        while some := source.recv(65_536):
            target.sendall(some)
    _end(target)


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
