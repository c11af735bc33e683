"""What a training step changes, and the step: the gradient of a batch, SGD with momentum, the running average."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rmsnet.network import spectral, unfolded
from rmsnet.network.model import RMSNet, rms_loss, rms_loss_gradient
from rmsnet.params import TrainParams
from rmsnet.training.distributed import World
from rmsnet.training.inputs import Batch, Inputs

LONGEST_GRADIENT = 5.0
"""A batch whose gradient is longer is taken for an accident and shortened. The paper does not speak of it; with its
rate of 0.05 and momentum of 0.9 a rare batch can throw the weights of a small dataset away for good."""


class Learner:
    """The network's weights and those of its inputs, with their momentum and their running average.

    Differentiated by autograd, tensor by tensor: the way of a CPU.

    Args:
        network: whose memory the weights are.
        inputs: what turns rows into clips, and may learn too.
        params: the train section.
        precision: the type that the network computes in.
        world: the processes that share a batch.
    """

    def __init__(
        self, network: RMSNet, inputs: Inputs, params: TrainParams, precision: torch.dtype, world: World
    ) -> None:
        self.inputs, self.params, self.precision, self.world = inputs, params, precision, world
        self._leaves = [*self._of_network(network), *inputs.weights.values()]
        self._momenta = [torch.zeros_like(leaf) for leaf in self._leaves]
        self._averages: list[Tensor] | None = None
        self.weights = self._named(self._leaves)
        self.momentum = self._named(self._momenta)

    def _of_network(self, network: RMSNet) -> list[Tensor]:
        """What of the network descends."""
        leaves = spectral.trainable_weights(network)
        self._names = [*leaves, *self.inputs.weights]
        return list(leaves.values())

    def _named(self, leaves: Sequence[Tensor]) -> dict[str, Tensor]:
        """Weights, or what there is of each of them, by name."""
        return dict(zip(self._names, leaves, strict=True))

    @property
    def average(self) -> dict[str, Tensor] | None:
        """The running average by name, once it has begun."""
        return None if self._averages is None else self._named(self._averages)

    def begin_average(self) -> dict[str, Tensor]:
        """Average from these weights on."""
        self._averages = [leaf.detach().clone() for leaf in self._leaves]
        return self._named(self._averages)

    def own(self, clips: int) -> list[slice]:
        """Which clips of a batch this process computes, in parts that are computed one after the other."""
        rank, size = self.world.rank, self.world.size
        largest = -(-self.params.batch_size // (size * self.params.accumulate))
        starts = range(rank, clips, largest * size)
        return [slice(start, min(start + largest * size, clips), size) for start in starts]

    def step(self, batch: Batch, rate: Tensor) -> Tensor:
        """Forward, backward and SGD with a rate (); (4,) the losses and the gradient's norm."""
        losses, gradients = self._gradients(batch)
        self.world.sum([losses, *gradients])
        with torch.no_grad():
            norm = self._descend(gradients, rate)
            for average, leaf in zip(self._averages or (), self._leaves, strict=False):
                average.lerp_(leaf, 1 - self.params.average_decay)
        return torch.cat([losses, norm[None]])

    def _gradients(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        """What this process's clips add to the mean over the batch: (3,) the losses, the gradient of each leaf."""
        rows, label, relative_offset = batch
        for leaf in self._leaves:
            leaf.grad = None
        total = torch.zeros(3, device=label.device)
        for own in self.own(len(label)):
            clips = self.inputs.clips(rows[:, own])
            logits, offset = spectral.forward(self.weights, clips, self.params.dropout)
            losses = torch.stack(rms_loss(logits, offset, label[own], relative_offset[own], self._regression_weight))
            losses = losses * (len(logits) / len(label))  # parts add up to the mean over the batch
            losses[0].backward()  # type: ignore[no-untyped-call]  # torch leaves backward untyped
            total += losses.detach()
        return total, self._found(self._leaves)

    def _descend(self, gradients: list[Tensor], rate: Tensor) -> Tensor:
        """Change the weights; () the gradient's norm."""
        params = self.params
        norm = torch.nn.utils.get_total_norm(gradients)
        if norm > LONGEST_GRADIENT:
            torch.nn.utils.clip_grads_with_norm_(self._leaves, LONGEST_GRADIENT, norm)
        # What torch.optim.SGD(fused=True) calls, without the thousand modules of a compiler that it imports.
        torch._fused_sgd_(
            self._leaves,
            gradients,
            self._momenta,
            weight_decay=params.weight_decay,
            momentum=params.momentum,
            lr=rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )
        return norm

    @property
    def _regression_weight(self) -> float:
        return self.params.regression_weight if self.params.regression else 0.0

    @staticmethod
    def _found(leaves: Sequence[Tensor]) -> list[Tensor]:
        """The gradients of leaves; zeros where this process had no clips."""
        return [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]


class VectorLearner(Learner):
    """The same with the network's weights as one vector and its gradient written out: the way of a GPU.

    64 clips are so little for a GPU that the number of operations is the time, and nothing may wait for it.
    """

    def _of_network(self, network: RMSNet) -> list[Tensor]:
        self._vector = unfolded.weight_vector(network)
        return [self._vector.weights]

    def _named(self, leaves: Sequence[Tensor]) -> dict[str, Tensor]:
        vector, *of_inputs = leaves
        return {**self._vector.named(vector), **dict(zip(self.inputs.weights, of_inputs, strict=True))}

    def _gradients(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        rows, label, relative_offset = batch
        vector = self._leaves[0].to(self.precision)
        weights = self._vector.parts(vector)
        for leaf in self._leaves[1:]:
            leaf.grad = None
        parts = []
        for own in self.own(len(label)):
            clips = self.inputs.clips(rows[:, own])
            passed = unfolded.forward(weights, clips, self.params.dropout)
            losses, of_outputs = rms_loss_gradient(
                passed.outputs, label[own], relative_offset[own], self._regression_weight, len(label)
            )
            of_vector = torch.empty_like(vector)
            of_frames = unfolded.backward(weights, passed, of_outputs, self._vector.parts(of_vector))
            if clips.requires_grad:
                of_clips = of_frames @ weights["fc1.weight"]
                clips.backward(of_clips.view_as(clips))  # type: ignore[no-untyped-call]  # torch leaves it untyped
            parts.append((losses, of_vector))
        if len(parts) == self.world.size == 1:
            losses, of_vector = parts[0]
        else:
            losses = sum((losses for losses, _ in parts), torch.zeros(3, device=label.device))
            of_vector = sum((part.float() for _, part in parts), torch.zeros_like(self._leaves[0]))
        return losses, [of_vector, *self._found(self._leaves[1:])]

    def _descend(self, gradients: list[Tensor], rate: Tensor) -> Tensor:
        norms = [torch.linalg.vector_norm(gradient, dtype=torch.float32) for gradient in gradients]
        norm: Tensor = norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms))
        too_long = (norm / LONGEST_GRADIENT).clamp(min=1)  # to ask whether it is would cost more than to divide
        for leaf, gradient, momentum in zip(self._leaves, gradients, self._momenta, strict=True):
            momentum.mul_(self.params.momentum).addcdiv_(gradient, too_long).add_(leaf, alpha=self.params.weight_decay)
            leaf.addcmul_(momentum, rate, value=-1)
        return norm
