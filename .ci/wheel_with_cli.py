"""Check an installed wheel with the extras `cli` and `fast`: the command allocates offline.

Run with the path of the `mba` command as argument.
"""

import json
import subprocess
import sys
from pathlib import Path

LINES = [
    {"id": "a", "content": "Kate likes skiing.", "tier": "project"},
    {"id": "b", "content": "The weather is fine today.", "tier": "rag"},
]


def run(*arguments: str) -> str:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done
    return done.stdout


if __name__ == "__main__":
    mba = str(Path(sys.argv[1]).absolute())
    memories = Path("memories.jsonl")
    memories.write_text("".join(json.dumps(line) + "\n" for line in LINES), encoding="utf-8")
    query = ["--memories", str(memories), "--query", "What does Kate like?", "--budget", "20"]
    assert "Kate likes skiing." in run(mba, "allocate", *query)
    result = json.loads(run(mba, "allocate", *query, "--json"))
    assert 0 < result["used_tokens"] <= 20, result
    assert run(mba, "--version").strip()
    print("the wheel works with the command line")
