"""A folder's files become documents, are read once, and go when they are gone."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mba_integrations.core.errors import InputError
from mba_integrations.ingest.documents.reader import DocumentReader
from mba_integrations.services.rag.errors import TooManyRemovedError
from mba_integrations.services.rag.service import RagService
from mba_integrations.testing import Clock


@pytest.fixture
def wiki(tmp_path: Path) -> Path:
    """A folder with three files, one of them below another folder."""
    folder = tmp_path / "wiki"
    write(folder / "leave.md", "# Leave\n\nBen approves leave.\n")
    write(folder / "travel.txt", "Book trains early.\n")
    write(folder / "code" / "tax.py", "def tax(sum):\n    return sum // 5\n")
    return folder


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    # Another time than the file had before, however coarse the clock of the disk.
    moved = path.stat().st_mtime_ns + 1_000_000_000 * (1 + len(text))
    os.utime(path, ns=(moved, moved))


def ids(rag: RagService) -> list[str]:
    return [row.document_id for row in rag.list("kate").documents]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that are read from now on."""
    paths: list[str] = []
    real = DocumentReader.read

    def noted(self: DocumentReader, folder: Any, path: str) -> Any:
        paths.append(path)
        return real(self, folder, path)

    monkeypatch.setattr(DocumentReader, "read", noted)
    return paths


def test_each_file_is_a_document_with_title_and_places(rag: RagService, wiki: Path) -> None:
    reply = rag.sync_folder("kate", wiki)
    assert (reply.created, reply.refused, reply.origin) == (3, [], wiki.as_posix())
    assert ids(rag) == ["wiki/code/tax.py", "wiki/leave.md", "wiki/travel.txt"]
    assert rag.get("kate", "wiki/leave.md").title == "Leave"
    asked = rag.retrieve("kate", "What does the tax function return?")
    assert asked.citations[0].text == "wiki/code/tax.py, lines 1-2, tax"


def test_only_files_that_changed_are_read_again(
    rag: RagService, wiki: Path, read: list[str]
) -> None:
    rag.sync_folder("kate", wiki)
    read.clear()
    assert rag.sync_folder("kate", wiki).unchanged == 3
    assert read == []
    write(wiki / "travel.txt", "Book trains late.\n")
    reply = rag.sync_folder("kate", wiki)
    assert (reply.replaced, reply.unchanged, read) == (1, 2, ["travel.txt"])


def test_a_file_that_was_only_touched_is_read_and_stays_as_it_is(
    rag: RagService, wiki: Path, read: list[str]
) -> None:
    rag.sync_folder("kate", wiki)
    os.utime(wiki / "leave.md", (2_000_000_000, 2_000_000_000))
    read.clear()
    reply = rag.sync_folder("kate", wiki)
    assert (reply.unchanged, reply.replaced, read) == (3, 0, ["leave.md"])
    assert rag.get("kate", "wiki/leave.md").version == 1
    read.clear()
    rag.sync_folder("kate", wiki)
    assert read == []
    assert rag.sync_folder("kate", wiki, reread=True).unchanged == 3
    assert len(read) == 3


def test_files_that_are_gone_or_not_wanted_any_more_are_removed(
    rag: RagService, wiki: Path
) -> None:
    rag.sync_folder("kate", wiki)
    (wiki / "leave.md").unlink()
    assert rag.sync_folder("kate", wiki, dry_run=True).removed == ("wiki/leave.md",)
    assert rag.sync_folder("kate", wiki).removed == ("wiki/leave.md",)
    reply = rag.sync_folder("kate", wiki, wanted=lambda path: path.endswith(".txt"))
    assert reply.removed == ("wiki/code/tax.py",)
    assert ids(rag) == ["wiki/travel.txt"]


def test_an_empty_folder_where_there_were_files_removes_nothing(
    rag: RagService, wiki: Path
) -> None:
    for number in range(10):
        write(wiki / f"{number}.md", f"Note {number}.")
    rag.sync_folder("kate", wiki)
    for path in wiki.rglob("*.*"):
        path.unlink()
    with pytest.raises(TooManyRemovedError, match="13 of 13 documents"):
        rag.sync_folder("kate", wiki)
    assert len(ids(rag)) == 13


def test_a_file_that_cannot_be_read_is_told_and_keeps_its_old_version(
    rag: RagService, wiki: Path
) -> None:
    rag.sync_folder("kate", wiki)
    (wiki / "leave.md").write_bytes(b"\x00\x01\x02" * 50)
    write(wiki / "empty.md", "\n\n")
    reply = rag.sync_folder("kate", wiki)
    told = {one.document_id: one.reason for one in reply.refused}
    assert set(told) == {"wiki/leave.md", "wiki/empty.md"}
    assert told["wiki/empty.md"] == "has no text"
    assert "binary" in told["wiki/leave.md"]
    assert "wiki/leave.md" in ids(rag)
    assert reply.removed == ()


def test_links_are_not_followed(rag: RagService, wiki: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret.txt", "The secret.")
    (wiki / "link.txt").symlink_to(tmp_path / "secret.txt")
    (wiki / "round").symlink_to(wiki)
    reply = rag.sync_folder("kate", wiki)
    assert {one.document_id for one in reply.refused} == {"wiki/link.txt", "wiki/round"}
    assert "secret" not in rag.retrieve("kate", "What is the secret?").prompt_text


def test_a_path_that_is_too_long_for_an_id_is_told(rag: RagService, wiki: Path) -> None:
    deep = "/".join(["d" * 99] * 5)
    write(wiki / deep / "a.md", "Deep.")
    reply = rag.sync_folder("kate", wiki)
    told = [(one.reason, one.detail) for one in reply.refused]
    assert told == [("its id has over 480 characters", "509")]
    assert reply.created == 3


def test_two_folders_of_one_name_need_a_prefix(rag: RagService, wiki: Path) -> None:
    rag.sync_folder("kate", wiki)
    other = wiki.parent / "other" / "wiki"
    write(other / "leave.md", "Zoe approves leave.")
    with pytest.raises(InputError, match=r"'wiki/leave\.md' belongs to .*by a prefix"):
        rag.sync_folder("kate", other)
    rag.sync_folder("kate", other, prefix="other/")
    assert len(ids(rag)) == 4


def test_a_file_is_as_old_as_its_last_change_but_not_of_the_future(
    rag: RagService, wiki: Path, clock: Clock
) -> None:
    old = datetime(2020, 1, 1, tzinfo=UTC)
    os.utime(wiki / "leave.md", (old.timestamp(), old.timestamp()))
    later = (clock() + timedelta(days=900)).timestamp()
    os.utime(wiki / "travel.txt", (later, later))
    assert rag.sync_folder("kate", wiki).created == 3
    assert rag.pieces("kate", "wiki/leave.md")[0].created_at == old
    assert rag.pieces("kate", "wiki/travel.txt")[0].created_at == clock()


def test_one_file_is_put_alone(rag: RagService, wiki: Path) -> None:
    assert rag.put_file("kate", wiki / "leave.md", tags=["hr"]).created
    kept = rag.get("kate", "leave.md")
    assert (kept.title, rag.pieces("kate", "leave.md")[0].tags) == ("Leave", ("hr",))
    named = rag.put_file("kate", wiki / "leave.md", document_id="hr/leave", title="Leave rules")
    assert (named.document.document_id, named.document.title) == ("hr/leave", "Leave rules")


def test_a_file_that_cannot_be_put_says_why(rag: RagService, tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"\x00\x01" * 50)
    with pytest.raises(InputError, match=r"a\.md: binary"):
        rag.put_file("kate", tmp_path / "a.md")
    with pytest.raises(InputError, match=r"nothing\.md: "):
        rag.put_file("kate", tmp_path / "nothing.md")
    with pytest.raises(InputError, match="does not exist"):
        rag.sync_folder("kate", tmp_path / "nothing")
