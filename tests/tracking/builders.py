"""Model folders without a training."""

from pathlib import Path

import numpy as np
import torch

from rmsnet.network.model import RMSNet
from rmsnet.network.model_files import save_model
from rmsnet.params import TrainParams
from rmsnet.training.loop import model_config
from tests.builders import bank

PARAMS = TrainParams(clip_frames=9)


def model_folder(folder: Path, seed: int = 0, silent: bool = False) -> Path:
    """A model with random weights for the features of `tests.builders.bank`; a silent one finds nothing."""
    torch.manual_seed(seed)
    network = RMSNet(8, 3)
    if silent:
        network.fc_cls.bias.data[-1] += 1000
    folder.mkdir(parents=True)
    save_model(folder, network, model_config(PARAMS, bank([100]), folder.name))
    return folder


EXAMPLE = np.random.default_rng(5).normal(size=(120, 8)).astype(np.float32)
"""(T, D) features that the model takes."""
