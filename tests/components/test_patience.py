"""What may pass by itself is asked again, for a bounded time, and said."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from components import patience
from components.patience import PAUSES_SECONDS, passes_by_itself, patiently
from rmsnet.errors import UserError


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr(patience, "time", SimpleNamespace(sleep=pauses.append))
    return pauses


class Server:
    """Away so many times, then there."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures, self.error, self.asked = failures, error, 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.failures:
            try:
                raise self.error
            except type(self.error):
                raise UserError("MLflow does not answer") from None
        return "here"


def test_a_server_that_comes_back_costs_a_line_each_time(slept: list[float], capsys) -> None:
    assert patiently("MLflow", Server(3, ConnectionRefusedError())) == "here"
    assert slept == [5, 10, 20]
    assert capsys.readouterr().err.splitlines()[0] == ("MLflow: MLflow does not answer; asked again in 5 s (1 of 12)")


def test_a_server_that_stays_away_is_given_up(slept: list[float]) -> None:
    server = Server(1000, TimeoutError())
    with pytest.raises(UserError, match="does not answer"):
        patiently("MLflow", server)
    assert server.asked == len(PAUSES_SECONDS) + 1
    assert 300 < sum(slept) < 900


def test_what_does_not_pass_by_itself_is_raised_at_once(slept: list[float]) -> None:
    with pytest.raises(UserError):
        patiently("MLflow", Server(1, PermissionError()))
    assert slept == []


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (EndpointConnectionError(endpoint_url="http://store"), True),
        (ClientError({"Error": {}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "List"), True),
        (ClientError({"Error": {}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "List"), False),
        (ConnectionResetError(), True),
        (FileNotFoundError(), False),
        (UserError("bad"), False),
    ],
)
def test_which_errors_pass_by_themselves(error: Exception, passes: bool) -> None:
    assert passes_by_itself(error) is passes
