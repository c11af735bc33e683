"""Kubeflow's API at an address: asked again while it is away, refusals in one line."""

import io
import json
import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import cached_property
from textwrap import shorten
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rmsnet.errors import UserError, first_cause

T = TypeVar("T")

ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 1.0
TIMEOUT_SECONDS = 60

MOST_OF_A_REASON = 200
"""Characters: Kubeflow says where in its sources it has refused, too."""

OLDEST = (2, 17)
"""Of Kubeflow Pipelines: older backends fail a run that says what these pipelines say (security context, deadlines)."""


class Gone(UserError):
    """What was asked for is not there, or not any more."""


class Taken(UserError):
    """The name is taken: somebody else was first."""


class Kubeflow:
    """The API of Kubeflow Pipelines.

    Args:
        host: e.g. http://localhost:8080 behind `kubectl port-forward`.
        namespace: of the user, on a cluster with several; "" on one without.
        token: bearer token, None where the address needs none.
        ui: address of the UI, where it is another than the host's; "": found out.
    """

    def __init__(self, host: str, namespace: str = "", token: str | None = None, ui: str = "") -> None:
        self.host = host.rstrip("/")
        self.namespace = namespace
        self._token = token
        self._ui = ui.rstrip("/")

    @cached_property
    def client(self) -> Any:
        """The SDK's client, of a server that was found to be one that we can use.

        Raises:
            UserError: nobody answers, or not Kubeflow, an old one, or one that has users where none was named.
        """
        import kfp

        self._require_one_we_know()
        return self.ask(
            lambda: kfp.Client(self.host, namespace=self.namespace or "kubeflow", existing_token=self._token)
        )

    def _require_one_we_know(self) -> None:
        health = self._get("/apis/v2beta1/healthz")
        if health is None:
            raise UserError(f"{self.host}: no Kubeflow Pipelines 2 answers there; {_wanted()}")
        version = str((self._get("/apis/v1beta1/healthz") or {}).get("tag_name", ""))
        found = re.match(r"v?(\d+)\.(\d+)", version)
        if found and (int(found[1]), int(found[2])) < OLDEST:
            raise UserError(f"{self.host}: is Kubeflow Pipelines {version}; {_wanted()}")
        several = bool(health.get("multi_user"))
        if several and not self.namespace:
            raise UserError(f"{self.host}: has a namespace for each user; name yours with --namespace")
        if self.namespace and not several:
            raise UserError(f"{self.host}: has one user and no namespaces; leave --namespace out")

    def _get(self, path: str) -> Any:
        """An answer of the API without the SDK's client; None where there is no such thing."""
        import urllib3

        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        pool = urllib3.PoolManager(headers=headers, retries=False, timeout=TIMEOUT_SECONDS)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = pool.request("GET", f"{self.host}{path}", redirect=False)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                trouble = first_cause(error)
            else:
                if answer.status in (401, 403) or 300 <= answer.status < 400:
                    raise UserError(f"Kubeflow at {self.host} refuses: {answer.status} {_of_the_token()}")
                if answer.status < 500:
                    try:
                        found = json.loads(answer.data)
                    except ValueError:
                        return None
                    return found if answer.status == 200 and isinstance(found, dict) else None
                trouble = f"{answer.status} {answer.reason}"
            self._pause(attempt)
        raise UserError(f"Kubeflow at {self.host} does not answer, asked {ATTEMPTS} times ({trouble})")

    def ask(self, question: Callable[[], T], attempts: int = ATTEMPTS) -> T:
        """An answer of the API, asked again a few times while it is away.

        Raises:
            Gone, Taken: there is no such thing; there is one already.
            UserError: the API is away, or refuses.
        """
        from kfp_server_api.exceptions import ApiException
        from urllib3.exceptions import HTTPError

        for attempt in range(1, attempts + 1):
            try:
                with _quietly():
                    return question()
            except ApiException as error:
                if error.status is not None and error.status < 500:
                    kind = {404: Gone, 409: Taken}.get(error.status, UserError)
                    raise kind(
                        f"Kubeflow at {self.host} refuses: {_reason(error)}{self._advice(error.status)}"
                    ) from None
                trouble = _reason(error)
            except (HTTPError, OSError, TimeoutError) as error:
                trouble = first_cause(error)
            if attempt < attempts:
                self._pause(attempt)
        raise UserError(f"Kubeflow at {self.host} does not answer, asked {attempts} times ({trouble})")

    def _advice(self, status: int) -> str:
        if status == 401:
            return f"; {_of_the_token()}"
        return f"; is namespace {self.namespace} yours?" if status == 403 and self.namespace else ""

    @cached_property
    def ui(self) -> str:
        """The address of the UI; "" where the host is the API alone and nobody has named another."""
        import urllib3

        if self._ui:
            return self._ui
        try:
            headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
            answer = urllib3.request("GET", f"{self.host}/", headers=headers, timeout=TIMEOUT_SECONDS, retries=False)
        except (urllib3.exceptions.HTTPError, OSError):
            return ""
        return self.host if "text/html" in answer.headers.get("Content-Type", "") else ""

    def page(self, kind: str, identity: str) -> str:
        """Where people look at something: its address, or how to get one.

        Args:
            kind: "runs" or "recurringrun".
            identity: its id.
        """
        if not self.ui:
            return f"{identity} (name the UI's address with --ui for a link)"
        return f"{self.ui}/#/{kind}/details/{identity}"

    @staticmethod
    def _pause(attempt: int) -> None:
        time.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))


def host_of(address: str | None) -> str:
    """An address that somebody has given.

    Raises:
        UserError: it is none.
    """
    if not address:
        raise UserError(
            "--host: say where Kubeflow is, e.g. --host http://localhost:8080, or set KF_PIPELINES_ENDPOINT"
        )
    if urlsplit(address).scheme not in ("http", "https"):
        raise UserError(f"--host {address}: must be an address such as http://localhost:8080")
    return address


def display_name_filter(name: str) -> str:
    """Of a list: what is called so."""
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


@contextmanager
def _quietly() -> Iterator[None]:
    """The client prints links and warns of its own age; what matters is said here."""
    with redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _wanted() -> str:
    return f"these pipelines are compiled for {'.'.join(map(str, OLDEST))} and newer"


def _of_the_token() -> str:
    return "no token, or one that has expired or may not do this: set KF_PIPELINES_TOKEN"


def _reason(error: Any) -> str:
    try:
        message = json.loads(error.body)["message"]
    except (TypeError, ValueError, KeyError):
        message = error.reason or "no reason given"
    return f"{error.status} {shorten(str(message), MOST_OF_A_REASON, placeholder=' …')}"
