import numpy as np
import torch

from rmsnet.network import devices

CPU = torch.device("cpu")


def test_features_are_converted_piece_by_piece_as_all_at_once(monkeypatch):
    monkeypatch.setattr(devices, "ROWS_AT_ONCE", 4)
    features = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
    found = devices.resident_features(features, torch.bfloat16, CPU)
    assert torch.equal(found, torch.from_numpy(features).bfloat16())


def test_on_a_cpu_in_float32_they_stay_where_they_are():
    features = np.zeros((10, 3), np.float32)
    assert devices.resident_features(features, torch.float32, CPU).data_ptr() == features.ctypes.data
