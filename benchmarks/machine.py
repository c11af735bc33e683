"""The machine that a benchmark runs on, as its page describes it."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

FLAGS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "asimd", "asimddp", "bf16", "i8mm")
"""What decides which kernels run, on x86-64 and on ARM64."""

PACKAGES = ("torch", "numpy", "matplotlib", "msgspec", "av", "onnxruntime", "mlflow", "SoccerNet")


def processor() -> str:
    """Its name, or that of its kind where the system does not tell."""
    return _told("model name") or platform.machine()


def flags() -> list[str]:
    """Those of `FLAGS` that the processor has."""
    has = (_told("flags") or _told("Features")).split()
    return [flag for flag in FLAGS if flag in has]


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def described() -> dict[str, str]:
    """What matters for speed, and the versions of what is fast or slow."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor(),
        "its instructions": ", ".join(flags()) or "not told",
        "cores": str(cores()),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "versions": ", ".join([f"Python {platform.python_version()}", *filter(None, map(_version, PACKAGES))]),
    }


def _told(name: str) -> str:
    """What the kernel says of the first core."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    return next((line.partition(": ")[2] for line in lines if line.partition("\t")[0] == name), "")


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return ""
