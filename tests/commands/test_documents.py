"""`mba documents` on a file and against a server: what is printed, kept and refused is the same.

Each command is run in two workspaces of one service, on the file and through the server, and what
differs by its nature (times, change_seq, ids of allocations) is taken out.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from command_line import mba
from document_files import handbook
from served_commands import answering, use_service
from typer.testing import Result

from benchmarks import ingest_files as files
from mba_integrations.commands.printing import progress
from mba_integrations.services import RagService
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.jobs.tasks import Tasks
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter

LEAVE = "# Leave\n\nBen approves leave.\n\n# Travel\n\nBook trains early.\n"
BINARY = b"\x00\x01\xff" * 40
HOSTILE = "a\x1b[31m\nmba: done: x.md"
_VARYING = (
    (re.compile(r"20\d\d-\d\d-\d\d[T ][0-9:.+]+"), "TIME"),
    (re.compile(r'("change_seq": )\d+'), r"\1N"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\b(alpha|omega)\b"), "WORKSPACE"),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryService]:
    path = tmp_path_factory.mktemp("documents") / "memory.db"
    with MemoryService.open(path, token_counter=WordCounter(), background=False) as made:
        yield made


@pytest.fixture(scope="module")
def url(service: MemoryService) -> Iterator[str]:
    settings = ServerSettings(token="owner", body_bytes=20_000)
    with answering(create_app(service, settings)) as found:
        yield found


@pytest.fixture(autouse=True)
def same_service(service: MemoryService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands on a file use the served service, in a folder `docs` of their own."""
    use_service(monkeypatch, service, tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text(LEAVE)
    for name in ("alpha", "omega"):
        if name in service.workspaces.ids():
            service.workspaces.delete(name)
        service.create_workspace(name, max_total_tokens=1_000)


Both = Callable[..., tuple[int, str, str]]


@pytest.fixture
def both(url: str) -> Both:
    """What a command does on the file, once it has done the same through the server."""

    def run(*command: str) -> tuple[int, str, str]:
        here = told(mba("documents", *command, "-w", "alpha"))
        there = told(mba("documents", *command, "-w", "omega", "--url", url))
        assert there == here
        return here

    return run


def told(result: Result) -> tuple[int, str, str]:
    texts = [result.stdout, result.stderr]
    for pattern, word in _VARYING:
        texts = [pattern.sub(word, one) for one in texts]
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, texts[0], texts[1]


def kept(service: MemoryService, workspace: str = "alpha") -> dict[str, int]:
    page = RagService(service).list(workspace)
    return {row.document_id: row.piece_count for row in page.documents}


def given(both: Both, *command: str) -> Any:
    code, output, _ = both(*command, "--json")
    assert code == 0
    parsed = json.loads(re.sub(r'"change_seq": N', '"change_seq": 0', output))
    assert parsed["schema_version"] == 1
    return parsed


def test_files_are_added_replaced_and_removed(both: Both, service: MemoryService) -> None:
    named = ("docs/leave.md", "--id", "hr/leave", "--title", "Leave", "--tag", "hr")
    first = given(both, "add", *named)["documents"][0]
    assert (first["created"], first["added"], first["document"]["title"]) == (True, 2, "Leave")
    assert both("add", *named)[1] == "unchanged  hr/leave\n"
    Path("docs/leave.md").write_text("# Leave\n\nBen approves leave.\n")
    assert both("add", *named)[1] == "changed    hr/leave\n"
    assert kept(service) == kept(service, "omega") == {"hr/leave": 1}
    code, _, said = both("remove", "hr/leave")
    assert (code, said) == (0, "mba: done: 1 documents are removed, with 1 pieces\n")
    assert both("remove", "hr/leave")[0] == 1


def test_a_file_that_cannot_be_read_does_not_hold_up_the_others(
    both: Both, service: MemoryService
) -> None:
    Path("locked.txt").write_bytes(BINARY)
    code, output, said = both("add", "locked.txt", "docs/leave.md", "--prefix", "hr/")
    assert (code, output) == (1, "new        hr/leave.md\n")
    assert "mba: note: locked.txt: binary" in said
    assert "mba: error: 1 of 2 files were refused." in said
    assert kept(service) == {"hr/leave.md": 2}
    code, output, said = both("add", "locked.txt", "--json")
    assert (code, len(json.loads(output)["refused"])) == (1, 1)
    assert both("add", "locked.txt", "nothing.md")[0] == 1


@pytest.mark.parametrize(
    ("command", "says"),
    [
        pytest.param(("add", "docs/leave.md", "x/leave.md"), "with --id", id="one id twice"),
        pytest.param(("add", "a.md", "b.md", "--id", "x"), "names one file", id="one id for two"),
        pytest.param(
            ("sync", "docs", "--most-removed", "2"), "less than or equal to 1", id="no share"
        ),
        pytest.param(("list", "-n", "0"), "greater than or equal to 1", id="no number"),
    ],
)
def test_wrong_usage_is_told(both: Both, command: tuple[str, ...], says: str) -> None:
    code, output, said = both(*command)
    assert (code, output) == (2, "")
    assert says in said


def test_a_folder_is_kept_in_step(both: Both, service: MemoryService) -> None:
    dry = given(both, "sync", "docs", "--dry-run")
    assert (dry["created"], dry["dry_run"], kept(service, "omega")) == (1, True, {})
    assert "1 new and 0 changed (2 pieces), 0 unchanged" in both("sync", "docs")[2]
    again = given(both, "sync", "docs")
    assert (again["unchanged"], again["created"], again["replaced"]) == (1, 0, 0)
    Path("docs/leave.md").write_text("# Leave\n\nZoe approves leave.\n")
    Path("docs/plan.txt").write_text("day,sum\nMonday,3\n")
    would = given(both, "sync", "docs", "--dry-run")
    assert (would["created"], would["replaced"]) == (1, 1)
    done = given(both, "sync", "docs")
    assert (done["created"], done["replaced"], done["removed_pieces"]) == (1, 1, 2)
    Path("docs/plan.txt").unlink()
    gone = given(both, "sync", "docs")
    assert (gone["removed"], gone["removed_pieces"]) == (["docs/plan.txt"], 1)
    assert kept(service) == kept(service, "omega") == {"docs/leave.md": 1}


def test_a_file_as_it_was_is_not_read_again_through_a_server_either(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mba_integrations.ingest.documents.reader import DocumentReader

    both("sync", "docs")
    monkeypatch.setattr(DocumentReader, "read", None)
    assert given(both, "sync", "docs")["unchanged"] == 1
    os.utime("docs/leave.md", (1, 1))
    monkeypatch.undo()


def test_both_ways_make_the_same_document(url: str, service: MemoryService) -> None:
    """A folder that was synced through the server is known as it was on the file."""
    for name, content in {"a.docx": handbook(), "b.pdf": files.pdf(["x"])}.items():
        Path("docs", name).write_bytes(content)
    assert mba("documents", "sync", "docs", "-w", "alpha", "--url", url).exit_code == 0
    reply = RagService(service).sync_folder("alpha", "docs", reread=True)
    assert (reply.unchanged, reply.created, reply.replaced) == (3, 0, 0)


def test_what_is_refused_is_counted_by_its_reason(both: Both) -> None:
    for number in range(5):
        Path(f"docs/locked-{number}.txt").write_bytes(BINARY)
    Path("docs/link.md").symlink_to("leave.md")
    code, _, said = both("sync", "docs")
    assert code == 0
    names = ", ".join(f"docs/locked-{number}.txt" for number in range(3))
    assert re.search(rf"5 refused, binary: {names} and 2 more\n", said)
    assert "1 refused, symbolic links: docs/link.md" in said
    assert len(given(both, "sync", "docs")["refused"]) == 6


def test_too_many_are_removed_only_with_a_word(both: Both, service: MemoryService) -> None:
    for number in range(7):
        Path(f"docs/{number}.md").write_text(f"Text {number}.")
    both("sync", "docs")
    for number in range(7):
        Path(f"docs/{number}.md").unlink()
    code, _, said = both("sync", "docs")
    assert (code, len(kept(service, "omega"))) == (1, 8)
    assert "7 of 8 documents" in said
    both("sync", "docs", "--most-removed", "1")
    assert len(kept(service, "omega")) == len(kept(service)) == 1


def test_a_document_too_large_for_the_server_is_refused_and_the_others_are_put(
    url: str, service: MemoryService
) -> None:
    Path("docs/large.md").write_text("word " * 6_000)
    result = mba("documents", "sync", "docs", "-w", "omega", "--url", url)
    assert (result.exit_code, list(kept(service, "omega"))) == (0, ["docs/leave.md"])
    assert "1 refused, A body has at most 20,000 bytes" in result.stderr
    alone = mba("documents", "add", "docs/large.md", "-w", "omega", "--url", url)
    assert (alone.exit_code, "at most 20,000 bytes" in alone.stderr) == (1, True)


def test_documents_are_listed_and_shown(both: Both) -> None:
    both("sync", "docs", "--prefix", "", "--origin", "wiki")
    both("add", "docs/leave.md", "--id", "alone")
    output = both("list")[1]
    assert ("alone" in output, "leave.md" in output) == (True, True)
    first = both("list", "-n", "1")
    assert "there are more: --after alone" in first[2]
    after = given(both, "list", "--after", "alone")
    assert [one["document_id"] for one in after["documents"]] == ["leave.md"]
    wiki = given(both, "list", "--origin", "wiki")
    assert [one["origin"] for one in wiki["documents"]] == ["wiki"]
    shown = both("show", "leave.md")[1]
    assert "Ben approves leave." in shown
    pieces = given(both, "show", "leave.md")["pieces"]
    assert [one["metadata"]["lines"] for one in pieces] == [[1, 3], [5, 7]]
    assert both("show", "nothing")[0] == 1
    assert "no documents" in both("list", "--origin", "drive")[2]


def test_passages_come_with_their_places(both: Both, service: MemoryService) -> None:
    both("sync", "docs")
    for name in ("alpha", "omega"):
        service.remember(name, "Kate is on leave in May.")
    code, output, said = both("retrieve", "Who approves leave?", "--budget", "20")
    assert code == 0
    assert "Ben approves leave." in output
    assert "in May" not in output
    assert "mba: cited: Leave, lines 1-3, docs/leave.md\n" in said
    asked = ("retrieve", "Who approves Kate's leave in May?", "--with-memories", "--explain")
    code, output, said = both(*asked)
    assert ("in May" in output, "approves" in output, "why" in said) == (True, True, True)
    replies = [
        json.loads(mba("documents", "retrieve", "Leave?", "--json", *more).stdout)
        for more in (("-w", "alpha"), ("-w", "alpha", "--document", "docs/leave.md"))
    ]
    assert [one["citations"][0]["place"]["lines"] for one in replies] == [[1, 3], [1, 3]]
    assert both("retrieve", "Leave?", "--document", "nothing")[0] == 1


def test_hostile_names_and_titles_steer_no_terminal(both: Both) -> None:
    Path("docs", HOSTILE).write_text("# Title \x1b[31m\n\nText.\n")
    Path("docs", HOSTILE + ".txt").write_bytes(BINARY)
    for command in (
        ("sync", "docs"),
        ("list",),
        ("show", f"docs/{HOSTILE}"),
        ("retrieve", "Text?"),
    ):
        code, output, said = both(*command)
        assert code == 0
        # A prompt and a text are exact in a pipe.
        shown = (output.partition("\n\n")[0] if command[0] in ("list", "show") else "") + said
        assert "\x1b" not in shown
        assert not re.search(r"^\s*mba: done: x\.md", shown, re.MULTILINE)
    assert both("add", f"docs/{HOSTILE}")[1].count("\n") == 1


def test_how_far_a_sync_is_is_told(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int, int]] = []

    @contextmanager
    def bar(work: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: seen.append((work, done, total))

    monkeypatch.setattr("mba_integrations.commands.documents.keeping.progress_of", bar)
    Path("docs/other.md").write_text("Text.")
    for more in (("-w", "alpha"), ("-w", "omega", "--url", url)):
        assert mba("documents", "sync", "docs", *more).exit_code == 0
    assert seen == [("Syncing docs", 1, 2), ("Syncing docs", 2, 2)] * 2
    assert callable(progress.progress_of)


def test_how_far_vectors_are_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int, int]] = []

    @contextmanager
    def bar(work: str) -> Iterator[Callable[[int, int], None]]:
        yield lambda done, total: seen.append((work, done, total))

    def run(tasks: Tasks, *, progress: Callable[[object, float], None]) -> int:
        progress(None, 0.5)
        return 1

    monkeypatch.setattr("mba_integrations.commands.documents.opening.progress_of", bar)
    monkeypatch.setattr(Tasks, "run", run)
    assert mba("documents", "sync", "docs", "-w", "alpha").exit_code == 0
    assert seen == [("Making vectors", 50, 100)]
