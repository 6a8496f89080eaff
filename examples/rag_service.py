"""Documents of every format, questions about them, and prompts that say where each passage stands.

Run it with: python examples/rag_service.py

`examples/documents` has a file of each format. No model and no key is needed. Each part asserts
what it shows.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from mba_integrations.services import RagService

DOCUMENTS = Path(__file__).parent / "documents"
BUDGET_TOKENS = 120
QUESTIONS = {
    "Who approves a leave of twelve days?": "leave.md",
    "Until when must I report lost luggage?": "insurance.pdf",
    "Which floors have quiet desks?": "desks.xlsx",
    "What is the per diem in Oslo?": "per_diems.csv",
    "How many cents does mileage pay with passengers?": "mileage.py",
    "Where are laptops handed out?": "welcome.pptx",
    "When does the door code of the Lisbon office change?": "intranet.html",
}


def ask_all(rag: RagService) -> None:
    """Each question has its file among the citations, within the budget."""
    for question, name in QUESTIONS.items():
        reply = rag.retrieve("staff", question, budget_tokens=BUDGET_TOKENS)
        first = reply.citations[0]
        print(f"\n{question}  ({reply.used_tokens} of {BUDGET_TOKENS} tokens)")
        print(reply.prompt_text)
        assert reply.used_tokens <= BUDGET_TOKENS
        assert f"documents/{name}" in {one.document_id for one in reply.citations}, first


def change_one(rag: RagService, folder: Path) -> None:
    """Of a changed folder one file is read, and what is gone is removed."""
    (folder / "leave.md").write_text("# Leave\n\nThe people team approves all leave.\n")
    (folder / "survey.ipynb").unlink()
    report = rag.sync_folder("staff", folder, prefix="documents/")
    print(f"replaced {report.replaced}, unchanged {report.unchanged}, removed {report.removed}")
    assert (report.replaced, report.removed) == (1, ("documents/survey.ipynb",))
    reply = rag.retrieve("staff", "Who approves leave?", budget_tokens=BUDGET_TOKENS)
    assert "The people team approves all leave." in reply.prompt_text
    assert "team lead" not in reply.prompt_text


def main() -> None:
    """Sync a copy of the folder, ask, change it, ask again."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(shutil.copytree(DOCUMENTS, Path(place) / "documents"))
        with RagService.open(Path(place) / "memory.db") as rag:
            cite = {"line_templates": {"rag": "[{citation}] {text}"}}
            rag.memory.create_workspace("staff", rendering=cite)
            report = rag.sync_folder("staff", folder, prefix="documents/")
            print(f"{report.created} documents, {report.added_pieces} pieces")
            assert (report.created, report.refused) == (10, [])
            ask_all(rag)
            change_one(rag, folder)


if __name__ == "__main__":
    main()
