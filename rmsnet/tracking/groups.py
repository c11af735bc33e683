"""Runs that hold other runs: a study its variants, a variant its seeds."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from rmsnet.features.bank import FrameBank
from rmsnet.files import content_hash
from rmsnet.params import Params, TrainParams
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
    """Id of a group's run, made when there is none yet; one for all processes of a machine that ask at once.

    Processes of several machines may each make one. The earliest is the group's, for all of them; see `settle`.
    """
    with one_process_at_a_time(uri):
        if not runs_of(client, experiment, group):
            above = {} if parent is None else {PARENT_TAG: parent}
            run = client.create_run(experiment, run_name=group.name, tags={**tags, **above, group.tag: group.key})
            client.set_terminated(run.info.run_id)
        return str(runs_of(client, experiment, group)[0].info.run_id)


def runs_of(client: Any, experiment: str, group: Group) -> list[Any]:
    """The runs that were made for a group, in an order that is the same for everybody."""
    found = client.search_runs([experiment], f"tags.`{group.tag}` = '{group.key}'", max_results=1000)
    return sorted(found, key=lambda run: (run.info.start_time, run.info.run_id))


def settle(client: Any, experiment: str, groups: Sequence[Group], run_id: str) -> None:
    """Put a run under its groups as they stand now, and take apart what others have made of the same groups.

    A store has no way to make a run only when there is none, so two machines that begin at the same moment each make
    the study. Everybody takes the earliest for the study; whoever comes last here sees all of them. What two do at the
    same moment the second finds done.
    """
    from mlflow.exceptions import MlflowException

    above: str | None = None
    with suppress(MlflowException):
        for group in groups:
            found = runs_of(client, experiment, group)
            for other in found[1:]:
                for child in client.search_runs([experiment], f"tags.`{PARENT_TAG}` = '{other.info.run_id}'"):
                    client.set_tag(child.info.run_id, PARENT_TAG, found[0].info.run_id)
                client.delete_run(other.info.run_id)
            if found and above is not None and found[0].data.tags.get(PARENT_TAG) != above:
                client.set_tag(found[0].info.run_id, PARENT_TAG, above)
            above = found[0].info.run_id if found else above
        if above is not None and client.get_run(run_id).data.tags.get(PARENT_TAG) != above:
            client.set_tag(run_id, PARENT_TAG, above)


def run_groups(
    banks: Mapping[str, FrameBank],
    params: Params,
    train_params: TrainParams,
    name: str,
    started_from: Mapping[str, Any] | None = None,
) -> tuple[Group, Group]:
    """The study and the variant that the run belongs to: what they are made of, but for the seed."""

    def key(*parts: Any) -> str:
        return content_hash(json.dumps([*parts, [bank.info["data_hash"] for bank in banks.values()]], sort_keys=True))

    study = key({**asdict(params.train), "seed": None}, params.variants)
    before = [] if started_from is None else [started_from["weights_hash"]]
    variant = key(study, name, {**asdict(train_params), "seed": None}, *before)
    dataset = banks["train"].info["dataset"]
    return (
        Group("study", study, f"{dataset}, {', '.join(params.variants) or name}"),
        Group("variant", variant, name if started_from is None else f"{name}, from {started_from['model']}"),
    )
