"""The compiled convolutions for processors that this machine has not: cross-compiled, emulated, against naive loops.

On Debian both come with `apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user`.
"""

import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from rmsnet.network import kernels

CHECK = Path(__file__).with_name("kernels_check.c")


@pytest.mark.parametrize(
    ("kind", "compiler", "emulator"),
    [
        ("neon", "aarch64-linux-gnu-gcc", "qemu-aarch64"),
        ("avx2" if platform.machine() == "x86_64" else "neon", os.environ.get("CC", "cc"), None),
    ],
    ids=["ARM64", "this machine"],
)
def test_the_kernels_compute_what_naive_loops_do(kind, compiler, emulator, tmp_path):
    needed = [compiler] + ([emulator] if emulator else [])
    if missing := [tool for tool in needed if shutil.which(tool) is None]:
        pytest.skip(f"no {' and no '.join(missing)}")
    if emulator is None and kind not in kernels.usable():
        pytest.skip("not this processor, or the package was installed without a compiler")
    program = str(tmp_path / "check")
    sources = ["-I", str(Path(kernels.__file__).parent), str(CHECK)]
    options = ["-O3", "-fopenmp", "-static", "-w", f"-DKIND={kind}"]
    subprocess.run([compiler, *options, *sources, "-o", program, "-lm"], check=True, stderr=subprocess.DEVNULL)
    done = subprocess.run([emulator, program] if emulator else [program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 6
