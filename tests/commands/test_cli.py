"""The commands `allocate` and `explain`: what they print where, and how they refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from command_line import NOTES, QUESTION, WORKSPACES, allocation_of, done, mba, prepare, refused

from mba_integrations import counter_for_model
from mba_integrations.commands.why import least_budget


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(prepare(tmp_path))
    return Path()


# allocate


def test_the_prompt_and_nothing_else_goes_to_standard_output(folder: Path) -> None:
    result = mba("allocate", "-m", "notes.jsonl", *QUESTION, "--budget", "40")
    prompt = result.stdout
    assert "- Kate lives in Oslo, near the harbour.\n" in prompt
    assert all(line.startswith(("## ", "- ")) for line in prompt.splitlines())
    assert counter_for_model("gpt-4o").count(prompt) <= 40
    (summary,) = result.stderr.splitlines()
    assert re.match(r"mba: done: \d of 4 items, \d+ of 40 tokens", summary)


def test_json_is_the_allocation(folder: Path) -> None:
    allocation = allocation_of("-m", "notes.jsonl", *QUESTION, "--budget", "40")
    assert allocation["schema_version"] == 1
    assert allocation["used_tokens"] <= allocation["budget_tokens"] == 40
    assert len(allocation["selected"]) + len(allocation["omitted"]) == 4


def test_standard_input_is_read_for_a_dash(folder: Path) -> None:
    line = json.dumps({"id": "x", "content": "From the pipe.", "tier": "rag"})
    assert "From the pipe." in done("allocate", "-m", "-", "-q", "pipe?", stdin=line)


def test_inputs_are_combined(folder: Path) -> None:
    allocation = allocation_of(
        *("-m", "notes.jsonl", "--messages", "chat.json", "--folder", "docs")
    )
    assert {entry["id"] for entry in allocation["selected"]} >= {
        "kate-oslo",
        "chat.json#3",
        "docs/install.md#0",
    }


def test_the_last_user_message_is_the_query_and_pinned(folder: Path) -> None:
    allocation = allocation_of("--messages", "chat.json")
    assert allocation["query"] == "Where do I live?"
    assert [entry["id"] for entry in allocation["selected"] if entry["pinned"]] == [
        "chat.json#0",
        "chat.json#3",
    ]
    loose = allocation_of("--messages", "chat.json", "--no-pin-last")
    assert [entry["id"] for entry in loose["selected"] if entry["pinned"]] == ["chat.json#0"]


def test_messages_are_printed_as_json(folder: Path) -> None:
    messages = json.loads(done("allocate", "--messages", "chat.json", "--format", "messages"))
    assert messages[-1] == {"role": "user", "content": "Where do I live?"}


def test_xml_is_printed(folder: Path) -> None:
    assert "<item>Kate lives" in done("allocate", "-m", "notes.jsonl", *QUESTION, "-f", "xml")


def test_workspace_of_another_file_is_used(folder: Path) -> None:
    allocation = allocation_of("-m", "notes.jsonl", *QUESTION, "--config", "workspaces.yaml")
    assert allocation["workspace_id"] == "notes"


def test_model_decides_who_counts(folder: Path) -> None:
    allocation = allocation_of("-m", "notes.jsonl", *QUESTION, "--model", "gpt-4")
    assert allocation["counter_id"].endswith("cl100k_base")


def test_explain_adds_tables_on_standard_error(folder: Path) -> None:
    result = mba("allocate", "-m", "notes.jsonl", *QUESTION, "--budget", "40", "--explain")
    assert "Tokens by tier" in result.stderr
    assert "Tokens by tier" not in result.stdout


def test_local_embedder_changes_the_signals(folder: Path) -> None:
    pytest.importorskip("wordllama")
    words = allocation_of("-m", "notes.jsonl", "-q", "mountain sport")
    meaning = allocation_of("-m", "notes.jsonl", "-q", "mountain sport", "--local")
    assert [entry["relevance"] for entry in words["selected"]] != [
        entry["relevance"] for entry in meaning["selected"]
    ]


def test_now_makes_equal_runs_equal(folder: Path) -> None:
    dated = {**NOTES[1], "created_at": "2026-01-01T00:00:00Z"}
    Path("dated.jsonl").write_text(json.dumps(dated))
    runs = [
        allocation_of("-m", "dated.jsonl", *QUESTION, "--now", now)
        for now in ("2026-01-31", "2026-01-31T00:00:00+00:00", "2026-03-31")
    ]
    freshness = [run["selected"][0]["freshness"] for run in runs]
    assert freshness[0] == freshness[1] > freshness[2]


def test_lone_surrogates_and_control_characters_do_not_stop_the_output(folder: Path) -> None:
    line = '{"id": "\\u001b[31m", "content": "odd \\ud800 \\u001b[31m text", "tier": "rag"}'
    Path("odd.jsonl").write_text(line)
    assert "odd" in done("allocate", "-m", "odd.jsonl", "-q", "odd")
    assert json.loads(done("allocate", "-m", "odd.jsonl", "-q", "odd", "--json"))
    assert "\x1b" not in done("explain", "-m", "odd.jsonl", "-q", "odd")


def test_unused_embeddings_are_noted(folder: Path) -> None:
    Path("vectors.jsonl").write_text(json.dumps({**NOTES[0], "embedding": [1.0, 0.0]}))
    assert "embeddings are not used" in mba("allocate", "-m", "vectors.jsonl", *QUESTION).stderr


# Errors


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(("-m", "no.jsonl", *QUESTION), "no.jsonl: cannot be read", id="no-file"),
        pytest.param(("-m", "bad.jsonl", *QUESTION), "bad.jsonl:1: ", id="bad-line"),
        pytest.param(
            ("-m", "notes.jsonl", *QUESTION, "-w", "nope"), "Known are: default,", id="workspace"
        ),
        pytest.param(("--folder", "nope", *QUESTION), "nope: does not exist", id="no-folder"),
        pytest.param(("--folder", "settings", *QUESTION), "no memory items", id="empty-folder"),
        pytest.param(
            ("-m", "notes.jsonl", "-m", "notes.jsonl", *QUESTION), "id 'kate-ski'", id="duplicate"
        ),
        pytest.param(("--messages", "chat.json", "-b", "3"), "pinned items need", id="pins"),
        pytest.param(
            ("-m", "notes.jsonl", *QUESTION, "-c", "no.yaml"), "no.yaml", id="no-config-file"
        ),
        pytest.param(("-m", "notes.jsonl", *QUESTION, "-c", "bad.yaml"), "bad.yaml:", id="config"),
    ],
)
def test_problem_is_one_line_and_exit_code_one(
    folder: Path, arguments: tuple[str, ...], problem: str
) -> None:
    Path("bad.jsonl").write_text("{}\n")
    Path("bad.yaml").write_text(WORKSPACES.replace("0.25", "0.5") + "  other: 3\n")
    stderr = refused("allocate", *arguments)
    (line,) = stderr.splitlines()
    assert line.startswith("mba: error: ")
    assert problem in line


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param(("allocate", *QUESTION), "--memories, --messages, --folder", id="no-input"),
        pytest.param(("allocate", "-m", "notes.jsonl"), "--query is needed", id="no-query"),
        pytest.param(
            ("allocate", "-m", "-", "--messages", "-", *QUESTION), "once only", id="stdin-twice"
        ),
        pytest.param(("allocate", "-m", "notes.jsonl", "-b", "0"), "--budget", id="budget-zero"),
        pytest.param(
            ("allocate", "-m", "notes.jsonl", *QUESTION, "--now", "soon"), "ISO 8601", id="now"
        ),
        pytest.param(("allocate", "--nope"), "--nope", id="unknown-option"),
        pytest.param(("nope",), "nope", id="unknown-command"),
        pytest.param(("log", "export", "log.jsonl"), "OUT", id="missing-argument"),
    ],
)
def test_wrong_usage_is_exit_code_two(
    folder: Path, arguments: tuple[str, ...], problem: str
) -> None:
    assert problem in refused(*arguments, exit_code=2)


def test_a_log_that_cannot_be_written_does_not_stop_the_prompt(folder: Path) -> None:
    result = mba("allocate", "-m", "notes.jsonl", *QUESTION, "--log", "no/such/folder.jsonl")
    assert result.exit_code == 0
    assert "Kate" in result.stdout
    assert "could not be written" in result.stderr


# explain


def test_explain_lists_every_item(folder: Path) -> None:
    shown = done("explain", "-m", "notes.jsonl", *QUESTION, "--budget", "20")
    assert "complexity simple" in shown
    assert "In the prompt:" in shown
    assert "Left out:" in shown
    assert all(note["id"] in shown for note in NOTES)


def test_rows_limit_the_lists(folder: Path) -> None:
    arguments = ("explain", "-m", "notes.jsonl", *QUESTION, "--budget", "20", "--rows")
    assert "the first 1" in done(*arguments, "1")
    assert "the first" not in done(*arguments, "0")


def test_why_names_a_budget_that_brings_the_item_in(folder: Path) -> None:
    arguments = ("-m", "notes.jsonl", *QUESTION)
    shown = done("explain", *arguments, "--budget", "20", "--why", "bread")
    found = re.search(r"A budget of (\d+) tokens would bring it in \((\d+) is not\)", shown)
    assert found is not None
    enough, below = (allocation_of(*arguments, "--budget", found[n]) for n in (1, 2))
    assert "bread" in {entry["id"] for entry in enough["selected"]}
    assert "bread" in {entry["id"] for entry in below["omitted"]}


def test_why_names_the_least_budget_of_a_selected_item(folder: Path) -> None:
    shown = done("explain", "-m", "notes.jsonl", *QUESTION, "--budget", "20", "--why", "kate-oslo")
    assert "'kate-oslo' is in the prompt" in shown
    assert "is enough for it" in shown


def test_why_of_an_unknown_item_is_refused(folder: Path) -> None:
    assert "no item 'nope'" in refused("explain", "-m", "notes.jsonl", *QUESTION, "--why", "nope")


def test_no_budget_is_found_for_what_never_comes_in() -> None:
    tried: list[int] = []

    def never(budget_tokens: int) -> bool:
        tried.append(budget_tokens)
        return False

    assert least_budget(never, 100) is None
    assert len(tried) < 40


def test_explaining_writes_no_log(folder: Path) -> None:
    logged = WORKSPACES + "    logging:\n      path: other.jsonl\n"
    Path("logged.yaml").write_text(logged)
    mba("explain", "-m", "notes.jsonl", *QUESTION, "-c", "logged.yaml", "--why", "bread")
    assert not Path("other.jsonl").exists()
