"""What people send to a server and where they want it to listen."""

import gzip
import struct

import pytest

from tests.serving.conftest import HALF, ask, loaded_model, model_folder, npy, saved_model, served  # noqa: F401  # fixtures

BODY = npy(HALF)
ADVICE = "curl --data-binary @half.npy"


def form(body: bytes) -> bytes:
    """What curl -F file=@half.npy sends."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="half.npy"\r\n\r\n'
    return head + body + b"\r\n--x--\r\n"


def boasting() -> bytes:
    """200 bytes whose header claims 10^11 rows."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (100000000000, 512), }\n"
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header).ljust(200, b"\0")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (form(BODY), {"Content_Type": "multipart/form-data; boundary=x"}, 415),
        (gzip.compress(BODY), {"Content_Encoding": "gzip"}, 415),
        (gzip.compress(BODY), {}, 400),
        (BODY.replace(b"\n", b"").replace(b"\0", b""), {"Content_Type": "application/x-www-form-urlencoded"}, 400),
        (boasting(), {}, 400),
    ],
    ids=["curl -F", "gzip", "gzip without saying so", "curl -d", "a header that boasts"],
)
def test_a_half_that_is_sent_the_wrong_way_is_answered_with_the_right_one(served, body, headers, status):  # noqa: F811
    """It was "you can load it unsafely using allow_pickle", or a traceback."""
    answered, answer = ask(f"{served}/spot", body, **headers)
    assert answered == status
    assert ADVICE in answer["error"]
    assert "pickle" not in answer["error"]


@pytest.mark.parametrize("largest", [3e38, -3e38, 1e30])
def test_numbers_that_no_extractor_makes_are_refused(served, largest):  # noqa: F811
    features = HALF.copy()
    features[7, 3] = largest
    status, answer = ask(f"{served}/spot", npy(features))
    assert status == 400
    assert "row 7 holds" in answer["error"]


@pytest.mark.parametrize("word", ["1", "yes", "True", "on"])
def test_every_word_for_yes_is_yes(served, word):  # noqa: F811
    sure = ask(f"{served}/spot?thresholded=true", BODY)[1]["events"]
    assert ask(f"{served}/spot?thresholded={word}", BODY)[1]["events"] == sure
    assert sure != ask(f"{served}/spot?thresholded=no", BODY)[1]["events"]


@pytest.mark.parametrize("query", ["thresholded=maybe", "thresholded=", "tresholded=true"])
def test_a_query_that_is_not_understood_is_refused_instead_of_ignored(served, query):  # noqa: F811
    assert ask(f"{served}/spot?{query}", BODY)[0] == 400
