"""Addresses, and clients that only hold a connection."""

import socket
import threading
from collections.abc import Iterator

import pytest

from rmsnet.errors import UserError
from rmsnet.serving.limits import Limits
from rmsnet.serving.listening import address_of, listen
from tests.serving.conftest import serving
from tests.serving.test_bodies import begin_upload, connection, until_answered, until_closed


@pytest.fixture(scope="module")
def impatient(loaded_model) -> Iterator[str]:
    with serving(loaded_model, Limits(stall_seconds=0.3)) as url:
        yield url


@pytest.mark.parametrize("sent", [b"", b"GET /health HT", b"GET /health HTTP/1.1\r\nHost: x\r\nX: "])
def test_a_client_that_does_not_end_the_head_of_its_request_is_closed(impatient, sent):
    with connection(impatient) as call:
        call.sendall(sent)
        assert until_closed(call) == b""


def test_a_client_that_is_silent_after_an_answer_is_closed(impatient):
    with connection(impatient) as call:
        call.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until_closed(call).startswith(b"HTTP/1.1 200")


def test_a_client_that_trickles_a_body_which_nobody_reads_is_closed(impatient):
    with connection(impatient) as call:
        begin_upload(call, 100_000, path="/nowhere")
        assert until_answered(call).startswith(b"HTTP/1.1 404")
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            for _ in range(3000):
                call.sendall(b"x")
                threading.Event().wait(0.02)


def test_a_client_that_is_busy_with_a_body_which_was_refused_is_left_to_read_the_refusal(impatient):
    with connection(impatient) as call:
        begin_upload(call, 20 * 65536, path="/nowhere")
        for _ in range(20):  # longer than the patience with those who do nothing
            call.sendall(bytes(65536))
            threading.Event().wait(0.05)
        assert until_closed(call).startswith(b"HTTP/1.1 404")


def test_a_client_that_does_not_take_its_answers_is_closed(impatient):
    """It asks for some 20 MB."""
    with socket.socket() as call:
        call.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        call.settimeout(15)
        call.connect(("127.0.0.1", int(impatient.rpartition(":")[2])))
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            for _ in range(100_000):
                call.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "::", "0.0.0.0"])
def test_an_address_of_either_kind_is_listened_to(host, loaded_model):
    listeners = listen(host, 0)
    try:
        ports = {listener.getsockname()[1] for listener in listeners}
        assert len(ports) == 1
        assert address_of(listeners[0]).endswith(f":{ports.pop()}")
    finally:
        for listener in listeners:
            listener.close()


@pytest.mark.parametrize(("host", "asked"), [("::", "[::1]"), ("::", "127.0.0.1"), ("::1", "[::1]")])
def test_requests_are_answered_there(host, asked, loaded_model):
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    from tests.serving.conftest import ask

    with serving(loaded_model, host=host) as url:
        assert ask(f"http://{asked}:{url.rpartition(':')[2]}/health")[0] == 200


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("no.such.host.invalid", 0), ("192.0.2.1", 0)])
def test_an_address_that_cannot_be_had_is_refused(host, port):
    with pytest.raises(UserError, match=f"--host {host} --port {port}: cannot be listened to"):
        listen(host, port)


def test_a_port_that_is_taken_is_refused():
    [taken] = listen("127.0.0.1", 0)
    with taken, pytest.raises(UserError, match="Address already in use"):
        listen("127.0.0.1", taken.getsockname()[1])
