"""What `rmsnet` alone says: project, dataset, last training, champion, what is stale, and what comes next."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rmsnet.errors import UserError, one_line
from rmsnet.params import Params, load_params

DVC_SECONDS = 60
"""That `dvc status` may take; it reads what has changed since it last looked."""


def standing() -> Iterator[tuple[str, str]]:
    """(what, where it stands), one after the other as they are known; the last is ("next", a command to run)."""
    project = Path("params.yaml").exists() and Path("dvc.yaml").exists()
    yield "project", f"{Path.cwd()}" if project else f"none in {Path.cwd()} (no params.yaml beside dvc.yaml)"
    try:
        params = load_params()
    except UserError as error:
        yield "parameters", one_line(error)
        return
    there, said = _dataset(params)
    yield "dataset", said
    trained, said = _last_training()
    yield "last training", said
    champion, said = _champion(params.register.model_name)
    yield "champion", said
    stale = _stale() if project and there else []
    if project and there:
        yield "stale", ", ".join(stale) or "nothing: what dvc repro would make is there"
    yield "next", _next(params, project, there, trained, champion, bool(stale))


def _next(params: Params, project: bool, dataset: bool, trained: bool, champion: bool, stale: bool) -> str:
    """The command that a person who has got so far would run."""
    if not dataset:
        return f"rmsnet data simulate --out {params.data.root} (or your own matches: rmsnet data init --help)"
    if project and (stale or not trained):
        return "dvc repro"
    if not trained:
        return f"rmsnet validate {params.data.root} --out reports/validation"
    if not champion:
        return "rmsnet registry register --help"
    return f"rmsnet spot MATCH --model models:/{params.register.model_name}@champion --out spotted"


def _dataset(params: Params) -> tuple[bool, str]:
    from rmsnet.dataset.soccernet import list_dataset

    root = Path(params.data.root)
    if not root.is_dir():
        return False, f"{root}/ is not there"
    try:
        dataset = list_dataset(root)
    except UserError as error:
        return False, one_line(error)
    games = ", ".join(f"{len(listed)} {split}" for split, listed in dataset.splits.items())
    return True, f"{root}/: {dataset.name}{' (simulated)' if dataset.simulated else ''}: {games}"


def _last_training() -> tuple[bool, str]:
    from rmsnet.training.history import best_epoch, read_history

    found = sorted(Path("models").glob("*/history.csv"), key=lambda path: path.stat().st_mtime)
    if not found:
        return False, "none in models/"
    try:
        history = read_history(found[-1])
    except UserError as error:
        return False, one_line(error)
    if not history:
        return False, f"{found[-1].parent}: no epoch is done"
    best = best_epoch(history)
    score = f"valid Average-mAP {100 * best.valid_average_map:.1f} in epoch {best.epoch} of {len(history)}"
    return True, f"{found[-1].parent}: {score}; {len(found)} in models/"


def _champion(name: str) -> tuple[bool, str]:
    from rmsnet.tracking.store import shown, sqlite_path, tracking_uri

    where = sqlite_path(tracking_uri())
    if where is not None and not where.exists():
        return False, f"none: there is no store yet ({where})"
    from rmsnet import tracking

    try:
        pointed = tracking.aliases(name)
        if "champion" not in pointed:
            return False, f"{name} has none in {shown(tracking.tracking_uri())}"
        found = next(item for item in tracking.versions(name) if item.version == pointed["champion"])
    except (UserError, OSError) as error:
        return False, one_line(error)
    about = [found.tags.get("variant", ""), found.tags.get("dataset", "")]
    told = ", ".join(filter(None, about))
    return True, f"{name} version {found.version}{f' ({told})' if told else ''}"


def _stale() -> list[str]:
    """The stages that `dvc repro` would run, but for those that always run; one line instead where DVC cannot say."""
    command = [sys.executable, "-m", "dvc", "status", "--json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=DVC_SECONDS)
        found: dict[str, list[Any]] = json.loads(done.stdout or "{}")
    except subprocess.CalledProcessError as error:
        return [f"DVC cannot say ({' '.join(error.stderr.split())[:200]})"]
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return [f"DVC cannot say ({one_line(error)[:200]})"]
    return [stage for stage, reasons in found.items() if reasons != ["always changed"]]
