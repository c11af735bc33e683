"""What `rmsnet doctor` looks for on this machine: versions, compiled kernels, GPU, codecs, store, DVC, room."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path

from rmsnet.errors import UserError, one_line
from rmsnet.parts import installing
from rmsnet.provenance import PACKAGE
from rmsnet.workplace.findings import Finding

NEEDED_GB = 8
"""Of disk: the environment, a demo and its store."""

DECODERS = ("h264", "hevc", "mpeg2video", "vp9", "av1")
ENCODERS = ("libx264", "aac")


def examine() -> Iterator[Finding]:
    """Everything that a command may need here, one after the other."""
    yield _python()
    yield _packages()
    for what, module, looks in (
        ("PyTorch", "torch", (_kernels, _gpu)),
        ("PyAV", "av", (_codecs,)),
        ("MLflow", "mlflow", (_store,)),
        ("DVC", "dvc", (_dvc,)),
    ):
        if find_spec(module) is None:
            yield Finding(what, None, f"not installed: {installing(module)}")
        else:
            for look in looks:
                yield look()
    yield _room()
    yield _cluster()


def _python() -> Finding:
    said = f"{platform.python_version()} ({sys.executable})"
    return Finding("Python 3.11 or newer", sys.version_info >= (3, 11), said)


def _packages() -> Finding:
    """The lock where there is one, beside the sources; of an installed wheel what it asks for."""
    from packaging.requirements import Requirement

    lock = PACKAGE.with_name("requirements.lock")
    if lock.exists():
        lines = [line for line in lock.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    else:
        lines = [line for line in requires("rmsnet") or () if "extra ==" not in line]
    wrong, count = [], 0
    for requirement in map(Requirement, lines):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        count += 1
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is not installed")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} is {installed}, not {requirement.specifier}")
    of = "the lock's" if lock.exists() else "required"
    said = (
        f"{'; '.join(wrong[:3])}{f' and {len(wrong) - 3} more' if len(wrong) > 3 else ''}; make setup" if wrong else ""
    )
    return Finding(f"{count} packages in {of} versions", not wrong, said)


def _kernels() -> Finding:
    import torch

    from rmsnet.network import kernels
    from rmsnet.network.devices import choose_precision

    precision = choose_precision("auto", torch.device("cpu"))
    name = kernels.chosen(precision)
    used = name != kernels.PYTORCH
    by = f"by the kernels for {name}" if used else "with PyTorch alone"
    said = f"training computes in {str(precision).removeprefix('torch.')} {by} on {os.cpu_count()} cores"
    return Finding("compiled kernels", used or None, said)


def _gpu() -> Finding:
    import torch

    if not torch.cuda.is_available():
        return Finding("GPU", None, "PyTorch sees none; everything runs on the CPU")
    properties = torch.cuda.get_device_properties(0)
    memory = f"{properties.total_memory / 2**30:.0f} GiB"
    return Finding("GPU", True, f"{torch.cuda.device_count()} × {properties.name}, {memory}")


def _codecs() -> Finding:
    import av
    from av.codec import Codec

    missing = []
    for names, mode in ((DECODERS, "r"), (ENCODERS, "w")):
        for name in names:
            try:
                Codec(name, mode)
            except (ValueError, av.error.FFmpegError):
                missing.append(f"{name} to {'read' if mode == 'r' else 'write'}")
    what = f"FFmpeg's codecs ({', '.join((*DECODERS, *ENCODERS))})"
    return Finding(what, not missing, f"without {', '.join(missing)}" if missing else f"PyAV {version('av')}")


def _store() -> Finding:
    from rmsnet.tracking.store import shown, sqlite_path, tracking_uri

    what = "MLflow store"
    where = sqlite_path(tracking_uri())
    if where is not None and not where.exists():
        writable = os.access(where.parent, os.W_OK)
        return Finding(
            what, writable or False, f"{where} will be made" if writable else f"{where.parent}: not writable"
        )
    from rmsnet import tracking

    try:
        tracking.aliases("rmsnet")
    except (UserError, OSError) as error:
        return Finding(what, False, one_line(error))
    return Finding(what, True, shown(tracking.tracking_uri()))


def _dvc() -> Finding:
    if not any((folder / ".dvc").is_dir() for folder in (Path.cwd(), *Path.cwd().parents)):
        return Finding("DVC", None, f"{version('dvc')}; no DVC project here: dvc repro needs one")
    return Finding("DVC", shutil.which("git") is not None, f"{version('dvc')}, project found")


def _room() -> Finding:
    import psutil

    free = shutil.disk_usage(Path.cwd()).free / 1e9
    memory = psutil.virtual_memory().available / 2**30
    return Finding(f"{NEEDED_GB} GB of disk", free >= NEEDED_GB, f"{free:.1f} GB free; {memory:.1f} GiB of memory free")


def _cluster() -> Finding:
    host = os.environ.get("KFP_HOST")
    config = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    if not host and not Path(config.partition(os.pathsep)[0]).exists():
        return Finding(
            "cluster", None, "neither KFP_HOST nor a kubeconfig; pipelines run here: python -m pipelines run"
        )
    named = " and ".join([*(["KFP_HOST"] if host else []), *(["a kubeconfig"] if Path(config).exists() else [])])
    return Finding("cluster", True, f"{named}; ask it with: python -m pipelines doctor --deployment FILE")
