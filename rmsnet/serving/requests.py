"""What clients send, read with suspicion: features as .npy or as JSON, and the switches of a query."""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from rmsnet.reading.arrays import array_of
from rmsnet.serving.refusals import Refused

Features = npt.NDArray[np.float32]
Body = bytes | bytearray

LARGEST = 1e9
"""No extractor gives larger numbers; what the network makes of these is still finite."""

_AS_NPY = "send the bytes of the .npy file as they are: curl --data-binary @half.npy"
_GZIP = b"\x1f\x8b"
_WORDS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


def require_plain(headers: Mapping[str, str]) -> None:
    """Refuse a body that is wrapped in something.

    Raises:
        Refused: 415, compressed, or a form.
    """
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in ("", "identity"):
        raise Refused(415, f"Content-Encoding {encoding}: no compressed bodies are taken; {_AS_NPY}")
    if headers.get("content-type", "").lower().startswith("multipart/"):
        raise Refused(415, f"the body is a form (multipart); {_AS_NPY}")


def switches(query: Iterable[tuple[str, str]], known: Iterable[str]) -> dict[str, bool]:
    """The switches of a query that are set.

    Raises:
        Refused: 400, one that nobody knows, or neither yes nor no.
    """
    found = {}
    for name, word in query:
        if name not in known:
            raise Refused(400, f"?{name}: unknown; there is: {', '.join(known)}")
        if word.lower() not in _WORDS:
            raise Refused(400, f"?{name}={word}: say true or false")
        found[name] = _WORDS[word.lower()]
    return found


def features_of(body: Body, width: int, max_frames: int) -> Features:
    """(T, width) features from the bytes of a .npy file.

    Raises:
        Refused: 400, no .npy file, no matrix of numbers, another width, too many frames, or no features.
    """
    if body.startswith(_GZIP):
        raise Refused(400, f"the body is compressed (gzip); {_AS_NPY}")
    try:
        features = array_of(body)
    except ValueError as error:
        raise Refused(400, f"the body: {error}; {_AS_NPY}") from None
    if features.ndim != 2 or features.dtype.kind != "f":
        raise Refused(400, "the body is no matrix of floating-point features, frames by width")
    _require_shape(features.shape, width, max_frames)
    return _checked(features)


def _require_shape(shape: tuple[int, ...], width: int, max_frames: int) -> None:
    if shape[0] > max_frames:
        raise Refused(400, f"{shape[0]} frames: at most {max_frames} are taken at once; send one half")
    if shape[0] == 0 or shape[1] != width:
        raise Refused(400, f"features of shape {shape}: the model wants (frames, {width})")


def _checked(features: npt.NDArray[np.floating]) -> Features:
    with np.errstate(all="ignore"):  # of bits that are no number at all
        # A NaN is the least and the largest, and compares false.
        if not (float(features.min()) >= -LARGEST and float(features.max()) <= LARGEST):
            row = int((~(np.abs(features.astype(np.float64)) <= LARGEST)).any(axis=1).argmax())
            found = f"NaN, infinity or a number beyond {LARGEST:.0e}"
            raise Refused(400, f"the body: row {row} holds {found}; send the features as they were extracted")
        return np.array(features, np.float32)


class _Parameters(msgspec.Struct, forbid_unknown_fields=True):
    thresholded: bool = False


class _Invocation(msgspec.Struct, forbid_unknown_fields=True):
    """MLflow's protocol; "instances" is what TensorFlow's and KServe's call "inputs"."""

    inputs: msgspec.Raw = msgspec.Raw()
    instances: msgspec.Raw = msgspec.Raw()
    params: _Parameters = msgspec.field(default_factory=_Parameters)


_INVOCATION = msgspec.json.Decoder(_Invocation)
_ROW = msgspec.json.Decoder(list[float])


def invocation_of(body: Body, width: int, max_frames: int) -> tuple[Features, bool]:
    """(T, width) features from {"inputs": [[…], …], "params": {"thresholded": …}}, and that parameter.

    Rows are read one by one into the matrix: as Python's lists of floats a half takes ten times the memory of its text,
    and a body that is made for it takes more.

    Raises:
        Refused: 400, no such JSON, another width, too many frames, numbers that are no features.
    """
    try:
        found = _INVOCATION.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Refused(400, f'the body is not {{"inputs": [[…], …]}}: {str(error)[:200]}') from None
    rows = bytes(found.inputs) or bytes(found.instances)
    if not rows:
        raise Refused(400, 'the body lacks "inputs": the features, frames by width')
    return _checked(_matrix(rows, width, max_frames)), found.params.thresholded


def _matrix(text: bytes, width: int, max_frames: int) -> npt.NDArray[np.float64]:
    """The matrix that JSON which is known to be well-formed holds."""
    frames = text.count(b"]") - 1
    _require_shape((max(frames, 0), width), width, max_frames)
    matrix = np.empty((frames, width))
    place, between = 1, b""
    for row in range(frames):
        start = text.find(b"[", place)
        end = text.find(b"]", place) + 1
        if not text.startswith(b"[") or start < 0 or text[place:start].strip() != between:
            raise Refused(400, f"inputs: not a list of rows of {width} numbers")
        if (numbers := text.count(b",", start, end) + 1) != width:
            raise Refused(400, f"inputs: row {row} holds {numbers} numbers: the model wants (frames, {width})")
        try:
            matrix[row] = _ROW.decode(text[start:end])
        except (msgspec.DecodeError, ValueError) as error:
            raise Refused(400, f"inputs: row {row}: {str(error)[:200]}") from None
        place, between = end, b","
    return matrix
