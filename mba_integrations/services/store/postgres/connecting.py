"""Connections to Postgres: a pool of those that write, and one of those that read.

Readers have their own, so that writers who wait for each other do not keep them out.
"""

from __future__ import annotations

from typing import Any

from psycopg import adapters
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.services.store.documents import written_as_json
from mba_integrations.services.store.tables.near import HalfBytes

_POOL: dict[str, Any] = {
    "pool_pre_ping": True,  # a connection that died since is replaced, not handed out
    "pool_size": 8,
    "max_overflow": 8,
    "pool_timeout": 5.0,
    "pool_recycle": 1_800,
}
_CONNECT_TIMEOUT_S = 5


def driver_url(url: str) -> URL:
    """The URL with psycopg as its driver.

    Raises:
        InputError: If it is no URL.

    >>> driver_url("postgres://kate@db.example/memories").drivername
    'postgresql+psycopg'
    """
    try:
        made = make_url(url)
    except (ArgumentError, ValueError):
        raise InputError(
            f"where must be a URL such as postgresql://HOST/DATABASE, got {shown(url)}."
        ) from None
    return made.set(drivername="postgresql+psycopg")


def writing_engine(url: URL) -> Engine:
    """An engine whose transactions write."""
    return _engine(url)


def reading_engine(url: URL) -> Engine:
    """An engine whose transactions only read, all of one moment."""
    return _engine(url).execution_options(
        isolation_level="REPEATABLE READ", postgresql_readonly=True
    )


class _HalfDumper(Dumper):
    """Sends a vector of 16-bit floats as pgvector reads it; a cast in the statement says so."""

    format = Format.BINARY

    def dump(self, obj: HalfBytes) -> bytes:
        return bytes(obj)


adapters.register_dumper(HalfBytes, _HalfDumper)


def _engine(url: URL) -> Engine:
    timeout = {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_TIMEOUT_S}
    return create_engine(url, connect_args=timeout, json_serializer=written_as_json, **_POOL)
