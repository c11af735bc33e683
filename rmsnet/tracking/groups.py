"""Runs that hold other runs: a study its variants, a variant its seeds."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rmsnet.features.bank import FrameBank
from rmsnet.files import content_hash
from rmsnet.params import Params, TrainParams

if TYPE_CHECKING:
    pass

from dataclasses import dataclass

from rmsnet.tracking.store import one_process_at_a_time

KINDS = ("study", "variant")
"""Of the groups a run lies in, the outer one first."""


PARENT_TAG = "mlflow.parentRunId"


NAME_TAG = "mlflow.runName"


@dataclass(frozen=True)
class Group:
    """A run that holds other runs.

    Attributes:
        kind: one of `KINDS`.
        key: the same key, the same run.
        name: as people see it.
    """

    kind: str
    key: str
    name: str

    @property
    def tag(self) -> str:
        return f"rmsnet.{self.kind}"


def group_run(client: Any, experiment: str, group: Group, parent: str | None, tags: Mapping[str, str], uri: str) -> str:
    """Id of a group's run, made when there is none yet; one for all processes of a machine that ask at once."""
    with one_process_at_a_time(uri):
        condition = f"tags.`{group.tag}` = '{group.key}'"
        found = client.search_runs([experiment], condition, max_results=1, order_by=["attributes.start_time ASC"])
        if found:
            return str(found[0].info.run_id)
        above = {} if parent is None else {PARENT_TAG: parent}
        run = client.create_run(experiment, run_name=group.name, tags={**tags, **above, group.tag: group.key})
        client.set_terminated(run.info.run_id)
        return str(run.info.run_id)


def run_groups(
    banks: Mapping[str, FrameBank], params: Params, train_params: TrainParams, name: str
) -> tuple[Group, Group]:
    """The study and the variant that the run belongs to: what they are made of, but for the seed."""

    def key(*parts: Any) -> str:
        return content_hash(json.dumps([*parts, [bank.info["data_hash"] for bank in banks.values()]], sort_keys=True))

    study = key({**asdict(params.train), "seed": None}, params.variants)
    variant = key(study, name, {**asdict(train_params), "seed": None})
    dataset = banks["train"].info["dataset"]
    return (
        Group("study", study, f"{dataset}, {', '.join(params.variants) or name}"),
        Group("variant", variant, name),
    )
