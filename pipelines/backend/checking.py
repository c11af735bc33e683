"""A pipeline's file, read and judged: the one way from YAML to a verdict."""

from collections.abc import Sequence
from pathlib import Path

from pipelines.backend.document import Document, read_document
from pipelines.backend.rules import Finding
from pipelines.backend.wellformed import check_compiled
from rmsnet.errors import CheckFailed, UserError


def read_checked(path: Path) -> tuple[Document, str]:
    """A compiled pipeline and its text.

    Raises:
        UserError: no such file, or no pipeline that a backend would take.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    check_compiled(text, str(path))
    return read_document(text, str(path)), text


def require_no_faults(found: Sequence[Finding], where: str) -> None:
    """Refuse what cannot work.

    Raises:
        CheckFailed: the first fault, and how many more there are.
    """
    faults = [finding for finding in found if finding.rule.level == "fault"]
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise CheckFailed(f"{where}: {faults[0].line}{more}")
