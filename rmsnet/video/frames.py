"""Frames for fine-tuning: the sampled pictures of a half as JPEG files in one zip, stored, so that any is read at once.

A thousand zips instead of five million files: that is what DVC, object stores and file systems handle well. A clip's
frames lie one behind the other, so a stretch of them is one read.
"""

import io
import json
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rmsnet.errors import UserError
from rmsnet.files import atomic_file, content_hash
from rmsnet.reading.archives import UNREADABLE
from rmsnet.video.decoding import DecodingReport, Picture, expected_samples, sampled_pictures
from rmsnet.video.extractor import Progress
from rmsnet.video.files import Footage

JPEG_QUALITY = 90
"""At 90 a 224 × 398 frame of the real clips takes 19 KB; all of SoccerNet at 2 fps would take about 100 GB."""

_LOCAL_HEADER = 30
_NO_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Pictures:
    """What the frames of a bank are.

    Attributes:
        height: pixels.
        width: pixels.
        resize: as in a recipe.
        frame_rate: samples per second.
        first_frame_seconds: time of the first sample.
        jpeg_quality: 1 to 95.
    """

    height: int
    width: int
    resize: int | None
    frame_rate: float
    first_frame_seconds: float
    jpeg_quality: int = JPEG_QUALITY

    def features_info(self) -> dict[str, Any]:
        """The entry "features" of a bank of frames; `pictures_of` is its inverse."""
        fields = asdict(self)
        name = f"frames_{self.height}x{self.width}"
        return {"name": name, "hash": content_hash(json.dumps(fields, sort_keys=True)), "pictures": fields}


def frames_path(game: str, half: int) -> str:
    """Where the zip of a half lies in the folder of the bank."""
    return f"frames/{game}/{half}.zip"


def write_frames(path: Path, video: Footage, pictures: Pictures, progress: Progress) -> list[str]:
    """Write the frames of a video as one zip, whole or not at all; the warnings of its decoding.

    Raises:
        UserError: see `rmsnet.video.decoding.sampled_pictures`.
    """
    from PIL import Image

    from rmsnet.video.preprocessing import fit

    report = DecodingReport()
    expected = expected_samples(video, pictures.frame_rate, pictures.first_frame_seconds)
    shots = sampled_pictures(video, pictures.frame_rate, pictures.first_frame_seconds, report)
    with atomic_file(path) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        for number, picture in enumerate(shots):
            image = Image.fromarray(fit(picture, pictures).permute(1, 2, 0).numpy())
            jpeg = io.BytesIO()
            image.save(jpeg, "JPEG", quality=pictures.jpeg_quality)
            archive.writestr(zipfile.ZipInfo(f"{number:06}.jpg", _NO_DATE), jpeg.getvalue())
            progress(number + 1, expected)
    return report.warnings()


def zip_hash(path: Path) -> str:
    """Of the names and checksums of a zip's files: their content, without reading it."""
    with zipfile.ZipFile(path) as archive:
        return content_hash(json.dumps([[item.filename, item.CRC, item.file_size] for item in archive.infolist()]))


class FrameZip:
    """The frames of one half.

    Args:
        path: the zip.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _places(self) -> npt.NDArray[np.int64]:
        """(N, 2) where each frame's entry starts, and the bytes of its JPEG."""
        try:
            with zipfile.ZipFile(self.path) as archive:
                entries = archive.infolist()
        except UNREADABLE as error:
            raise UserError(f"{self.path}: cannot be read ({error}); run rmsnet extract again") from None
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise UserError(f"{self.path}: its frames are compressed, not stored; run rmsnet extract again")
        end = self.path.stat().st_size
        if any(not 0 <= entry.header_offset <= end - entry.file_size for entry in entries):
            raise UserError(f"{self.path}: is damaged; run rmsnet extract again")
        return np.array([[entry.header_offset, entry.file_size] for entry in entries], np.int64).reshape(-1, 2)

    def __len__(self) -> int:
        return len(self._places)

    def jpegs(self, first: int, count: int) -> list[bytes]:
        """The JPEGs of a stretch of frames, in one read.

        Raises:
            UserError: the zip is damaged or has fewer frames.
        """
        places = self._places[first : first + count]
        if len(places) < count:
            raise UserError(
                f"{self.path}: has {len(self)} frames, {first + count} are wanted; run rmsnet extract again"
            )
        start = int(places[0, 0])
        # An entry is a header, the name, an extra field and the data; the headers are read, not assumed.
        end = int(places[-1].sum()) + _LOCAL_HEADER + 2 * 0xFFFF
        with self.path.open("rb") as file:
            file.seek(start)
            content = file.read(max(end - start, 0))
        result = []
        for offset, size in (places - [start, 0]).tolist():
            if not 0 <= offset <= len(content) - _LOCAL_HEADER:
                raise UserError(f"{self.path}: is damaged; run rmsnet extract again")
            name, extra = struct.unpack_from("<HH", content, offset + 26)
            data = offset + _LOCAL_HEADER + name + extra
            result.append(content[data : data + size])
        return result


def decode_jpeg(jpeg: bytes, path: Path) -> Picture:
    """A frame; Pillow lets other threads work meanwhile.

    Raises:
        UserError: the picture is damaged.
    """
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
        return np.array(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, TypeError, LookupError, struct.error, Image.DecompressionBombError):
        raise UserError(f"{path}: a frame is damaged; run rmsnet extract again") from None


def frames_hash(paths: Sequence[Path]) -> str:
    """Of the frames of all halves of a split."""
    return content_hash(*[zip_hash(path) for path in paths])
