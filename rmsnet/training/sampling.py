"""The clips of one epoch: drawn uniformly over classes, masked by M(p, q), handed out as rows of the frame bank.

Everything of an epoch is drawn at once, on the device of the clip tables; a batch is then two slices, an addition
and one gather. Paper, III-B (masking, Eq. 4) and III-C (sampling).
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from rmsnet.training.clips import ClipTable, Frames


@dataclass(frozen=True)
class Clips:
    """Clips to train on; all tensors (N,).

    Attributes:
        first_frame: row of the frame bank of the clip's first frame.
        event_index: index in the clip of the event's frame; -1 in background clips.
        label: class; C in background clips.
        masked: whether M(p, q) replaces frames of this clip.
        replacement: row of the background frame that would stand at index 0 of the clip: where a frame t is
            replaced, row `replacement + t` is taken.
    """

    first_frame: Tensor
    event_index: Tensor
    label: Tensor
    masked: Tensor
    replacement: Tensor

    def __len__(self) -> int:
        return len(self.first_frame)

    def __getitem__(self, part: slice) -> "Clips":
        return Clips(*(getattr(self, item.name)[part] for item in fields(self)))


def clip_rows(clips: Clips, clip_frames: int, masking_side: str = "before") -> Tensor:
    """(B, T) rows of the frame bank that the clips show, masking applied (Eq. 4).

    "before" replaces the frames before the event's frame, "after" those behind it (Table V); the event's own frame
    always stays.
    """
    index = torch.arange(clip_frames, device=clips.first_frame.device)
    event_index = clips.event_index[:, None]
    replaced = index < event_index if masking_side == "before" else index > event_index
    start = torch.where(clips.masked[:, None] & replaced, clips.replacement[:, None], clips.first_frame[:, None])
    return start + index


class EpochSampler:
    """Draws epochs of clips from the tables.

    Args:
        foreground: table of foreground clips.
        background: table of background clips.
        classes: C.
        clip_frames: T.
        foreground_clips: foreground clips of an epoch, spread evenly over the classes.
        background_clips: background clips of an epoch.
        masking_probability: p.
        masking_max_offset: q.
        masking_side: "before" or "after".
        device: where the tables live and the drawing happens.
    """

    def __init__(
        self,
        foreground: ClipTable,
        background: ClipTable,
        *,
        classes: int,
        clip_frames: int,
        foreground_clips: int,
        background_clips: int,
        masking_probability: float,
        masking_max_offset: float,
        masking_side: str = "before",
        device: torch.device | str = "cpu",
    ) -> None:
        self.classes = classes
        self.clip_frames = clip_frames
        self.masking_probability = masking_probability
        self.masking_max_offset = masking_max_offset
        self.masking_side = masking_side
        self.device = torch.device(device)
        # Rows of class 0, class 1, … background, one after the other: a class is a range of the stacked tables.
        order = np.argsort(foreground.label, kind="stable")
        self._first_frame = self._tensor(foreground.first_frame[order], background.first_frame)
        self._event_index = self._tensor(foreground.event_index[order], background.event_index)
        self._label = self._tensor(foreground.label[order], background.label)
        self._available = [*np.bincount(foreground.label, minlength=classes).tolist(), len(background)]
        share, rest = divmod(foreground_clips, classes)
        self._wanted = [*(share + (number < rest) for number in range(classes)), background_clips]

    def _tensor(self, *parts: Frames) -> Tensor:
        return torch.from_numpy(np.concatenate(parts)).to(self.device)

    def __len__(self) -> int:
        """Clips of an epoch."""
        return sum(self._wanted)

    def epoch(self, seed: int, number: int) -> Clips:
        """The clips of epoch `number`, shuffled; the same for the same seed and number.

        A class is drawn without replacement until it is used up, then from the start again.
        """
        generator = torch.Generator(self.device).manual_seed((seed << 20) + number)
        drawn = []
        start = 0
        for available, wanted in zip(self._available, self._wanted, strict=True):
            rounds = -(-wanted // available)
            picks = [torch.randperm(available, generator=generator, device=self.device) for _ in range(rounds)]
            drawn.append(start + torch.cat(picks)[:wanted])
            start += available
        row = torch.cat(drawn)
        row = row[torch.randperm(len(row), generator=generator, device=self.device)]
        first_frame, event_index, label = self._first_frame[row], self._event_index[row], self._label[row]

        u = torch.rand(len(row), generator=generator, device=self.device)
        early = event_index <= self.masking_max_offset * self.clip_frames
        masked = (event_index >= 0) & early & (u < self.masking_probability)
        return Clips(first_frame, event_index, label, masked, self._replacement(event_index, generator))

    def _replacement(self, event_index: Tensor, generator: torch.Generator) -> Tensor:
        """A random stretch of a random background clip, as long as the frames it may replace."""
        backgrounds = self._available[-1]
        chosen = torch.randint(backgrounds, event_index.shape, generator=generator, device=self.device)
        start = self._first_frame[len(self._first_frame) - backgrounds + chosen]
        if self.masking_side == "before":
            first_replaced = torch.zeros_like(event_index)
            length = event_index
        else:
            first_replaced = event_index + 1
            length = self.clip_frames - first_replaced
        room = self.clip_frames - length + 1
        u = torch.rand(len(event_index), generator=generator, device=self.device, dtype=torch.float64)
        return start + (u * room).long() - first_replaced
