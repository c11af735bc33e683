"""Bodies and queries that are not what they should be: the reason and the way on, never a traceback."""

import json
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from rmsnet.serving.refusals import Refused
from rmsnet.serving.requests import features_of, invocation_of, require_plain, switches
from tests.serving.conftest import HALF, npy

WIDTH = 8
MOST = 21600


def with_header(text: str, content: bytes = b"") -> bytes:
    """A .npy file whose header is this text."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + content


def shaped(shape: object, content: bytes = b"") -> bytes:
    return with_header(f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n", content)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"no array", "the body: no .npy file; send the bytes"),
        (b"", "the body: empty"),
        (b"\x1f\x8b\x08\x00", "compressed (gzip); send the bytes of the .npy file as they are: curl --data-binary"),
        (npy(np.array([{}], object)), "holds pickled objects; not read"),
        (npy(np.zeros((100, 8), np.float32))[:500], "truncated: shorter than its header says"),
        (npy(np.zeros((100, 8), np.float32)).replace(b"\n", b""), "curl --data-binary"),  # what curl -d sends
        (shaped((100_000_000_000, 512), bytes(200)), "truncated"),
        (shaped((-1, 8), bytes(200)), "its shape is (-1, 8)"),
        (shaped("(" * 300), "the body: "),
        (with_header("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }\n", bytes(4)), "no matrix"),
        (npy(np.zeros(8, np.float32)), "no matrix"),
        (npy(np.array([["a"]])), "no matrix"),
        (npy(np.zeros((100, 9), np.float32)), "(frames, 8)"),
        (npy(np.zeros((0, 8), np.float32)), "(frames, 8)"),
        (npy(np.zeros((22_000, 8), np.float16)), "at most 21600"),
        (npy(np.full((100, 8), np.nan, np.float32)), "row 0 holds NaN"),
        (
            npy(np.vstack([HALF, np.full((1, 8), 3e38, np.float32)])),
            "row 400 holds NaN, infinity or a number beyond 1e+09",
        ),
        (npy(np.full((100, 8), -1e300)), "row 0 holds"),
    ],
)
def test_a_body_that_is_no_half_is_refused_with_the_reason(body, says):
    with pytest.raises(Refused) as refused:
        features_of(body, WIDTH, MOST)
    assert says in str(refused.value)
    assert "allow_pickle" not in str(refused.value)
    assert refused.value.status == 400


@given(some.data())
def test_a_body_that_was_damaged_anywhere_is_a_half_or_refused(data):
    body = bytearray(npy(HALF[:5]))
    for _ in range(data.draw(some.integers(1, 4))):
        body[data.draw(some.integers(0, 140))] = data.draw(some.integers(0, 255))
    with suppress(Refused):
        assert features_of(body, WIDTH, MOST).shape[1] == WIDTH


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "the body is not"),
        ("[]", "the body is not"),
        ('{"inputs": [[1, 2]], "more": 1}', "more"),
        ('{"params": {}}', 'lacks "inputs"'),
        ('{"inputs": [[1.0]], "params": {"thresholded": 1}}', "thresholded"),
        ('{"inputs": "x"}', "(frames, 8)"),
        ('{"inputs": []}', "(frames, 8)"),
        ('{"inputs": [1, 2]}', "(frames, 8)"),
        ('{"inputs": [[1, 2, 3, 4, 5, 6, 7, 8, 9]]}', "row 0 holds 9 numbers"),
        ('{"inputs": [{"a": [1, 2, 3, 4, 5, 6, 7, 8]}]}', "not a list of rows"),
        ('{"inputs": {"a": [1, 2, 3, 4, 5, 6, 7, 8], "b": []}}', "not a list of rows"),
        ('{"inputs": [[1, 2, 3, 4, 5, 6, 7, "8"]]}', "row 0"),
        ('{"inputs": [[1, 2, 3, 4, 5, 6, 7, 1e999]]}', "row 0"),
        ('{"inputs": [[1, 2, 3, 4, 5, 6, 7, 3e38]]}', "row 0 holds NaN, infinity"),
        ('{"inputs": [[1, 2, 3, 4, 5, 6, 7, NaN]]}', "the body is not"),
        ('{"inputs": [[[1, 2, 3, 4, 5, 6, 7, 8]]]}', ""),
        ('{"inputs": ' + "[" * 100_000 + "]" * 100_000 + "}", ""),
        ('{"inputs": [' + "[]," * 30_000 + "[]]}", "at most 21600"),
        ('{"inputs": [[' + "0," * 100_000 + "0]]}", "row 0 holds 100001 numbers"),
    ],
)
def test_json_that_is_no_half_is_refused_with_the_reason(text, says):
    with pytest.raises(Refused) as refused:
        invocation_of(text.encode(), WIDTH, MOST)
    assert says in str(refused.value)
    assert refused.value.status == 400


def test_json_that_is_laid_out_differently_is_the_same_half():
    pretty = json.dumps({"inputs": HALF.tolist(), "params": {"thresholded": True}}, indent=1)
    features, thresholded = invocation_of(pretty.encode(), WIDTH, MOST)
    assert thresholded
    assert np.array_equal(features, HALF)


@pytest.mark.parametrize(
    "headers",
    [{"content-encoding": "gzip"}, {"content-encoding": "br"}, {"content-type": "multipart/form-data; boundary=x"}],
)
def test_a_body_that_is_wrapped_is_refused_with_advice(headers):
    with pytest.raises(Refused, match="curl --data-binary") as refused:
        require_plain(headers)
    assert refused.value.status == 415


@pytest.mark.parametrize(("word", "means"), [("true", True), ("1", True), ("Yes", True), ("0", False), ("off", False)])
def test_a_switch_is_what_it_says(word, means):
    assert switches([("thresholded", word)], ["thresholded"]) == {"thresholded": means}


@pytest.mark.parametrize(
    ("query", "says"), [(("thresholded", "maybe"), "true or false"), (("tresholded", "true"), "unknown")]
)
def test_a_switch_that_cannot_be_understood_is_refused(query, says):
    with pytest.raises(Refused, match=says):
        switches([query], ["thresholded"])
