"""The component behind an ablation: its variants in one table."""

from typing import List  # noqa: UP035  # what Kubeflow understands in Input[…]

from kfp import dsl
from kfp.dsl import Artifact, Input, Markdown, Metrics, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def tabulate(evaluations: Input[List[Artifact]], table: Output[Markdown], metrics: Output[Metrics]):  # noqa: UP006
    """Put the variants of an ablation beside the paper's Table III.

    Args:
        evaluations: one of each variant.
        table: validation and test Average-mAP with its interval, and the paper's numbers where it has them.
        metrics: the test Average-mAP of each variant.
    """
    from pathlib import Path

    from components.artifacts import named_folders
    from components.door import door

    with door("tabulate"), named_folders(evaluations) as judged_at:
        from rmsnet.files import read_json, write_text
        from rmsnet.registry.report import variants_table

        names = [str(evaluation.metadata["name"]) for evaluation in evaluations]
        scores = {
            name: {split: read_json(judged_at / name / split / "metrics.json") for split in ("valid", "test")}
            for name in names
        }
        first = scores[names[0]]["valid"]
        text = "\n".join(variants_table(scores, first["dataset"], first["simulated"]))
        print(text)
        write_text(Path(table.path), text + "\n")
        for name in names:
            metrics.log_metric(name, scores[name]["test"]["average_map"])
