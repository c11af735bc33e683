"""The formats by name: which files are theirs, who reads and who writes them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rmsnet.dataset.ball_actions import BALL_CLASSES, BALL_LABELS
from rmsnet.dataset.formats.document import Annotations
from rmsnet.dataset.formats.e2e_spot import read_frames, write_frames
from rmsnet.dataset.formats.longomatch import read_longomatch
from rmsnet.dataset.formats.osl import read_osl
from rmsnet.dataset.formats.osl_writing import write_osl, write_predictions, write_results_per_video
from rmsnet.dataset.formats.sctimeline import read_sctimeline
from rmsnet.dataset.formats.soccernet_labels import NO_EVENT, read_labels, write_labels
from rmsnet.dataset.formats.soccernet_results import RESULTS, read_results, write_results
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.sportscode import read_sportscode
from rmsnet.dataset.formats.sportscode_writing import write_sportscode
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.formats.table import read_table
from rmsnet.dataset.formats.table_writing import write_csv, write_tsv
from rmsnet.dataset.labels import LABEL_FILES, LABELS, V2_CLASSES
from rmsnet.errors import UserError, nearest

Reader = Callable[[SourceFile, Stated], Annotations]
Writer = Callable[[Annotations, Stated], dict[str, bytes]]
"""The content of each file by its path below the folder that is written; the ending of the first is the format's."""


@dataclass(frozen=True)
class Format:
    """A format of label files.

    Attributes:
        patterns: the names of its files.
        read: turns a file into a document.
        write: turns a document into files; None where nobody needs it or nobody knows the form well enough.
        classes: all labels that such a file may hold; () any.
        halves_in_names: it knows footage and no halves, see `document.written_names`.
    """

    patterns: tuple[str, ...]
    read: Reader
    write: Writer | None = None
    classes: tuple[str, ...] = ()
    halves_in_names: bool = False


def _soccernet(file_name: str, classes: tuple[str, ...]) -> Format:
    write = partial(_write_labels, file_name)
    return Format((file_name,), read_labels, write, classes)


def _write_labels(file_name: str, document: Annotations, stated: Stated) -> dict[str, bytes]:
    return write_labels(document, file_name)


FORMATS = {
    "soccernet-v1": _soccernet(LABEL_FILES["v1"], tuple(sorted(LABELS["v1"] - {NO_EVENT}))),
    "soccernet-v2": _soccernet(LABEL_FILES["v2"], V2_CLASSES),
    "soccernet-ball": _soccernet(BALL_LABELS, BALL_CLASSES),
    "soccernet-results": Format((RESULTS,), read_results, lambda document, _: write_results(document)),
    "osl": Format(("*.json",), read_osl, write_osl, halves_in_names=True),
    "osl-predictions": Format(("*.json",), read_osl, write_predictions, halves_in_names=True),
    "osl-results": Format((RESULTS,), read_osl, write_results_per_video, halves_in_names=True),
    "e2e-spot": Format(("*.json", "*.json.gz"), read_frames, write_frames, halves_in_names=True),
    "csv": Format(("*.csv",), read_table, write_csv),
    "tsv": Format(("*.tsv", "*.txt"), read_table, write_tsv),
    "sportscode": Format(("*.xml",), read_sportscode, write_sportscode, halves_in_names=True),
    "sctimeline": Format(("*.sctimeline",), read_sctimeline, halves_in_names=True),
    "longomatch": Format(("*.csv",), read_longomatch, halves_in_names=True),
}


def format_name(text: str, option: str) -> str:
    """The name of a format.

    Raises:
        UserError: there is none of this name; it names the nearest.
    """
    if text in FORMATS:
        return text
    near = nearest(text, FORMATS)
    raise UserError(
        f"{option} {text}: no such format{f', perhaps {near}' if near else ''} (one of {', '.join(FORMATS)})"
    )
