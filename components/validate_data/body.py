"""The data, judged."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.artifacts import describe, known, log
from components.data import dataset
from components.door import PASSED, door
from components.pages import addresses, part_of, write_page

if TYPE_CHECKING:
    from kfp.dsl import HTML, Artifact, Metrics


def body(
    source: str,
    revision: str,
    fingerprint: str,
    params: Mapping[str, Any],
    minimum_games: int,
    validation: "Artifact",
    page: "HTML",
    metrics: "Metrics",
) -> str:
    """Judge the data. Succeeds with bad data too, so that the report can be looked at; whoever comes next refuses.

    Args:
        source, revision: of the pipeline.
        fingerprint: what the source holds; the same source with the same fingerprint is not judged again.
        params: the sections that extraction depends on.
        minimum_games: on so many games of the gate at least a champion is replaced.
        validation: gets the validation report as files; the gate asks for it.
        page: the same as a page.
        metrics: how many checks passed, warned and failed.

    Returns:
        "passed", or why the data may not be used.
    """
    with door("validate_data"):
        from rmsnet.dataset.soccernet import GATE, list_dataset
        from rmsnet.documents import read_json
        from rmsnet.errors import CheckFailed
        from rmsnet.params import params_from
        from rmsnet.registry.gate import too_few_games
        from rmsnet.style.page import tag
        from rmsnet.validation import validate

        chosen, out = params_from(params, "params"), Path(validation.path)
        with dataset(source, revision, fingerprint) as root:
            try:
                validate(root, out, chosen.extract, chosen.data.classes)
                passed = True
            except CheckFailed:
                passed = False
            splits = list_dataset(root).splits
        split = GATE if GATE in splits else "valid"
        found = read_json(out / "validation.json")
        few = too_few_games(split, len(splits.get(split, ())), minimum_games)
        print(f"{source}: {found['summary']}")
        if few:
            print(f"warning: {few}")
        notes = [tag("p", f"Know before you train: {few}.", kind="verdict warning")] if few else []
        origin = addresses({"data": f"{source} {revision}".strip(), "fingerprint": fingerprint})
        title = f"Data {'passed' if passed else 'refused'}: {found['dataset']}"
        write_page(page.path, title, [*notes, part_of(out / "report.html", "Report"), origin])
        describe(validation, {"verdict": found["verdict"], **known(found, "dataset", "dvc_md5")})
        log(metrics, _counts(found["checks"]))
        return PASSED if passed else f"{source}: {found['summary']}"
    raise AssertionError("the door ends the process")


def _counts(checks: list[Mapping[str, Any]]) -> dict[str, int]:
    return {
        status: sum(check["status"] == status for check in checks)
        for status in ("passed", "warning", "failed", "broken")
    }
