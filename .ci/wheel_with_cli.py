"""Check an installed wheel with the extras `cli` and `fast`: the command allocates offline.

Run outside of the checkout with the path of the `mba` command as argument.
"""

import json
import subprocess
import sys
from pathlib import Path

MEMORIES = [
    {"id": "a", "content": "Kate likes skiing.", "tier": "project"},
    {"id": "b", "content": "The weather is fine today.", "tier": "rag"},
]


def run(*arguments: str) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    return done.stdout


def check_allocate(mba: str) -> None:
    memories = Path("memories.jsonl")
    memories.write_text("".join(f"{json.dumps(line)}\n" for line in MEMORIES), encoding="utf-8")
    options = ["--memories", str(memories), "--query", "What does Kate like?", "--budget", "20"]
    assert "Kate likes skiing." in run(mba, "allocate", *options)
    result = json.loads(run(mba, "allocate", *options, "--json"))
    assert 0 < result["used_tokens"] <= result["budget_tokens"] == 20, result


def check_shipped_settings(mba: str) -> None:
    assert "development" in run(mba, "config", "show")


if __name__ == "__main__":
    command = str(Path(sys.argv[1]).absolute())
    check_allocate(command)
    check_shipped_settings(command)
    print("the wheel works with the command line")
