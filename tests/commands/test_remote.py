"""The commands on memories against a server: what they print, keep and refuse is as on a file.

Here the command on the file works with the very service that the server serves, so both see the
same memories at the same moment, and what they print must be the same text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from command_line import mba
from served_commands import answering, use_service
from typer.testing import Result

from mba_integrations.services import MemoryFilter, MemoryState, MergeProposal
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter, WordEmbedder

TEXTS = ("Kate moved to Lisbon in March.", "Kate skis.", "Bread needs salt and \x1b[31mred\x1b[0m.")
_KEY = re.compile(r"mba_[\w-]+|(?<=key )[0-9a-f]{12}")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}")
_TIME = re.compile(r"20\d\d-\d\d-\d\dT[0-9:.+]+")
_PLACE = re.compile(r'("change_seq": )\d+')
_ACTOR = re.compile(r'"actor": (null|"key:local")')


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemoryService]:
    path = tmp_path_factory.mktemp("remote") / "memory.db"
    with MemoryService.open(
        path,
        token_counter=WordCounter(),
        embedder=WordEmbedder(16),
        embedding_model="words-16",
        organiser=lambda items: [
            MergeProposal(memory_ids=tuple(one.id for one in items[:2]), content="One.", reason="x")
        ],
    ) as made:
        made.create_workspace("default")
        made.remember("default", TEXTS)
        made.jobs.wait_until_idle("default")
        yield made


@pytest.fixture(scope="module")
def url(service: MemoryService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with answering(create_app(service, ServerSettings(token="owner"))) as found:
        yield found


@pytest.fixture(autouse=True)
def same_service(service: MemoryService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands on a file use the served service, and nothing is in the environment."""
    use_service(monkeypatch, service, tmp_path)


def told(result: Result) -> tuple[int, str, str]:
    return result.exit_code, result.stdout, result.stderr


def ids_in(service: MemoryService, text: str) -> list[str]:
    return [row.memory_id for row in service.list("default").rows if text in row.content]


READING = [
    ("memories", "list"),
    ("memories", "list", "-n", "1"),
    ("memories", "list", "--contains", "Kate", "--state", "active", "--after", "3"),
    ("memories", "get", "ID"),
    ("memories", "get", "nothing"),
    ("memories", "history", "ID"),
    ("jobs", "list"),
    ("jobs", "list", "--state", "failed"),
    ("jobs", "show", "JOB"),
    ("jobs", "retry", "nothing"),
    ("jobs", "cancel", "nothing"),
    ("workspaces", "list"),
    ("workspaces", "create", "default"),
    ("retention", "show"),
    ("retention", "preview"),
    ("lifecycle", "status"),
    ("lifecycle", "proposals"),
    ("embeddings", "status"),
    ("keys", "list"),
    ("forget", "--contains", "Kate"),
    ("forget", "--contains", "nothing like it"),
    ("recall", "Kate?", "-w", "nowhere"),
    ("memories", "edit", "nothing", "x"),
]


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_what_is_looked_up_is_printed_as_on_the_file(
    service: MemoryService, url: str, command: tuple[str, ...], as_json: tuple[str, ...]
) -> None:
    named = {
        "ID": ids_in(service, "Lisbon")[0],
        "JOB": service.jobs.list("default")[-1].job_id,
    }
    given = [named.get(one, one) for one in (*command, *as_json)]
    here = told(mba(*given))
    assert told(mba(*given, "--url", url)) == here
    assert here[0] in (0, 1)


CHANGING = [
    (("remember", "Zoe skis.", "--tag", "a", "--expires", "2100-01-01"), ()),
    (("remember", "Kate skis.", "Zoe swims.", "--subject", "zoe", "--json"), ()),
    (("memories", "edit", "ID", "Zoe runs.", "--json"), ("Zoe rows.",)),
    (("memories", "edit", "ID", "--expires", "2100-01-01", "--json"), ("Zoe rows.",)),
    (("memories", "move", "ID", "--to", "project", "--json"), ("Zoe rows.",)),
    (("memories", "pin", "ID", "--reason", "needed"), ("Zoe rows.",)),
    (("memories", "hold", "ID", "ID2", "--off", "--json"), ("Zoe rows.", "Zoe reads.")),
    (("forget", "ID", "--json"), ("Zoe rows.",)),
    (("forget", "--contains", "Zoe", "--yes"), ("Zoe rows.", "Zoe reads.")),
    (("forget", "ID", "--erase", "--yes"), ("Zoe rows.",)),
    (("forget", "--subject", "zoe", "--erase", "--yes"), ("Zoe rows.",)),
    (("retention", "set", "rag", "--max-items", "5", "--json"), ()),
    (("retention", "apply", "--json"), ("Zoe rows.",)),
    (("lifecycle", "review", "--json"), ("Zoe rows.",)),
    (("lifecycle", "apply", "nothing"), ()),
    (("lifecycle", "stop", "--json"), ()),
    (("workspaces", "create", "extra", "--time-zone", "Europe/Lisbon", "--json"), ()),
    (("workspaces", "delete", "extra", "--yes", "--json"), ()),
    (("workspaces", "delete", "own"), ()),
    (("keys", "create", "app", "--scope", "read", "-w", "own"), ()),
]


@pytest.mark.parametrize(("command", "texts"), CHANGING, ids=lambda one: " ".join(one))
def test_what_changes_is_printed_and_kept_as_on_the_file(
    service: MemoryService, url: str, command: tuple[str, ...], texts: tuple[str, ...]
) -> None:
    options = () if "own" in command or command[0] == "workspaces" else ("-w", "own")
    outcomes = []
    for where in ((), ("--url", url)):
        with own_workspace(service, texts, extra="delete" in command) as ids:
            named = dict(zip(("ID", "ID2"), ids, strict=False))
            result = mba(*(named.get(one, one) for one in (*command, *options, *where)))
            kept = [(row.content, row.tier, row.pinned, row.held) for row in rows_of(service)]
            outcomes.append((result.exit_code, same(result.stdout), same(result.stderr), kept))
    assert outcomes[0] == outcomes[1]


@contextmanager
def own_workspace(
    service: MemoryService, texts: tuple[str, ...], *, extra: bool
) -> Iterator[list[str]]:
    """A workspace `own` with these texts, and nothing else of this test afterwards."""
    service.create_workspace("own")
    if extra:
        service.create_workspace("extra")
    try:
        yield list(service.remember("own", texts, subject="zoe").memory_ids) if texts else []
    finally:
        for name in ("own", "extra"):
            if name in service.workspaces.ids():
                service.workspaces.delete(name)


def rows_of(service: MemoryService) -> list[Any]:
    filters = MemoryFilter(states=frozenset(MemoryState))
    return list(service.list("own", filters).rows) if "own" in service.workspaces.ids() else []


def same(text: str) -> str:
    """A text without what differs between two times that the same is done."""
    for pattern, word in ((_ID, "ID"), (_KEY, "KEY"), (_TIME, "TIME"), (_ACTOR, "ACTOR")):
        text = pattern.sub(word, text)
    return _PLACE.sub(r"\1N", text)


def test_a_recall_is_printed_and_explained_as_on_the_file(url: str) -> None:
    for options in (("--explain",), ("--budget", "20", "--explain", "--tier", "long_term"), ()):
        given = ("recall", "Where does Kate live?", *options)
        here = mba(*given)
        assert here.exit_code == 0
        assert told(mba(*given, "--url", url)) == told(here)
    asked = [mba("recall", "Kate?", "--json", *where) for where in ((), ("--url", url))]
    replies = [json.loads(one.stdout) for one in asked]
    assert replies[0].keys() == replies[1].keys()
    assert replies[0]["prompt_text"] == replies[1]["prompt_text"] != ""


def test_a_workspace_whose_prompts_are_messages_prints_messages(
    service: MemoryService, url: str
) -> None:
    service.create_workspace("talk", rendering={"format": "messages"})
    service.remember("talk", "Zoe skis.")
    here = mba("recall", "Zoe?", "-w", "talk")
    assert json.loads(here.stdout)
    assert mba("recall", "Zoe?", "-w", "talk", "--url", url).stdout == here.stdout
    service.workspaces.delete("talk")


def test_an_export_is_the_file_that_the_service_writes(url: str, tmp_path: Path) -> None:
    files = [tmp_path / "here.jsonl", tmp_path / "there.jsonl"]
    here = mba("export", str(files[0]), "--with-vectors")
    there = mba("export", str(files[1]), "--with-vectors", "--url", url)
    assert (
        there.stderr.replace("there", "here").partition("sha256")[0]
        == (here.stderr.partition("sha256")[0])
    )
    lines = [file.read_text().splitlines() for file in files]
    assert lines[0][1:-1] == lines[1][1:-1]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["here.jsonl", "there.jsonl"]
    away = mba("export", str(tmp_path / "no" / "x.jsonl"), "--url", url)
    assert (away.exit_code, "cannot be written" in away.stderr) == (1, True)


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["kept", "dry-run"])
def test_files_and_folders_are_imported_as_on_the_file(
    service: MemoryService, url: str, tmp_path: Path, dry: tuple[str, ...]
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "install.md").write_text("# Install\n\nRun pip install it.")
    (tmp_path / "chat.json").write_text('[{"role": "user", "content": "I moved to Oslo."}]')
    for source in (("docs",), ("chat.json", "--from", "chat", "--subject", "tom")):
        outcomes = []
        for where in ((), ("--url", url)):
            with own_workspace(service, (), extra=False):
                given = (str(tmp_path / source[0]), *source[1:], "-w", "own", *dry, *where)
                first, again = (told(mba("import", *given)) for _ in range(2))
                kept = [(row.content, row.tier, row.subject) for row in rows_of(service)]
                outcomes.append((first, again, kept))
        assert outcomes[0] == outcomes[1]
        assert bool(outcomes[0][2]) is not bool(dry)


def test_what_is_no_file_of_that_kind_is_refused(url: str, tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("{}")
    for command in (("--from", "x"), ("--from", "mba"), ()):
        result = mba("import", str(file), *command, "--url", url)
        assert (result.exit_code, result.stdout) == (1, "")


def test_a_copy_of_the_server_s_store_is_whole_and_never_over_a_file(
    service: MemoryService, url: str, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    made = json.loads(mba("backup", "create", str(copy), "--json", "--url", url).stdout)
    assert made["manifest"]["workspaces"] == len(service.workspaces.ids())
    assert copy.stat().st_mode & 0o077 == 0
    assert mba("backup", "verify", str(copy)).exit_code == 0
    again = mba("backup", "create", str(copy), "--url", url)
    assert (again.exit_code, "File exists" in again.stderr) == (1, True)
    with MemoryService.open(copy, background=False) as other:
        assert other.counts("default") == service.counts("default")


def test_merges_are_accepted_and_order_is_kept_on_a_schedule(
    service: MemoryService, url: str
) -> None:
    with own_workspace(service, ("Zoe skis.", "Zoe swims."), extra=False):
        at = ("-w", "own", "--url", url)
        [proposal] = service.merges.propose("own")
        assert proposal.proposal_id in mba("lifecycle", "proposals", *at).stdout
        accepted = json.loads(
            mba("lifecycle", "accept", proposal.proposal_id, "--json", *at).stdout
        )
        assert [one["content"] for one in accepted["memories"]][:1] == ["One."]
        begun = json.loads(mba("lifecycle", "start", "--every-hours", "2", "--json", *at).stdout)
        assert begun["plan"]["every_hours"] == 2.0
        assert begun["last_report"] is not None
        status = mba("lifecycle", "status", "-w", "own")
        assert mba("lifecycle", "status", *at).stdout == status.stdout


def test_doctor_asks_the_server(url: str) -> None:
    found = json.loads(mba("doctor", "--json", "--url", url).stdout)
    assert found["database"] == url
    assert found["findings"] == []
    assert [one["workspace_id"] for one in found["workspaces"]] == ["default"]
    now = json.loads(mba("db", "current", "--json", "--url", url).stdout)
    assert now["revision"] == now["release"]


@pytest.mark.parametrize(
    "command",
    [
        ("db", "upgrade"),
        ("db", "check"),
        ("jobs", "run"),
        ("embeddings", "migrate", "--to", "local"),
        ("backup", "restore", "x.db", "--yes"),
        ("lifecycle", "propose", "--organiser", "json:loads"),
        ("import", ".", "--extractor", "json:loads"),
    ],
    ids=" ".join,
)
def test_what_only_works_on_the_file_says_so(url: str, command: tuple[str, ...]) -> None:
    result = mba(*command, "--url", url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "not through a server" in result.stderr


@pytest.mark.parametrize(
    ("options", "exit_code", "says"),
    [
        pytest.param(("--url", "http://127.0.0.1:1"), 3, "does not answer", id="nobody-there"),
        pytest.param(("--url", "ftp://x"), 1, "must be http://", id="no-url"),
        pytest.param(("--url", "http://a:secret@x"), 1, "no password", id="password"),
        pytest.param(("--url", "URL", "--key", "secret\n"), 1, "without blanks", id="no-key"),
        pytest.param(("--url", "URL", "--key", "secret"), 1, "key", id="unknown-key"),
        pytest.param(("--url", "URL", "--db", "x.db"), 2, "not both", id="both"),
    ],
)
def test_who_cannot_be_asked_is_named_and_no_secret_is_printed(
    url: str, options: tuple[str, ...], exit_code: int, says: str
) -> None:
    given = [url if one == "URL" else one for one in options]
    result = mba("memories", "list", *given)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert says in result.stderr
    assert "secret" not in result.stderr


def test_what_is_typed_comes_before_the_environment(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = mba("memories", "list").stdout
    monkeypatch.setenv("MBA_URL", "http://127.0.0.1:1")
    assert mba("memories", "list").exit_code == 3
    assert mba("memories", "list", "--db", "typed.db").stdout == listed
    assert mba("memories", "list", "--url", url).stdout == listed
    monkeypatch.setenv("MBA_KEY", "of-the-environment")
    assert "of-the-environment" not in mba("memories", "list", "--help").stdout


@pytest.mark.parametrize("remote", [False, True], ids=["file", "server"])
def test_an_import_in_the_background_is_followed_as_a_job(
    service: MemoryService, url: str, tmp_path: Path, remote: bool
) -> None:
    (tmp_path / "chat.json").write_text('[{"role": "user", "content": "I moved to Oslo."}]')
    where = ("--url", url) if remote else ()
    with own_workspace(service, (), extra=False):
        given = (str(tmp_path / "chat.json"), "--from", "chat", "--background", "--json")
        begun = json.loads(mba("import", *given, "-w", "own", *where).stdout)
        job_id = begun["job"]["job_id"]
        service.jobs.wait_until_idle("own")
        shown = json.loads(mba("jobs", "show", job_id, "-w", "own", "--json", *where).stdout)
        assert (shown["job"]["state"], shown["job"]["result"]["created"]) == ("done", 1)
        assert [row.content for row in rows_of(service)] == ["I moved to Oslo."]
