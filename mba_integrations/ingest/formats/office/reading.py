"""A zip is a Word file, a presentation or a workbook, by what its main part is called."""

from __future__ import annotations

from mba_integrations.ingest.formats.limits import Limits
from mba_integrations.ingest.formats.office.docx import read_docx
from mba_integrations.ingest.formats.office.package import Package, local
from mba_integrations.ingest.formats.office.pptx import read_pptx
from mba_integrations.ingest.formats.parts import FileText
from mba_integrations.ingest.formats.refusing import RefusalReason, UnreadableError
from mba_integrations.ingest.formats.sheets import read_workbook


def read_package(data: bytes, limits: Limits) -> FileText:
    """The text of an Office file; macros in it are not looked at.

    Raises:
        UnreadableError: If it is none, or cannot be read within the limits.
    """
    package = Package(data, limits)
    main = package.main()
    # XLSB has its sheets in binary parts, and ODS no relations.
    if main.endswith(".bin") or (not main and package.is_open_document_sheet()):
        return read_workbook(data, limits, title=package.title())
    root = package.xml(main) if main else None
    name = "" if root is None else local(root.tag)
    if name == "document":
        return read_docx(package, main, root, limits)
    if name == "presentation":
        return read_pptx(package, main, root, limits)
    if name == "workbook":
        return read_workbook(data, limits, title=package.title())
    raise _other()


def _other() -> UnreadableError:
    return UnreadableError(RefusalReason.OTHER_KIND, "a zip, but no Word, PowerPoint or Excel file")
