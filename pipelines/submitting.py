"""A compiled pipeline onto a cluster: upload a version of it, start a run, wait, say where to look."""

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from rmsnet import __version__
from rmsnet.errors import CheckFailed, UserError, first_cause
from rmsnet.files import content_hash

T = TypeVar("T")

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 1.0
POLL_SECONDS = 5.0

FINISHED = ("SUCCEEDED", "FAILED", "SKIPPED", "CANCELED")


@dataclass(frozen=True)
class Submitted:
    """A run on a cluster.

    Attributes:
        run_id: its id.
        url: its page in the Kubeflow UI.
        version: name of the pipeline version it runs.
        state: as Kubeflow calls it; "PENDING" when nobody waited.
    """

    run_id: str
    url: str
    version: str
    state: str


class Cluster:
    """The API of Kubeflow Pipelines at an address.

    Args:
        host: e.g. http://localhost:8080 behind `kubectl port-forward`.
        namespace: of the user, on a cluster with several; "" on one without.
        token: bearer token, None where the address needs none.
    """

    def __init__(self, host: str, namespace: str = "", token: str | None = None) -> None:
        self.host = host.rstrip("/")
        self.namespace = namespace
        self._token = token

    def submit(
        self,
        compiled: Path,
        arguments: Mapping[str, Any],
        *,
        experiment: str = "rmsnet",
        service_account: str | None = None,
        cache: bool = True,
    ) -> Submitted:
        """Upload the pipeline, unless this very YAML is there already, and start a run of it.

        Raises:
            UserError: the API is away after some tries, or refuses.
        """
        import yaml

        text = compiled.read_text(encoding="utf-8")
        name = str(next(yaml.safe_load_all(text))["pipelineInfo"]["name"])
        version_name = f"{__version__}-{content_hash(text)[:12]}"
        client = self._client()
        pipeline_id = self._ask(lambda: client.get_pipeline_id(name))
        if pipeline_id is None:
            pipeline_id = self._ask(
                lambda: client.upload_pipeline(str(compiled), name, namespace=self.namespace or None)
            ).pipeline_id
        version_id = self._version_id(client, pipeline_id, version_name) or (
            self._ask(
                lambda: client.upload_pipeline_version(str(compiled), version_name, pipeline_id=pipeline_id)
            ).pipeline_version_id
        )
        group = self._ask(lambda: client.create_experiment(experiment, namespace=self.namespace or None))
        run = self._ask(
            lambda: client.run_pipeline(
                group.experiment_id,
                f"{name} {time.strftime('%Y-%m-%d %H:%M')}",
                params=dict(arguments),
                pipeline_id=pipeline_id,
                version_id=version_id,
                enable_caching=None if cache else False,
                service_account=service_account,
            ),
            attempts=1,  # a second try could start a second run
        )
        return Submitted(run.run_id, f"{self.host}/#/runs/details/{run.run_id}", version_name, "PENDING")

    def wait(self, run: Submitted, timeout_seconds: float) -> Submitted:
        """Wait until a run ends.

        Raises:
            CheckFailed: it did not succeed.
            UserError: it goes on after the time is up, or the API is away.
        """
        client = self._client()
        until = time.monotonic() + timeout_seconds
        while True:
            found = self._ask(lambda: client.get_run(run.run_id))
            if found.state in FINISHED:
                break
            if time.monotonic() > until:
                raise UserError(f"run {run.run_id} goes on after {timeout_seconds:.0f} s ({found.state}): {run.url}")
            time.sleep(POLL_SECONDS)
        if found.state != "SUCCEEDED":
            reason = f": {found.error.message}" if found.error is not None and found.error.message else ""
            raise CheckFailed(f"run {run.run_id} {found.state.lower()}{reason}; see {run.url}")
        return Submitted(run.run_id, run.url, run.version, found.state)

    def _version_id(self, client: Any, pipeline_id: str, name: str) -> str | None:
        import json

        wanted = json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})
        found = self._ask(lambda: client.list_pipeline_versions(pipeline_id, filter=wanted)).pipeline_versions or []
        return next((str(item.pipeline_version_id) for item in found if item.display_name == name), None)

    def _client(self) -> Any:
        import kfp

        return self._ask(
            lambda: kfp.Client(self.host, namespace=self.namespace or "kubeflow", existing_token=self._token)
        )

    def _ask(self, question: Callable[[], T], attempts: int = ATTEMPTS) -> T:
        """An answer of the API, asked again a few times while it is away."""
        from kfp_server_api.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        for attempt in range(1, attempts + 1):
            try:
                with _quietly():
                    return question()
            except ApiException as error:
                if error.status is not None and error.status < 500:
                    raise UserError(f"Kubeflow at {self.host} refuses: {_reason(error)}") from None
                trouble = _reason(error)
            except (HTTPError, OSError, TimeoutError) as error:
                trouble = first_cause(error)
            if attempt < attempts:
                time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))
        raise UserError(f"Kubeflow at {self.host} does not answer, asked {attempts} times ({trouble})")


@contextmanager
def _quietly() -> Iterator[None]:
    """The client prints links and warns of its own age; what matters is said here once, on standard output."""
    with redirect_stdout(sys.stderr), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _reason(error: Any) -> str:
    import json

    try:
        message = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        message = error.reason or "no reason given"
    return f"{error.status} {' '.join(str(message).split())}"
