"""Models that were trained apart become one that answers together: judged and tracked as a training is."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rmsnet.errors import UserError
from rmsnet.evaluation.thresholds import best_thresholds
from rmsnet.features.bank import read_bank
from rmsnet.features.games import combine_used_games
from rmsnet.features.profile import PROFILE_FILE
from rmsnet.files import atomic_folder, require_replaceable, write_json
from rmsnet.locks import alone
from rmsnet.network.model_config import CONFIG
from rmsnet.network.model_files import combine_models
from rmsnet.params import Params
from rmsnet.provenance import environment
from rmsnet.spotting.thresholds import THRESHOLDS_FILE
from rmsnet.tracking import RUN_FILE, read_run
from rmsnet.tracking.groups import run_groups
from rmsnet.tracking.logged_model import input_example
from rmsnet.tracking.used_data import data_source, data_tags
from rmsnet.training.stage import judge_model


@alone
def ensemble_stage(models: Sequence[Path], features: Path, out: Path, params: Params) -> dict[str, Any]:
    """Average the answers of models, e.g. of one variant trained with several seeds.

    The ensemble is an MLflow run in the study that its members belong to, with a logged model: it is evaluated,
    registered, promoted, served and spotted with like any other.

    Args:
        models: folders of the train stage, trained on the same data.
        features: the frame banks that they were trained on: the valid split gives score and thresholds.
        out: the model folder; appears when all is whole.
        params: with the train section and the variants of the members' study.

    Returns:
        The content of the ensemble's metrics.json.

    Raises:
        UserError: see `combine_models`; a model without a run, other frame banks, or `out` holds something else.
    """
    from rmsnet import tracking

    require_replaceable(out, CONFIG)
    tracking.require_place()
    trained = {model: read_run(model) for model in models}
    banks = {split: read_bank(features, split) for split in ("train", "valid")}
    data_hashes = {split: bank.info["data_hash"] for split, bank in banks.items()}
    for model, record in trained.items():
        if record.get("data_hashes") != data_hashes:
            raise UserError(f"{model}: was not trained on {features}; name the frame banks that it was trained on")
    with atomic_folder(out) as folder:
        config = combine_models(models, folder, out.name)
        combine_used_games(models, folder)
        judged = judge_model(folder, banks["valid"])
        metrics = {
            "name": out.name,
            "members": config["members"],
            "valid_average_map": judged.scores().average_map,
            "simulated": config["simulated"],
        }
        write_json(folder / "metrics.json", metrics)
        write_json(folder / THRESHOLDS_FILE, best_thresholds(judged, banks["valid"].classes))
        if (features / PROFILE_FILE).exists():
            shutil.copy(features / PROFILE_FILE, folder)
        tags = {**data_tags(banks["train"]), "variant": out.name}
        study, _ = run_groups(banks, params, params.train, out.name)
        title = f"{out.name}, ensemble of {len(models)}"
        with tracking.tracked_run(title, (study,), tags) as run:
            made_of = json.dumps([record["run_id"] for record in trained.values()])
            run.log_params({"members": config["members"], "made_of": made_of})
            for split, bank in banks.items():
                source = data_source(features, tags)
                run.log_data(f"{bank.info['dataset']} {split}", bank.info["data_hash"], split, source)
            run.log_best(tracking.best_scores(folder))
            with TemporaryDirectory() as kept:
                for file in (CONFIG, "metrics.json"):
                    shutil.copy(folder / file, kept)
                write_json(Path(kept) / "environment.json", environment())
                run.log_folder(Path(kept), "training")
            example = input_example(banks["valid"], config["width"])
            model_id = run.log_model(folder, example, tags)
        identity = {"data_hashes": data_hashes, "tracking_uri": tracking.shown(tracking.tracking_uri())}
        about = {"name": title, "tags": tags, "groups": [asdict(study)]}
        write_json(folder / RUN_FILE, {**identity, **about, "run_id": run.run_id, "model_id": model_id})
    return metrics
