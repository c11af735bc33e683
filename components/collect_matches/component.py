"""The component that joins the shards of a spotting and scores them where there are labels."""

from typing import List  # noqa: UP035  # what Kubeflow understands in Input[…]

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def collect_matches(
    parts: Input[List[Artifact]],  # noqa: UP006
    matches: Input[Dataset],
    spotter: Input[Model],
    spotted: Output[Artifact],
    events: Output[Artifact],
    report: Output[HTML],
    scores: Output[HTML],
    metrics: Output[Metrics],
):
    """Join what the shards have spotted, and score it where every match has labels.

    Args:
        parts: what each shard has spotted.
        matches: what they have spotted it in; the labels lie there.
        spotter: the model folder.
        spotted: a folder of each match; `rmsnet evaluate --predictions` takes it.
        events: the events of all matches as CSV.
        report: the events of each match that the model is surer of than not.
        scores: the evaluation as a page, or that there are no labels.
        metrics: how many matches and events; Average-mAP with its 95 % interval and the AP of each class.
    """
    from pathlib import Path

    from components.artifacts import dataset_root, describe, publish, spotted_from
    from components.door import door

    with door("collect_matches"):
        from components.pages import events_page, text_page
        from rmsnet.evaluation.stage import run_scores
        from rmsnet.files import write_text
        from rmsnet.matches.overview import EVENTS, join_spotted, score_spotted
        from rmsnet.network.model_files import read_config

        out = Path(spotted.path)
        found = join_spotted([Path(part.path) for part in parts], out, "Spotted matches")
        publish(out / EVENTS, events)
        write_text(Path(report.path), events_page(found))
        values = {"matches": len(found), "events": sum(len(of_match) for of_match in found.values())}
        classes = read_config(Path(spotter.path))["classes"]
        judged = score_spotted(out, dataset_root(Path(matches.path)), classes, Path(scores.path))
        if judged is None:
            write_text(Path(scores.path), text_page("Not scored", "Not every match has labels."))
        else:
            values |= run_scores(judged.metrics())
        for key, value in values.items():
            metrics.log_metric(key, value)
        describe(spotted, {**spotted_from(matches, spotter), **values})
