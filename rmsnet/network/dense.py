"""Stride-1 inference of a half in which no frame is projected or convolved more than once.

A network that sees a clip pads its convolutions with zeros at the clip's ends, so neighbouring clips agree in their
middle and differ near their ends. A convolution that reaches past the start of a clip is a sum over its last taps
only, and one that reaches past the end a sum over its first taps: partial sums of the same products, which depend
on the frame and on how many taps are missing, not on the clip. So of T = 41 positions of a clip 25 are shared by all
clips; the 8 at either end come from partial sums and from 26 small products. Exact, at a fifteenth of the arithmetic.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from rmsnet.network.model import KERNEL, Ensemble, RMSNet, together

REACH = KERNEL // 2
"""Frames that a tap of a convolution is away from its centre, at most."""

EDGE = 2 * REACH
"""Positions at either end of a clip that the end can be felt at, through two convolutions."""

SHORTEST_CLIP = 2 * EDGE + 1


def dense_scores(network: RMSNet | Ensemble, features: Tensor, clip_frames: int) -> tuple[Tensor, Tensor]:
    """What the network says to every clip of a half: `network(features[s : s + T])` for s = 0 … N - T.

    Args:
        network: in eval mode; the members of an ensemble answer together.
        features: (N, width) of one half, N >= T.
        clip_frames: T >= SHORTEST_CLIP.

    Returns:
        Class logits (N - T + 1, C + 1) and the offset before its sigmoid (N - T + 1,).
    """
    assert SHORTEST_CLIP <= clip_frames <= len(features)
    if isinstance(network, Ensemble):
        return together([dense_scores(cast(RMSNet, member), features, clip_frames) for member in network.members])
    clips = features.shape[0] - clip_frames + 1
    last = clip_frames - 1

    x = network.fc1(features)  # (N, 256)
    bias = cast(Tensor, network.conv1.bias)
    from_tap, to_tap = _partial_sums(x, network.conv1.weight)
    whole = F.relu(from_tap[0] + bias)  # (N, 256)
    # What stands at position p, or p from the end, of clip s; the order is that of the taps that will meet them.
    start = torch.stack([F.relu(from_tap[REACH - p][p : p + clips] + bias) for p in range(REACH)], dim=1)
    end = torch.stack(
        [F.relu(to_tap[REACH + p][last - p : last - p + clips] + bias) for p in reversed(range(REACH))], dim=1
    )  # (clips, 4, 256)

    from_tap, to_tap = _partial_sums(whole, network.conv2.weight)
    taps = network.conv2.weight.permute(2, 1, 0)  # (K, 256, 128)
    best = _sliding_max(from_tap[0], clip_frames - 2 * EDGE)[EDGE : EDGE + clips]  # (clips, 128)
    for position in range(EDGE):
        felt = REACH - max(0, position - REACH)  # of the 4 frames at the end, those within reach
        tap = KERNEL - 1 - position - felt
        at_start = from_tap[KERNEL - 1 - position][position : position + clips]
        best = torch.maximum(best, at_start + _product(start[:, REACH - felt :], taps[tap : tap + felt]))
        at_end = to_tap[position][last - position : last - position + clips]
        best = torch.maximum(best, at_end + _product(end[:, :felt], taps[position + 1 : position + 1 + felt]))

    x = F.relu(network.fc2(F.relu(best + cast(Tensor, network.conv2.bias))))  # (clips, 64)
    return network.fc_cls(x), network.fc_regr(x).squeeze(1)


def _partial_sums(x: Tensor, weight: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Sums over the taps m, m + 1, … and over the taps 0, …, m of a convolution, for each m; all (N, Cout).

    Frames outside the half count as zero.
    """
    frames = x.shape[0]
    padded = F.pad(x, (0, 0, REACH, REACH))
    terms = [padded[tap : tap + frames] @ weight[:, :, tap].T for tap in range(KERNEL)]
    to_tap = [terms[0]]
    for term in terms[1:]:
        to_tap.append(to_tap[-1] + term)
    from_tap = [terms[-1]]
    for term in reversed(terms[:-1]):
        from_tap.append(from_tap[-1] + term)
    return from_tap[::-1], to_tap


def _product(frames: Tensor, taps: Tensor) -> Tensor:
    """(clips, n, Cin) frames with their (n, Cin, Cout) taps, summed: (clips, Cout)."""
    return frames.flatten(1) @ taps.flatten(0, 1)


def _sliding_max(x: Tensor, window: int) -> Tensor:
    """(N - window + 1, C) maxima over `window` rows from each on."""
    width = 1
    while 2 * width <= window:
        x = torch.maximum(x[:-width], x[width:])
        width *= 2
    rest = window - width
    return torch.maximum(x[:-rest], x[rest:]) if rest else x
