"""Several trainings of a study, one after the other."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from components.artifacts import describe, log, mlflow_link
from components.banks import banks_of
from components.door import door
from components.pages import write_page
from components.training import EVALUATION, UNSENT, train_and_judge

if TYPE_CHECKING:
    from kfp.dsl import HTML, Artifact, Dataset, Metrics


def body(
    features: "Dataset",
    study: str,
    seeds: int,
    part: str,
    params: Mapping[str, Any],
    rows: "Artifact",
    page: "HTML",
    metrics: "Metrics",
) -> None:
    """Train and judge a part of the trainings of a study. The models are MLflow's; here stay the scores.

    Args:
        features: the frame banks.
        study, seeds: see `plan_study`.
        part: which of the trainings, "1/4" … "4/4".
        params: the sections that training and evaluation depend on.
        rows: gets a folder ROW/SEED/SPLIT with metrics.json for each training, and what MLflow did not take.
        page: gets their scores in one table.
        metrics: gets the test Average-mAP of each.
    """
    with door("train_study"):
        from rmsnet.features.shards import Shard
        from rmsnet.params import params_from
        from rmsnet.study.plan import plan
        from rmsnet.style.page import table, tag
        from rmsnet.style.words import percent

        out, table_rows, simulated = Path(rows.path), [], False
        for training in Shard.parse(part).games(plan(study, params_from(params, "params"), seeds)):
            variant, chosen = training["variant"], params_from(training["params"], study)
            seed = chosen.train.seed
            print(f"{variant}, seed {seed}", flush=True)
            with TemporaryDirectory() as folder:
                done = train_and_judge(
                    banks_of(features), Path(folder), out / UNSENT, chosen, variant, f"{rows.uri}/{variant}/{seed}"
                )
                for split in done.judged:
                    kept = out / "rows" / variant / str(seed) / split
                    kept.mkdir(parents=True)
                    shutil.copy(Path(folder) / EVALUATION / split / "metrics.json", kept)
            scores = {split: judged.scores.average_map for split, judged in done.judged.items()}
            simulated = simulated or bool(done.metrics["simulated"])
            run = tag("code", mlflow_link(f"runs/{done.run_id}"))
            shown = {split: percent(score) for split, score in scores.items()}
            table_rows.append({"row": variant, "seed": seed, **shown, "MLflow": run})
            log(metrics, {f"{variant} seed {seed}": scores["test"]})
        names = ", ".join(dict.fromkeys(str(row["row"]) for row in table_rows))
        explained = tag("p", "Average-mAP in %, by split.")
        write_page(page.path, f"{names} ({part})", [explained, table(table_rows)], simulated=simulated)
        describe(rows, {"display_name": names[:60], "trainings": len(table_rows)})
        describe(page, {"display_name": f"page of {part}"})
