"""A server ends when it is told to, without a word, or when nobody has asked it for long."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import Any

import pytest

from mba_integrations.services.daemon.ending import IdleWatch, serve_until_idle


class Serving:
    """Stands for a server: it ends as uvicorn does, or by what a signal raises."""

    should_exit = False

    def __init__(self, raised: BaseException | None = None) -> None:
        self.raised = raised

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        while not self.should_exit:
            await asyncio.sleep(0.01)
            if self.raised is not None:
                raise self.raised


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("nobody asks")


@pytest.mark.parametrize("idle_exit", [None, 60.0])
def test_the_exit_of_a_signal_leaves_no_task_behind(
    idle_exit: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    server = Serving(raised=SystemExit(0))
    with pytest.raises(SystemExit), socket.socket() as bound:
        asyncio.run(serve_until_idle(server, bound, IdleWatch(nobody), idle_exit=idle_exit))
    del server
    gc.collect()  # where asyncio says which exceptions nobody looked at
    assert not caplog.records


def test_a_server_that_nobody_asks_ends() -> None:
    server = Serving()
    with socket.socket() as bound:
        asyncio.run(serve_until_idle(server, bound, IdleWatch(nobody), idle_exit=0.05))
    assert server.should_exit
