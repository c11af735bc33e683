"""Where the compiled products may lie."""

import shutil
from pathlib import Path

from rmsnet.network import kernels


def test_a_dvc_experiment_uses_what_its_project_has_compiled_of_the_same_source(tmp_path, monkeypatch):
    source = Path(kernels.__file__).with_name("kernels.c")
    for folder in ("project", "experiment"):
        (tmp_path / folder / "rmsnet" / "network").mkdir(parents=True)
        shutil.copy(source, tmp_path / folder / "rmsnet" / "network")
    experiment, project = (tmp_path / name / "rmsnet" / "network" for name in ("experiment", "project"))
    monkeypatch.setattr(kernels, "__file__", str(experiment / "kernels.py"))
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))
    assert list(kernels._places()) == [experiment, project]
    (project / "kernels.c").write_text("another")
    assert list(kernels._places()) == [experiment]
