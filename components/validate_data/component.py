"""The component of the validate stage."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Markdown, Metrics, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def validate_data(
    source: str,
    revision: str,
    params: dict,
    data: Output[Dataset],
    validation: Output[Artifact],
    report: Output[HTML],
    verdict: Output[Markdown],
    metrics: Output[Metrics],
) -> bool:
    """Bring the data here and judge them.

    Succeeds with bad data too, so that the report can be looked at; `require` behind it ends the run.

    Args:
        source: a folder on a mounted volume; s3://bucket/prefix; or, with a revision, a git repository whose DVC
            tracks the dataset (URL#path, path "data" by default).
        revision: commit, tag or branch of that repository: the same commit is the same bytes; "" for the others.
        params: sections as in params.yaml.
        data: the dataset, or where it lies on its volume.
        validation: the validation report as files; the gate asks for it.
        report: the same as a page.
        verdict: the report in short.
        metrics: how many checks passed, warned and failed.

    Returns:
        Whether the data may be used.
    """
    from pathlib import Path

    from components.artifacts import describe, known, publish, refer_to
    from components.door import door

    with door("validate_data"):
        from rmsnet.dataset.sources import fetch
        from rmsnet.documents import read_json
        from rmsnet.errors import CheckFailed
        from rmsnet.params import params_from
        from rmsnet.validation import validate

        chosen = params_from(params, "params")
        root = fetch(source, revision, Path(data.path))
        if root != Path(data.path):
            refer_to(root, Path(data.path))
        out = Path(validation.path)
        passed = True
        try:
            validate(root, out, chosen.extract, chosen.data.classes)
        except CheckFailed as refusal:
            print(refusal)
            passed = False
        publish(out / "report.html", report)
        publish(out / "report.md", verdict)
        found = read_json(out / "validation.json")
        taken = {"source": source, "revision": revision, "verdict": found["verdict"]}
        describe(data, {**taken, **known(found, "dvc_md5")})
        for status in ("passed", "warning", "failed", "broken"):
            metrics.log_metric(status, sum(check["status"] == status for check in found["checks"]))
        return passed
