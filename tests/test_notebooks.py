"""The notebooks of examples/ run, draw their plots, and are kept without outputs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from repository import ROOT

NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))
# In a process of its own: the kernel's client warns of what this run treats as errors.
_EXECUTE = (
    "import sys; from nbclient.cli import NbClientApp; NbClientApp.launch_instance(sys.argv[1:])"
)


def cells_of(path: Path) -> list[dict[str, Any]]:
    """Cells with code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_runs_and_draws_a_plot_in_each_cell_that_shows_one(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    command = [sys.executable, "-c", _EXECUTE, "--inplace", "--timeout=120", str(copy)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stderr
    cells = [cell for cell in cells_of(copy) if "plt.show()" in "".join(cell["source"])]
    assert len(cells) >= 2
    for cell in cells:
        assert any("image/png" in output.get("data", ()) for output in cell["outputs"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_is_kept_without_outputs(path: Path) -> None:
    assert not [cell for cell in cells_of(path) if cell["outputs"] or cell["execution_count"]]


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["choice_and_budget", "stability_and_cost"]
