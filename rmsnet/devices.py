"""Where and in which precision the network computes."""

import torch

from rmsnet.errors import UserError


def choose_device(name: str) -> torch.device:
    """The device for "auto", "cpu" or "cuda"; "auto" takes the GPU where there is one.

    Raises:
        UserError: "cuda" without a usable GPU.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: PyTorch sees no GPU here; use --device cpu")
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The compute type for "auto", "float32" or "bfloat16"; "auto" takes bfloat16 where the hardware multiplies it."""
    if name == "auto":
        if device.type == "cuda":
            fast = torch.cuda.is_bf16_supported(including_emulation=False)
        else:
            capabilities = torch.cpu.get_capabilities()
            fast = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("arm_bf16"))
        return torch.bfloat16 if fast else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
