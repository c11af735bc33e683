import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.training.clips import training_clips
from rmsnet.training.sampling import Clips, EpochSampler, clip_rows
from tests.builders import bank

T = 9


def one_clip(event_index: int, masked: bool = True, first_frame: int = 100, replacement: int = 500) -> Clips:
    values = (first_frame, event_index, 0, masked, replacement)
    return Clips(*(torch.tensor([value]) for value in values))


def sampler(**changes) -> EpochSampler:
    made = bank([600, 600], [(0, 50, 0), (0, 150, 1), (0, 250, 2), (1, 300, 2)])
    foreground, background = training_clips(made, T)
    settings = {
        "classes": 3,
        "clip_frames": T,
        "foreground_clips": 300,
        "background_clips": 100,
        "masking_probability": 1 / 3,
        "masking_max_offset": 0.5,
    }
    return EpochSampler(foreground, background, **{**settings, **changes})


def test_masking_replaces_the_frames_before_the_event_and_keeps_its_own():
    """Eq. 4: (z_1, …, z_{t-s-1}, x_{t-s}, …, x_T)."""
    assert clip_rows(one_clip(3), T).tolist() == [[500, 501, 502, 103, 104, 105, 106, 107, 108]]


def test_masking_after_the_event_keeps_the_frames_up_to_it():
    """Table V: frames after the event are replaced, those before it are kept."""
    rows = clip_rows(one_clip(3), T, "after").tolist()
    assert rows == [[100, 101, 102, 103, 504, 505, 506, 507, 508]]


def test_unmasked_clips_are_consecutive_rows():
    assert clip_rows(one_clip(3, masked=False), T).tolist() == [list(range(100, 109))]


def test_an_epoch_is_uniform_over_classes():
    clips = sampler().epoch(seed=0, number=1)
    assert np.bincount(clips.label.numpy()).tolist() == [100, 100, 100, 100]


def test_clips_that_cannot_be_split_evenly_differ_by_one():
    clips = sampler(foreground_clips=200).epoch(seed=0, number=1)
    assert np.bincount(clips.label.numpy()).tolist() == [67, 67, 66, 100]


def test_no_clip_comes_again_before_all_of_its_class_have_come():
    clips = sampler(foreground_clips=3 * 2 * T, background_clips=20).epoch(seed=0, number=1)
    for label, times in ((0, 2), (1, 2), (2, 1)):
        of_class = clips.first_frame[clips.label == label]
        _, counts = of_class.unique(return_counts=True)
        assert set(counts.tolist()) == {times}


def test_epochs_differ_and_repeat_with_their_seed():
    drawn = sampler()
    first = drawn.epoch(seed=5, number=1)
    assert torch.equal(first.first_frame, drawn.epoch(seed=5, number=1).first_frame)
    assert not torch.equal(first.first_frame, drawn.epoch(seed=5, number=2).first_frame)
    assert not torch.equal(first.first_frame, drawn.epoch(seed=6, number=1).first_frame)


@given(p=st.floats(0, 1), q=st.floats(0, 1), seed=st.integers(0, 1000), side=st.sampled_from(["before", "after"]))
def test_masking_follows_p_and_q_and_takes_background_only(p, q, seed, side):
    drawn = sampler(masking_probability=p, masking_max_offset=q, masking_side=side)
    clips = drawn.epoch(seed, 1)
    foreground = clips.label != 3
    late = clips.event_index > q * T
    assert not clips.masked[~foreground].any(), "background clips are never masked"
    assert not clips.masked[late].any(), "r > q is never masked"
    early = foreground & ~late
    if p == 0:
        assert not clips.masked.any()
    if p == 1:
        assert clips.masked[early].all()

    rows = clip_rows(clips, T, side)
    index = torch.arange(T)
    kept = ~clips.masked[:, None] | (
        index >= clips.event_index[:, None] if side == "before" else index <= clips.event_index[:, None]
    )
    own = clips.first_frame[:, None] + index
    assert torch.equal(rows[kept], own[kept]), "kept frames are the clip's own"
    _, background = training_clips(bank([600, 600], [(0, 50, 0), (0, 150, 1), (0, 250, 2), (1, 300, 2)]), T)
    starts = torch.from_numpy(np.sort(background.first_frame))
    clip_of_row = torch.searchsorted(starts, rows[~kept], right=True) - 1
    assert (rows[~kept] - starts[clip_of_row] < T).all(), "replaced frames lie in a background clip"
    for row, replaced in zip(rows, ~kept, strict=True):
        stretch = row[replaced]
        if len(stretch):
            one = torch.searchsorted(starts, stretch, right=True) - 1
            assert (one == one[0]).all(), "and are consecutive frames of one clip"


def test_a_third_of_the_early_clips_is_masked():
    clips = sampler(foreground_clips=30_000).epoch(seed=0, number=1)
    early = (clips.label != 3) & (clips.event_index <= 0.5 * T)
    share = clips.masked[early].float().mean().item()
    assert abs(share - 1 / 3) < 4 * np.sqrt(2 / 9 / int(early.sum()))


def test_every_place_in_a_background_clip_is_used():
    """A masked stretch is drawn anywhere in a background clip, its last frames included."""
    drawn = sampler(masking_probability=1.0, masking_max_offset=1.0, foreground_clips=30_000)
    clips = drawn.epoch(seed=0, number=1)
    rows = clip_rows(clips, T)
    replaced = torch.arange(T) < clips.event_index[:, None]
    _, background = training_clips(bank([600, 600], [(0, 50, 0), (0, 150, 1), (0, 250, 2), (1, 300, 2)]), T)
    starts = torch.from_numpy(np.sort(background.first_frame))
    taken = rows[replaced & clips.masked[:, None]]
    place = taken - starts[torch.searchsorted(starts, taken, right=True) - 1]
    assert set(place.tolist()) == set(range(T))
