"""A period while it is played: pictures of its recording become features, features become events, batch by batch.

These are the functions that `rmsnet spot` applies to the recording when it is whole, to the same bytes, in the same
batches; only the scores of clips are computed in other portions, and at the end of a period once more as there.
"""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rmsnet.features.bank import FrameBank
from rmsnet.live.clock import TICKS
from rmsnet.live.journal import Journal
from rmsnet.live.periods import STATE_FOLDER, Period
from rmsnet.matches.match import clock
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.params import SpotParams
from rmsnet.spots import Predictions
from rmsnet.spotting.inference import half_bank, spot_bank
from rmsnet.spotting.partial import PartialSpotting
from rmsnet.spotting.thresholds import Floats, is_told
from rmsnet.video.decoding import DecodingReport, expected_samples
from rmsnet.video.extractor import Extractor, feature_batches
from rmsnet.video.files import HalfVideo
from rmsnet.video.growing import GrowingFile
from rmsnet.video.halves import Features, write_features
from rmsnet.video.recording import Recording


class PeriodSpotter:
    """The events of one period.

    Args:
        out: folder of the match.
        model, params, least: what spots, how, and from which confidence of each class on an event is told.
        extractor: the model's.
        journal: told of the events.
        write_trims: says in video.ini how long the periods are that are over.
    """

    def __init__(
        self,
        out: Path,
        model: SpottingModel,
        params: SpotParams,
        least: Floats,
        extractor: Extractor,
        journal: Journal,
        write_trims: Callable[[], None],
    ) -> None:
        self._out, self._model, self._params, self._least = out, model, params, least
        self._extractor, self._journal, self._write_trims = extractor, journal, write_trims

    def follow(self, period: Period, growing: GrowingFile) -> None:
        """Spot a period until its recording ends.

        Args:
            period: the period, as it was when it began or when this process did.
            growing: its recording.

        Raises:
            UserError: none of its pictures can be decoded, or most cannot.
        """
        rows = self._out / STATE_FOLDER / f"features-{period.number}.f32"
        features = self._known(rows)
        growing.offset = _entry(period, len(features), self._extractor)
        half, report = _half(period, growing), DecodingReport()
        partial = PartialSpotting(self._model, self._params)
        if len(features):
            self._tell(period, partial, features)
        with rows.open("r+b" if rows.exists() else "wb") as file:
            file.truncate(features.nbytes)
            file.seek(features.nbytes)
            for batch in feature_batches(half, self._extractor, report, skip=len(features)):
                file.write(batch.tobytes())
                file.flush()
                features = np.concatenate([features, batch])
                self._tell(period, partial, features)
        bank = half_bank(self._model, features)
        found = spot_bank(self._model, bank, self._params)
        self._say(period, bank, found, np.ones(len(found.label), bool))
        self._keep(period, features, report.warnings())

    def _keep(self, period: Period, features: Features, warnings: list[str]) -> None:
        """Leave the features where `rmsnet spot` looks for them, if they are those of the whole recording."""
        video, recipe = self._out / period.file_name, self._extractor.recipe
        self._write_trims()
        if expected_samples(video, recipe.frame_rate, recipe.first_frame_seconds) == len(features):
            path = self._out / "features" / f"{period.number}.safetensors"
            path.parent.mkdir(exist_ok=True)
            write_features(path, features, video, recipe.hash, warnings)

    def _known(self, rows: Path) -> Features:
        """(T, D) the features of whole batches that a command before this one has computed."""
        width = int(self._model.config["width"])
        if not rows.exists():
            return np.empty((0, width), np.float32)
        numbers = np.fromfile(rows, np.float32)
        batch = self._extractor.frames_at_once
        whole = len(numbers) // width // batch * batch
        return numbers[: whole * width].reshape(whole, width)

    def _tell(self, period: Period, partial: PartialSpotting, features: Features) -> None:
        spots = partial.update(features)
        self._say(period, half_bank(self._model, features), spots.found, spots.settled)

    def _say(self, period: Period, bank: FrameBank, found: Predictions, settled: npt.NDArray[np.bool_]) -> None:
        told = is_told(found, self._least)
        events = [
            {
                "half": period.number,
                "time": clock(int(found.position_ms[row])),
                "minute": bank.periods[period.number - 1].said(int(found.position_ms[row])),
                "position_ms": int(found.position_ms[row]),
                "label": bank.classes[found.label[row]],
                "confidence": float(found.confidence[row]),
            }
            for row in np.flatnonzero(told)
        ]
        self._journal.update(period.number, events, settled[told].tolist())


def _entry(period: Period, done: int, extractor: Extractor) -> int:
    """Byte of the recording from which the first sample that is not done can be decoded, and what lies before it."""
    recipe = extractor.recipe
    sample = period.kick_off + round(TICKS * (recipe.first_frame_seconds + done / recipe.frame_rate))
    before = [place for place, ticks in period.entries if ticks <= sample - 2 * TICKS]
    return before[-1] if done and before else 0


def _half(period: Period, growing: GrowingFile) -> HalfVideo:
    """The half that a recording holds while it grows: what `rmsnet.video.files.half_video` says of it at its end."""
    recording = Recording(
        growing.path,
        seconds=float("inf"),
        start=Fraction(period.first, TICKS),
        step=Fraction(period.step, TICKS),
        growing=growing,
    )
    # How long it should be nobody has announced.
    return HalfVideo(recording, float(period.start_seconds), float("inf"), None, 0.0)
