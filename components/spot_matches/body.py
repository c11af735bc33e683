"""A part of the matches, spotted."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from components.artifacts import LEFT_OUT, describe, log
from components.data import dataset
from components.door import door
from components.pages import match_parts, write_page
from components.patience import patiently

if TYPE_CHECKING:
    from kfp.dsl import HTML, Artifact, Metrics


def body(
    source: str,
    revision: str,
    fingerprint: str,
    model: str,
    weights: str,
    split: str,
    part: str,
    spotted: "Artifact",
    page: "HTML",
    metrics: "Metrics",
) -> None:
    """Spot the events of a part of the matches, from features or from video.

    Args:
        source, revision: of the pipeline.
        fingerprint: what the source holds.
        model: a version in MLflow's registry, or a model folder on a mounted volume.
        weights: hash of its weights; another model at the same place is refused.
        split: of a dataset: train, valid or test; "" for all its matches.
        part: which of the matches, "1/4" … "4/4"; "1/1" is all of them.
        spotted: gets for each match a folder with results_spotting.json, events.csv, report.html and its origin, and
            events.csv of all of them.
        page: gets the pages of its matches.
        metrics: gets how many matches and events, and the seconds it took.
    """
    with door("spot_matches"):
        from rmsnet.documents import read_json
        from rmsnet.errors import CheckFailed
        from rmsnet.features.shards import Shard
        from rmsnet.files import write_json
        from rmsnet.matches.stage import spot_stage
        from rmsnet.network.model_config import ORIGIN_FILE

        out, start = Path(spotted.path), time.perf_counter()
        with dataset(source, revision, fingerprint) as root:
            done = patiently(
                "MLflow", lambda: spot_stage([root], model, out, split=split or None, shard=Shard.parse(part))
            )
        sound = [match for match in done if not match.fault]
        if any(read_json(match.out / ORIGIN_FILE)["weights_hash"] != weights for match in sound):
            raise CheckFailed(f"{model}: is another model than when the run began; start the run again")
        for match in done:
            print(f"{match.name}: {f'left out: {match.fault}' if match.fault else f'{len(match.events)} events'}")
            for warning in match.warnings:
                print(f"warning: {warning}")
        # A task that fails loses its page and its other matches: the run is ended behind their collection.
        write_json(out / LEFT_OUT, {match.name: match.fault for match in done if match.fault})
        counts = {"matches": len(sound), "events": sum(len(match.events) for match in sound)}
        counts |= {"left_out": len(done) - len(sound)}
        left_out = f", {counts['left_out']} left out" if counts["left_out"] else ""
        title = f"Matches {part}: {counts['events']} events in {counts['matches']} with {model}{left_out}"
        write_page(page.path, title, match_parts({match.name: match.out / "report.html" for match in sound}))
        log(metrics, {**counts, "seconds": time.perf_counter() - start})
        describe(spotted, {"display_name": f"matches {part}", "model": model, **counts})
        describe(page, {"display_name": f"page of {part}"})
