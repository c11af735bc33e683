import numpy as np
import pytest
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


@pytest.mark.parametrize(("capability", "expected"), [("avx512_bf16", torch.bfloat16), ("avx2", torch.float32)])
def test_the_precision_is_bfloat16_where_the_cpu_has_instructions_for_it(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {capability: True})
    assert devices.choose_precision("auto", CPU) == expected
    assert devices.choose_precision("bfloat16", CPU) == torch.bfloat16
