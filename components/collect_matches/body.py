"""All parts of a spotting as one."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from components.artifacts import LEFT_OUT, describe, known, log
from components.data import dataset, identified
from components.door import PASSED, door
from components.pages import events_parts, part_of, write_page

if TYPE_CHECKING:
    from kfp.dsl import HTML, Artifact, Metrics, Model


def body(
    parts: "Sequence[Artifact]",
    spotter: "Model",
    source: str,
    revision: str,
    spotted: "Artifact",
    page: "HTML",
    metrics: "Metrics",
) -> str:
    """Join what the parts have spotted, and score it where every match has labels.

    Args:
        parts: what each pod has spotted.
        spotter: the model folder.
        source, revision: of the pipeline; the labels lie there.
        spotted: gets a folder of each match; `rmsnet evaluate --predictions` takes it.
        page: gets the events of each match that the model is surer of than not, and the evaluation.
        metrics: gets how many matches and events; Average-mAP with its 95 % interval and the AP of each class.

    Returns:
        "passed", or which matches could not be spotted.
    """
    with door("collect_matches"):
        from rmsnet.documents import read_document, read_json
        from rmsnet.evaluation.stage import run_scores
        from rmsnet.matches.overview import join_spotted, score_spotted
        from rmsnet.network.model_config import CONFIG
        from rmsnet.style.page import section, tag

        out = Path(spotted.path)
        told = [read_document(Path(part.path) / LEFT_OUT, dict[str, str]) for part in parts]
        left_out = {name: why for of_part in told for name, why in of_part.items()}
        found = join_spotted([Path(part.path) for part in parts], out, "Spotted matches")
        values = {"matches": len(found), "events": sum(len(of_match) for of_match in found.values())}
        classes = read_json(Path(spotter.path) / CONFIG)["classes"]
        with TemporaryDirectory() as folder, dataset(source, revision, identified(source, revision)) as root:
            report = Path(folder) / "report.html"
            judged = score_spotted(out, root, classes, report)
            scores = part_of(report, "Scores") if judged else section("Scores", tag("p", "Not every match has labels."))
        simulated = bool(spotter.metadata.get("simulated") == "yes")
        title = f"{values['events']} events in {values['matches']} matches"
        title += f", {len(left_out)} left out" if left_out else ""
        write_page(page.path, title, [scores, section("Events", *events_parts(found))], simulated=simulated)
        log(metrics, {**values, **(run_scores(judged.metrics()) if judged else {})})
        describe(spotted, {**values, **known(spotter.metadata, "uri", "weights_hash", "mlflow_version")})
        if not left_out:
            return PASSED
        named = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        return f"{len(left_out)} of {len(left_out) + len(found)} matches are not spotted ({named})"
