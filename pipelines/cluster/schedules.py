"""Runs that come back: Kubeflow's own recurring runs, one of each name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.cluster.api import Kubeflow
from pipelines.cluster.runs import FINISHED
from pipelines.cluster.submitting import Order, experiment_id, plugins, reference, runtime, uploaded
from rmsnet.errors import UserError

_EVERY = re.compile(r"([1-9]\d*)([mhd])")
_UNIT_SECONDS = {"m": 60, "h": 3600, "d": 86400}
_FIELD = re.compile(r"[\d*,/?A-Za-z-]+")


@dataclass(frozen=True)
class Moment:
    """When a schedule starts a run: one of the two.

    Attributes:
        cron: six fields, seconds first, in the time zone of Kubeflow's server (UTC unless it was set).
        seconds: between the starts of two runs.
    """

    cron: str = ""
    seconds: int = 0

    def __str__(self) -> str:
        return self.cron or f"every {self.seconds} s"


def moment(cron: str | None, every: str | None) -> Moment:
    """From what stands on the command line.

    Args:
        cron: five fields as in a crontab, or six with seconds first.
        every: e.g. "30m", "6h", "1d".

    Raises:
        UserError: neither, both, or not like that.
    """
    if bool(cron) == bool(every):
        raise UserError("say when: --cron '0 2 * * *' or --every 6h")
    if every:
        found = _EVERY.fullmatch(every)
        if found is None:
            raise UserError(f"--every {every}: write a number and m, h or d, e.g. 6h")
        return Moment(seconds=int(found[1]) * _UNIT_SECONDS[found[2]])
    fields = (cron or "").split()
    if len(fields) not in (5, 6) or not all(_FIELD.fullmatch(field) for field in fields):
        raise UserError(f"--cron {cron!r}: write five fields as in a crontab, e.g. '0 2 * * *' for every night at two")
    return Moment(cron=" ".join(fields if len(fields) == 6 else ["0", *fields]))


@dataclass(frozen=True)
class Schedule:
    """A schedule on a cluster.

    Attributes:
        name, when: of the schedule.
        on: whether it starts runs.
        says: its description: where the pipeline comes from.
        last: state of its newest run, "" where there was none.
        url: its page.
        identity: Kubeflow's id.
    """

    name: str
    when: str
    on: bool
    says: str
    last: str
    url: str
    identity: str


def put(kubeflow: Kubeflow, order: Order, name: str, when: Moment, *, at_once: int = 1, catch_up: bool = False) -> str:
    """Make a schedule, or give the one of this name what it runs now; its page.

    Kubeflow changes no recurring run: another takes its place, and the old one goes when the new one is there. With it
    Kubernetes would delete what it has started and still runs: then the old one is paused, and goes the next time.

    Args:
        kubeflow: where.
        order: what it runs; its name and tags are shown beside the schedule.
        name: of the schedule.
        when: it starts runs.
        at_once: so many of its runs at a time; what comes while they go on waits.
        catch_up: start what was missed while it was paused, too.

    Raises:
        UserError: the API is away or refuses.
    """
    import kfp_server_api as api

    pipeline_id, version_id, version_name = uploaded(kubeflow, order)
    if when.cron:
        trigger = api.V2beta1Trigger(cron_schedule=api.V2beta1CronSchedule(cron=when.cron))
    else:
        trigger = api.V2beta1Trigger(periodic_schedule=api.V2beta1PeriodicSchedule(interval_second=when.seconds))
    body = api.V2beta1RecurringRun(
        display_name=name,
        description=f"{order.name.rpartition(',')[0]}; version {version_name}, {order.origin}",
        experiment_id=experiment_id(kubeflow, order.experiment),
        pipeline_version_reference=reference(pipeline_id, version_id),
        runtime_config=runtime(order),
        service_account=order.service_account or None,
        max_concurrency=at_once,
        mode=api.RecurringRunMode.ENABLE,
        no_catchup=not catch_up,
        trigger=trigger,
        plugins_input=plugins(order),
    )
    before = [schedule for schedule in _found(kubeflow) if schedule.display_name == name]
    service = kubeflow.client._recurring_run_api
    made = kubeflow.ask(lambda: service.recurring_run_service_create_recurring_run(body), attempts=1)
    busy = {run.recurring_run_id for run in _newest_runs(kubeflow) if str(run.state) not in FINISHED}
    delete, pause = (
        service.recurring_run_service_delete_recurring_run,
        service.recurring_run_service_disable_recurring_run,
    )
    for old in before:
        end = pause if old.recurring_run_id in busy else delete
        kubeflow.ask(lambda old=old, end=end: end(old.recurring_run_id))
    return kubeflow.page("recurringrun", made.recurring_run_id)


def listed(kubeflow: Kubeflow) -> list[Schedule]:
    """All schedules of pipelines, by name, each with the state of its newest run."""
    newest: dict[str, str] = {}
    for run in _newest_runs(kubeflow):
        if run.recurring_run_id:
            newest.setdefault(run.recurring_run_id, str(run.state))
    return [
        Schedule(
            item.display_name,
            _when(item.trigger),
            str(item.status) == "ENABLED",
            item.description or "",
            newest.get(item.recurring_run_id, ""),
            kubeflow.page("recurringrun", item.recurring_run_id),
            item.recurring_run_id,
        )
        for item in sorted(_found(kubeflow), key=lambda item: item.display_name)
    ]


def change(kubeflow: Kubeflow, name: str, what: str) -> None:
    """Pause, resume or delete the schedule of a name.

    Raises:
        UserError: there is none.
    """
    found = [item for item in _found(kubeflow) if item.display_name == name]
    if not found:
        known = ", ".join(sorted(item.display_name for item in _found(kubeflow))) or "none"
        raise UserError(f"schedule {name}: there is none; there are: {known}")
    service = kubeflow.client._recurring_run_api
    call = {
        "pause": service.recurring_run_service_disable_recurring_run,
        "resume": service.recurring_run_service_enable_recurring_run,
        "delete": service.recurring_run_service_delete_recurring_run,
    }[what]
    for item in found:
        kubeflow.ask(lambda item=item: call(item.recurring_run_id))


def _newest_runs(kubeflow: Kubeflow) -> list[Any]:
    runs = kubeflow.client._run_api
    scope = {"namespace": kubeflow.namespace} if kubeflow.namespace else {}
    answer = kubeflow.ask(lambda: runs.run_service_list_runs(page_size=100, sort_by="created_at desc", **scope))
    return list(answer.runs or ())


def _found(kubeflow: Kubeflow) -> list[Any]:
    service = kubeflow.client._recurring_run_api
    scope = {"namespace": kubeflow.namespace} if kubeflow.namespace else {}
    found: list[Any] = []
    token = ""
    while True:
        page: Mapping[str, Any] = {"page_token": token} if token else {}
        answer = kubeflow.ask(
            lambda page=page: service.recurring_run_service_list_recurring_runs(page_size=100, **scope, **page)
        )
        found += answer.recurring_runs or []
        token = answer.next_page_token or ""
        if not token:
            return found


def _when(trigger: Any) -> str:
    if trigger is None:
        return ""
    if trigger.cron_schedule is not None:
        return str(Moment(cron=str(trigger.cron_schedule.cron)))
    return str(Moment(seconds=int(trigger.periodic_schedule.interval_second)))
