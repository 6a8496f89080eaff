"""Which database a command works on; imports next to nothing, for commands that must be quick."""

from __future__ import annotations

from pathlib import Path

_FILE_URL = "sqlite:///"


def place_of(database: str | None) -> str:
    """Path or URL of the database: the one named, else a file in the user's data folder."""
    if database is not None:
        return database
    import platformdirs

    return str(platformdirs.user_data_path("mba", appauthor=False) / "memory.db")


def file_of(place: str) -> Path | None:
    """The file of a SQLite database; None for one on a server."""
    if place.startswith(_FILE_URL):
        return Path(place.removeprefix(_FILE_URL))
    return None if "://" in place else Path(place)
