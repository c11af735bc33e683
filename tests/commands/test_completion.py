import subprocess

import pytest

from rmsnet import cli
from rmsnet.params import load_params


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["reg"], ["registry"]),
        (["registry", "ro"], ["rollback"]),
        (["registry", "rollback", "--re"], ["--reason"]),
        (["train", "--set", "train.ba"], ["train.background_clips=", "train.batch_size=", "train.backbone="]),
        (["train", "--device", "c"], ["cpu", "cuda"]),
        (["train", "--out", ""], []),  # the shell knows files
        (["evaluate", "--protocol", "soc"], ["soccernet-2018"]),
        (["evaluate", "--json", "--protocol", "cal"], ["calf"]),
        (["nonsense", ""], []),
    ],
)
def test_what_a_word_may_become(words, found, capsys):
    assert cli.main(["completion", "--words", *words]) == 0
    assert capsys.readouterr().out.split() == found


def test_every_name_that_is_told_can_be_set(capsys):
    cli.main(["completion", "--words", "train", "--set", ""])
    names = [name.removesuffix("=") for name in capsys.readouterr().out.split()]
    assert {"train.epochs", "spot.stride", "register.model_name"} <= set(names)
    params = load_params()
    for name in names:
        section, key = name.split(".")
        assert hasattr(getattr(params, section), key), name


def test_a_shell_takes_the_script(capsys, tmp_path):
    cli.main(["completion", "bash"])
    (tmp_path / "script").write_text(capsys.readouterr().out)
    (tmp_path / "rmsnet").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    (tmp_path / "rmsnet").chmod(0o755)
    typed = (
        f"PATH={tmp_path}:$PATH; source {tmp_path}/script; complete -p rmsnet; "
        "COMP_WORDS=(rmsnet train --set 'train.e x'); COMP_CWORD=3; _rmsnet; printf '%s|' \"${COMPREPLY[@]}\""
    )
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, check=True)
    assert done.stdout == ("complete -o default -F _rmsnet rmsnet\ncompletion|--words|train|--set|train.e x|")
