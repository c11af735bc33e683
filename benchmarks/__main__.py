"""Every benchmark, short, and one page with this machine's numbers beside ours: `make bench`.

    python -m benchmarks [--out bench] [--only training,prompt]

Each runs in a process of its own and is stopped when its time is up. One that fails, is stopped or lacks what it reads
is named with the reason, and the others go on; if one failed, the command ends with 1. The folder has `results.json`,
`results.md` and `report.html`, all whole after every benchmark. `benchmarks/ours.json` is such a results.json of ours.
"""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from benchmarks.gpu.record import Record, failures
from benchmarks.machine import described
from benchmarks.page import write_page
from benchmarks.short import BENCHMARKS, Short

OURS = Path(__file__).parent / "ours.json"
TITLE = "Benchmarks of rmsnet"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("bench"), help="folder for results and page (default: bench)")
    parser.add_argument("--only", type=_named, default=BENCHMARKS, help="some of them, separated by commas")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.json").unlink(missing_ok=True)
    machine = Record(options.out, "machine", TITLE)
    for what, value in described().items():
        machine.row(what, value)
    machine.put(state="done")
    for benchmark in options.only:
        run(benchmark, Record(options.out, benchmark.name, TITLE))
        write_page(options.out, OURS)
    found = machine.everything()
    print("\n".join(["", *failures(found), str(options.out / "report.html")]))
    return int(any(section["state"].startswith("failed") for section in found.values()))


def _named(text: str) -> tuple[Short, ...]:
    names = text.split(",")
    known = {benchmark.name: benchmark for benchmark in BENCHMARKS}
    for name in names:
        if name not in known:
            raise argparse.ArgumentTypeError(f"no benchmark {name!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in names)


def run(benchmark: Short, record: Record) -> None:
    """Run one and keep what it prints, its figures, and what it took."""
    reason = _lacks(benchmark)
    if reason:
        record.put(state=f"not run: {reason}")
        return
    print(f"{benchmark.name}: {benchmark.says}", flush=True)
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [sys.executable, *benchmark.arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=benchmark.seconds)
        state = "done" if process.returncode == 0 else f"failed: {_last_line(errors)}"
    except subprocess.TimeoutExpired:
        _end(process)
        output, errors = process.communicate()
        state = f"stopped after {benchmark.seconds} s"
    finally:
        _end(process)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    for figure in benchmark.figures:
        value = figure.of(output)
        if value is not None:
            record.row(figure.name, value, figure.unit, "more is better" if figure.more_is_better else "")
        elif state == "done":
            state = f"failed: prints no figure for {figure.name}"
    record.put(
        state=state,
        cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        seconds=time.monotonic() - started,
        says=benchmark.says,
        command=f"python {' '.join(benchmark.arguments)}",
        texts={"output": output.strip()},
    )


def _lacks(benchmark: Short) -> str:
    """Why a benchmark cannot run here; "" it can."""
    if benchmark.program and shutil.which(benchmark.program) is None:
        return f"this machine has no {benchmark.program}"
    return "; ".join(f"no {path} here ({made})" for path, made in benchmark.needs if not Path(path).exists())


def _last_line(errors: str) -> str:
    lines = errors.strip().splitlines()
    return lines[-1][:300] if lines else "said nothing"


def _end(process: "subprocess.Popen[str]") -> None:
    """End it and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    sys.exit(main())
