"""The network of the paper (Fig. 2, Table I) and its loss (Eq. 1-3)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

FC1_CHANNELS = 256
CONV1_CHANNELS = 256
CONV2_CHANNELS = 128
FC2_CHANNELS = 64
KERNEL = 9


class RMSNet(nn.Module):
    """Class scores and temporal offset of the one event that a clip may hold.

    A linear projection of each frame, two convolutions over time, the maximum over time, a hidden layer and two
    sibling heads (paper, III-A and Table I). ReLU follows the convolutions and the hidden layer, dropout the
    second convolution. 1,025,029 parameters for 512 features and 3 classes + background.

    Args:
        width: features of a frame.
        classes: C, without the background.
        dropout: drop rate before the maximum over time.
    """

    def __init__(self, width: int = 512, classes: int = 3, dropout: float = 0.1) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, FC1_CHANNELS)
        self.conv1 = nn.Conv1d(FC1_CHANNELS, CONV1_CHANNELS, KERNEL, padding=KERNEL // 2)
        self.conv2 = nn.Conv1d(CONV1_CHANNELS, CONV2_CHANNELS, KERNEL, padding=KERNEL // 2)
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(CONV2_CHANNELS, FC2_CHANNELS)
        self.fc_cls = nn.Linear(FC2_CHANNELS, classes + 1)
        self.fc_regr = nn.Linear(FC2_CHANNELS, 1)

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """Score clips.

        Args:
            clips: (B, T, width) features of the frames.

        Returns:
            Class logits (B, C + 1), background last, and the offset before its sigmoid (B,).
        """
        x = self.fc1(clips).transpose(1, 2)  # (B, 256, T)
        x = F.relu(self.conv1(x))  # (B, 256, T)
        x = self.dropout(F.relu(self.conv2(x)))  # (B, 128, T)
        x = F.relu(self.fc2(x.amax(dim=2)))  # (B, 64)
        return self.fc_cls(x), self.fc_regr(x).squeeze(1)


class Ensemble(nn.Module):
    """Networks that answer together: the mean of their probabilities and of their offsets.

    Args:
        members: networks of one architecture.
    """

    def __init__(self, members: Sequence[RMSNet]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor]:
        """As `RMSNet.forward`."""
        return together([member(clips) for member in self.members])


def together(answers: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The answer of an ensemble from those of its members."""
    probability = torch.stack([logits.softmax(dim=1) for logits, _ in answers]).mean(dim=0)
    offset = torch.stack([torch.sigmoid(offset) for _, offset in answers]).mean(dim=0)
    return probability.log(), torch.logit(offset)


def rms_loss(
    logits: Tensor, offset: Tensor, label: Tensor, relative_offset: Tensor, regression_weight: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Eq. 1-3 averaged over the batch; background clips (last class) have no regression term.

    Args:
        logits: (B, C + 1).
        offset: (B,) o, before the sigmoid.
        label: (B,) class, C for background.
        relative_offset: (B,) r = (event - start) / T in [0, 1); whatever is there for background is ignored.
        regression_weight: lambda.

    Returns:
        L, L_cls and L_regr, each a mean over the B clips: L = L_cls + lambda · L_regr.
    """
    foreground = (label != logits.shape[1] - 1).float()
    classification = F.cross_entropy(logits.float(), label)
    squared = (torch.sigmoid(offset.float()) - relative_offset).square()
    regression = (squared * foreground).mean()
    return classification + regression_weight * regression, classification, regression


@torch.no_grad()
def rms_loss_gradient(
    outputs: Tensor, label: Tensor, relative_offset: Tensor, regression_weight: float, clips: int
) -> tuple[Tensor, Tensor]:
    """What some clips of a batch add to its `rms_loss`, and the gradient of that, in half of autograd's operations.

    Args:
        outputs: (B, C + 2) class logits and, last, the offset before its sigmoid.
        label: (B,) as for `rms_loss`.
        relative_offset: (B,) as for `rms_loss`.
        regression_weight: lambda.
        clips: of the batch, at least B.

    Returns:
        (3,) L, L_cls and L_regr; (B, C + 2) the gradient of L.
    """
    numbers = outputs.float()
    log_probability = F.log_softmax(numbers[:, :-1], dim=1)
    relative = torch.sigmoid(numbers[:, -1])
    error = (relative - relative_offset) * (label != outputs.shape[1] - 2)
    classification = F.nll_loss(log_probability, label, reduction="sum")
    regression = error.square().sum()
    loss = torch.add(classification, regression, alpha=regression_weight)
    losses = torch.stack([loss, classification, regression]) / clips
    gradient = torch.empty_like(outputs)
    of_logits = log_probability.exp_().scatter_(1, label[:, None], -1.0, reduce="add")  # p - 1 for the right class
    torch.mul(of_logits, 1 / clips, out=gradient[:, :-1])
    of_offset = torch.ops.aten.sigmoid_backward(error, relative)
    torch.mul(of_offset, 2 * regression_weight / clips, out=gradient[:, -1])
    return losses, gradient
