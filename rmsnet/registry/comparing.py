"""Two evaluations, or two registered versions, on the same games: `rmsnet compare`."""

from collections.abc import Sequence
from pathlib import Path

from rmsnet import tracking
from rmsnet.dataset.class_lists import ClassList
from rmsnet.errors import UserError
from rmsnet.evaluation.assessment import Assessment, assess, parse_tolerances
from rmsnet.evaluation.comparison import write_comparison
from rmsnet.evaluation.files import read_predictions
from rmsnet.evaluation.results import METRICS, read_metrics
from rmsnet.evaluation.stage import corpus_of
from rmsnet.features.bank import FrameBank, read_bank
from rmsnet.files import atomic_folder, require_replaceable
from rmsnet.locks import alone
from rmsnet.network.model_files import load_model
from rmsnet.params import Params
from rmsnet.registry.versions import find_version
from rmsnet.spots import Predictions
from rmsnet.spotting.inference import spot_bank

MARK = "comparison.json"


@alone
def compare_stage(references: Sequence[str], features: Path, out: Path, params: Params, split: str) -> list[Assessment]:
    """Judge each on the same games, and write how the others differ from the first.

    Args:
        references: folders that `rmsnet evaluate --model` has left, or versions of the registered model by number or
            alias.
        features: frame banks with the split.
        out: gets the files of a comparison; appears when all is whole.
        params: the evaluate and register sections.
        split: on which.

    Raises:
        UserError: no such version, an evaluation of other games, or two that are the same.
    """
    require_replaceable(out, MARK)
    bank = read_bank(features, split)
    sets: dict[str, Predictions] = {}
    for reference in references:
        name, predictions = _predictions(reference, bank, split, params)
        if name in sets:
            raise UserError(
                f"{reference}: there is a {name} already; name two different ones, of folders the last part"
            )
        sets[name] = predictions
    corpus, tolerances = corpus_of(bank, split), parse_tolerances(params.evaluate.tolerances)
    assessments = [
        assess(name, corpus, predictions, tolerances=tolerances, resamples=params.evaluate.bootstrap)
        for name, predictions in sets.items()
    ]
    with atomic_folder(out) as folder:
        write_comparison(folder, assessments, links=False)
    return assessments


def _predictions(reference: str, bank: FrameBank, split: str, params: Params) -> tuple[str, Predictions]:
    """What a reference is called, and its predictions."""
    folder = Path(reference)
    if folder.is_dir():
        return folder.resolve().name, _read(folder, bank, split)
    if "/" in reference:
        raise UserError(f"{reference}: no such folder; name one of rmsnet evaluate --model, or a version")
    name = params.register.model_name
    version = find_version(name, reference)
    model = load_model(tracking.model_folder(f"models:/{name}/{version.version}"))
    return f"version {version.version}", spot_bank(model, bank)


def _read(evaluation: Path, bank: FrameBank, split: str) -> Predictions:
    """The predictions that an evaluation has left for a split.

    Raises:
        UserError: it has none, or judged other data.
    """
    found = evaluation / split / "predictions"
    if not found.is_dir():
        raise UserError(
            f"{evaluation}: holds no {split}/predictions; name a folder of rmsnet evaluate --model (predictions in "
            "files are compared by rmsnet evaluate --predictions A B)"
        )
    dataset, here = read_metrics(evaluation / split).get("dataset"), str(bank.info["dataset"])
    if dataset != here:
        raise UserError(
            f"{evaluation / split / METRICS}: judged on {dataset}, these features are of {here}; evaluate again"
        )
    index = {name: number for number, name in enumerate(bank.classes)}
    classes = ClassList(here, bank.classes, index, "")
    games = tuple(dict.fromkeys(half.game for half in bank.halves))
    return read_predictions(found, games, classes, periods=len(bank.periods)).predictions
