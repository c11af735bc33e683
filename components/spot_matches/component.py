"""The component that spots one shard of the matches."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def spot_matches(
    matches: Input[Dataset],
    spotter: Input[Model],
    split: str,
    shard: str,
    spotted: Output[Artifact],
    events: Output[Artifact],
    report: Output[HTML],
    metrics: Output[Metrics],
):
    """Spot the events of a shard of the matches.

    Args:
        matches: a dataset, or a folder of game folders, with videos or features.
        spotter: the model folder.
        split: of a dataset: train, valid or test; "" for all its matches.
        shard: which part of the matches, "1/4" … "4/4"; "1/1" is all of them.
        spotted: for each match a folder with results_spotting.json, events.csv, report.html and which model made them.
        events: the events of all its matches as CSV.
        report: the pages of its matches.
        metrics: how many matches and events, and the seconds it took.
    """
    import time
    from pathlib import Path

    from components.artifacts import dataset_root, describe, publish, spotted_from
    from components.door import door

    with door("spot_matches"):
        from components.pages import matches_page
        from rmsnet.features.shards import Shard
        from rmsnet.files import write_text
        from rmsnet.matches.overview import EVENTS
        from rmsnet.matches.stage import require_all, spot_stage

        out = Path(spotted.path)
        start = time.perf_counter()
        done = spot_stage(
            [dataset_root(Path(matches.path))], spotter.path, out, split=split or None, shard=Shard.parse(shard)
        )
        seconds = time.perf_counter() - start
        sound = [match for match in done if not match.fault]
        for match in done:
            print(f"{match.name}: {match.fault or f'{len(match.events)} events'}")
            for warning in match.warnings:
                print(f"warning: {warning}")
        publish(out / EVENTS, events)
        write_text(
            Path(report.path),
            matches_page({match.name: match.out / "report.html" for match in sound}),
        )
        counts = {
            "matches": sum(not match.fault for match in done),
            "events": sum(len(match.events) for match in done),
            "seconds": seconds,
        }
        for key, value in counts.items():
            metrics.log_metric(key, value)
        describe(spotted, {**spotted_from(matches, spotter), "shard": shard, **counts})
        require_all(done)
