import math

import pytest
import torch
from torch import nn

from rmsnet.network.model import RMSNet, rms_loss, rms_loss_gradient


def test_the_network_of_the_paper_has_1025029_parameters():
    assert sum(parameter.numel() for parameter in RMSNet(512, 3).parameters()) == 1_025_029


def test_layers_are_those_of_table_1():
    network = RMSNet(512, 3)
    shapes = {name: tuple(parameter.shape) for name, parameter in network.named_parameters() if "weight" in name}
    assert shapes == {
        "fc1.weight": (256, 512),
        "conv1.weight": (256, 256, 9),
        "conv2.weight": (128, 256, 9),
        "fc2.weight": (64, 128),
        "fc_cls.weight": (4, 64),
        "fc_regr.weight": (1, 64),
    }
    assert all(conv.stride == (1,) and conv.padding == (4,) for conv in (network.conv1, network.conv2))
    assert network.dropout.p == 0.1


def test_forward_is_the_stack_of_figure_2():
    torch.manual_seed(0)
    network = RMSNet(16, 3).eval()
    clips = torch.randn(2, 41, 16)
    logits, offset = network(clips)
    assert logits.shape == (2, 4)
    assert offset.shape == (2,)
    x = nn.functional.linear(clips, network.fc1.weight, network.fc1.bias).transpose(1, 2)
    for conv in (network.conv1, network.conv2):
        x = nn.functional.conv1d(x, conv.weight, conv.bias, padding=4).clamp(min=0)
    x = nn.functional.linear(x.max(dim=2).values, network.fc2.weight, network.fc2.bias).clamp(min=0)
    torch.testing.assert_close(logits, x @ network.fc_cls.weight.T + network.fc_cls.bias)
    torch.testing.assert_close(offset, (x @ network.fc_regr.weight.T + network.fc_regr.bias)[:, 0])


def test_any_clip_length_and_class_count_works():
    logits, offset = RMSNet(8, 17)(torch.randn(3, 11, 8))
    assert logits.shape == (3, 18)
    assert offset.shape == (3,)


def test_loss_of_a_foreground_clip_worked_by_hand():
    """Eq. 1-3 with logits (ln 2, 0, 0, 0), label 0, o = 0 (σ = 0.5), r = 0.25, λ = 10."""
    logits = torch.tensor([[math.log(2), 0.0, 0.0, 0.0]])
    loss, classification, regression = rms_loss(
        logits, torch.tensor([0.0]), torch.tensor([0]), torch.tensor([0.25]), 10.0
    )
    assert classification.item() == pytest.approx(-math.log(2 / 5))
    assert regression.item() == pytest.approx(0.0625)
    assert loss.item() == pytest.approx(-math.log(2 / 5) + 0.625)


def test_a_background_clip_has_no_regression_loss():
    logits = torch.zeros(1, 4)
    loss, classification, regression = rms_loss(
        logits, torch.tensor([3.0]), torch.tensor([3]), torch.tensor([-0.1]), 10.0
    )
    assert regression.item() == 0
    assert loss.item() == classification.item() == pytest.approx(math.log(4))


def test_the_loss_of_a_batch_is_the_mean_over_its_clips():
    logits = torch.zeros(2, 4)
    loss, _, regression = rms_loss(logits, torch.zeros(2), torch.tensor([0, 3]), torch.tensor([0.0, 0.0]), 10.0)
    assert regression.item() == pytest.approx(0.125)
    assert loss.item() == pytest.approx(math.log(4) + 1.25)


def test_background_gives_the_regression_branch_no_gradient():
    offset = torch.tensor([0.3], requires_grad=True)
    loss, _, _ = rms_loss(torch.zeros(1, 4), offset, torch.tensor([3]), torch.tensor([0.9]), 10.0)
    loss.backward()
    assert offset.grad is not None
    assert offset.grad.item() == 0


@pytest.mark.parametrize("weight", [0.0, 10.0])
def test_the_gradient_written_out_is_autograds(weight):
    torch.manual_seed(0)
    outputs = torch.randn(12, 5, requires_grad=True)
    label, relative_offset = torch.randint(4, (12,)), torch.rand(12)
    losses = torch.stack(rms_loss(outputs[:, :4], outputs[:, 4], label, relative_offset, weight))
    losses[0].backward()
    of_parts = [
        rms_loss_gradient(outputs[part], label[part], relative_offset[part], weight, 12)
        for part in (slice(0, 7), slice(7, 12))
    ]
    torch.testing.assert_close(sum(found for found, _ in of_parts), losses.detach())
    torch.testing.assert_close(torch.cat([gradient for _, gradient in of_parts]), outputs.grad)
