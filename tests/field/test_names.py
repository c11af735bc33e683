"""Names as Windows, Macs, old disks and other alphabets write them (F20, F21), links of caches (F24), text as code."""

import csv
import json
import os
import shutil
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import pytest

from rmsnet import cli
from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.soccernet import open_dataset
from rmsnet.errors import UserError
from rmsnet.evaluation.files import read_predictions
from rmsnet.style.palette import look
from rmsnet.style.plot import draw_line, figure, name_axes, png
from rmsnet.style.tables import as_csv, markdown_text
from tests.field.league import (
    GAMES,
    SET_FEATURES,
    game,
    predictions,
    write_json,
    write_league,
)
from tests.matches.builders import write_features, write_model

RESULTS = "results_spotting.json"
ACCENTED = game(7, "Atlético", "Köln")
DECOMPOSED = unicodedata.normalize("NFD", ACCENTED)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "tiny")


class Unflagged(zipfile.ZipInfo):
    """A member whose name is UTF-8 without the flag that says so, as Macs write them."""

    def _encodeFilenameFlags(self):
        return self.filename.encode(), self.flag_bits & ~0x800


def packed(path: Path, names: list[str], content: str, kind: type[zipfile.ZipInfo] = zipfile.ZipInfo) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            member = kind("x")
            member.filename = name
            archive.writestr(member, content)
    return path


def read(source: Path, names: list[str]) -> list[int]:
    return read_predictions(source, names, class_list("v1")).predictions.position_ms.tolist()


ZIPS = {
    "Windows": ([f"{ACCENTED}/{RESULTS}".replace("/", "\\")], zipfile.ZipInfo),
    "a Mac": ([f"{DECOMPOSED}/{RESULTS}", f"__MACOSX/{DECOMPOSED}/._{RESULTS}"], Unflagged),
    "a Mac, Finder's own files in it": ([f"{ACCENTED}/{RESULTS}", ".DS_Store", f"{ACCENTED}/.DS_Store"], Unflagged),
    "a folder around the games": ([f"my results/{ACCENTED}/{RESULTS}"], zipfile.ZipInfo),
    "two folders around the games": ([f"my/results/{DECOMPOSED}/{RESULTS}"], zipfile.ZipInfo),
    "folders that are listed, too": ([f"a/{ACCENTED}/", "a/", f"a/{ACCENTED}/{RESULTS}"], zipfile.ZipInfo),
}


@pytest.mark.parametrize(("names", "kind"), ZIPS.values(), ids=ZIPS)
def test_a_zip_is_read_whoever_packed_it(tmp_path, names, kind):
    archive = packed(tmp_path / "results.zip", names, json.dumps(predictions(ACCENTED)), kind)
    assert read(archive, [ACCENTED]) == [10_000, 40_000]


BAD_ZIPS = {
    "leads out with backslashes": (["..\\..\\evil.json"], "leads out of it"),
    "leads out from within": ([f"a/../../{RESULTS}"], "leads out of it"),
    "twice": ([f"{ACCENTED}/{RESULTS}", f"{DECOMPOSED}/{RESULTS}"], "twice; pack it anew"),
    "twice by its slashes": ([f"{ACCENTED}/{RESULTS}", f"{ACCENTED}/{RESULTS}".replace("/", "\\")], "twice"),
    "another game": ([f"{ACCENTED}/{RESULTS}", f"{game(8)}/{RESULTS}"], "a game outside the split"),
}


@pytest.mark.parametrize(("names", "says"), BAD_ZIPS.values(), ids=BAD_ZIPS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_stays_refused(tmp_path, names, says):
    archive = packed(tmp_path / "results.zip", names, json.dumps(predictions(ACCENTED)))
    with pytest.raises(UserError, match=says):
        read(archive, [ACCENTED])


def test_an_encrypted_zip_is_one_line(tmp_path):
    archive = packed(tmp_path / "results.zip", [f"{ACCENTED}/{RESULTS}"], json.dumps(predictions(ACCENTED)))
    content = bytearray(archive.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + place] |= 1
    archive.write_bytes(content)
    with pytest.raises(UserError, match="encrypted"):
        read(archive, [ACCENTED])


@pytest.mark.parametrize("around", ["", "unpacked", "un/packed"])
def test_a_folder_from_a_mac_is_read_as_it_lies_there(tmp_path, around):
    write_json(tmp_path / "found" / around / DECOMPOSED / RESULTS, predictions(ACCENTED))
    (tmp_path / "found" / ".DS_Store").touch()
    assert read(tmp_path / "found", [ACCENTED]) == [10_000, 40_000]


def test_a_dataset_whose_folders_are_decomposed_goes_through_every_command(model, tmp_path, capsys):
    data = write_league(tmp_path / "data", {**GAMES, "test": [ACCENTED]})
    (data / ACCENTED).rename(data / DECOMPOSED)
    for command in (
        ["validate", data, "--out", tmp_path / "report", *SET_FEATURES],
        ["data", "inspect", data, *SET_FEATURES],
        ["extract", data, "--out", tmp_path / "features", *SET_FEATURES],
        ["spot", data, "--split", "test", "--model", model, "--out", tmp_path / "out"],
        [*evaluation(data, tmp_path), "--split", "test"],
    ):
        assert cli.main([str(part) for part in command]) == 0, capsys.readouterr().err
    said = capsys.readouterr().out
    assert "in no split" not in said
    assert "no gaps" in said
    assert (tmp_path / "out" / ACCENTED / RESULTS).exists()


def evaluation(data: Path, tmp_path: Path) -> list[object]:
    files = ("--labels", data, "--predictions", tmp_path / "out", "--out", tmp_path / "evaluation")
    return ["evaluate", *files, "--classes", "v1", "--bootstrap", "0"]


@pytest.mark.parametrize(
    "name",
    [
        "Goal: the final",
        "5 $ and $x^2$ _a_",
        "日本 - 韓国",
        "كرة القدم",
        "a#b?c%20d",
        "'quoted' \"twice\"",
        "-dashed",
        "=sum",
    ],
)
def test_whatever_name_the_system_allows_is_spotted(model, tmp_path, monkeypatch, capsys, name):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    write_features(Path(f"{name}.npy"))
    assert cli.main(["spot", f"./{name}.npy", "--model", str(model), "--out", f"./{name}"]) == 0
    assert json.loads(Path(name, RESULTS).read_text(encoding="utf-8"))["UrlLocal"] == name


def test_a_league_of_such_names_is_validated_extracted_and_spotted(model, tmp_path, capsys):
    names = ["l$/s#/a:b", "l$/s#/日本 ? 韓国", "=l/100% s/<b>كرة</b> | x"]
    data = write_league(tmp_path / "data", {"train": names[:1], "valid": names[1:2], "test": names[2:]})
    write_json(data / "dataset.json", {"name": "<script>x</script> | $5 和", "simulated": True})
    for command in (
        ["validate", data, "--out", tmp_path / "report", *SET_FEATURES],
        ["extract", data, "--out", tmp_path / "features", *SET_FEATURES],
        ["spot", data, "--model", model, "--out", tmp_path / "out"],
        [*evaluation(data, tmp_path), "--split", tmp_path / "all.json"],
    ):
        write_json(tmp_path / "all.json", names)
        assert cli.main([str(part) for part in command]) == 0, capsys.readouterr().err
    index = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert 'href="l%24/s%23/a%3Ab/report.html"' in index
    for page in tmp_path.rglob("*.[hm][td]*"):
        assert "<script>x" not in page.read_text(encoding="utf-8"), page


@pytest.mark.parametrize("place", ["argument", "working directory"])
def test_a_name_that_is_not_utf_8_is_one_line_before_anything_is_computed(model, tmp_path, place):
    folder = tmp_path / (os.fsdecode(b"caf\xe9") if place == "working directory" else "cafe")
    write_features(folder / "half.npy")
    source = "half.npy"
    if place == "argument":
        source = os.fsdecode(b"caf\xe9.npy")
        (folder / "half.npy").rename(folder / source)
    done = rmsnet(folder, "spot", source, "--model", str(model), "--out", "out")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "caf\\udce9" in done.stderr
    assert "is not UTF-8" in done.stderr
    assert not (folder / "out").exists()


def rmsnet(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **variables}
    command = [sys.executable, "-m", "rmsnet.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_a_log_that_knows_ascii_alone_gets_escapes(model, tmp_path, variables):
    write_features(tmp_path / "日本 – Köln.npy")
    command = ["spot", "日本 – Köln.npy", "--model", str(model), "--out", "out"]
    if "LC_ALL" in variables:
        command[1] = "half.npy"
        (tmp_path / "日本 – Köln.npy").rename(tmp_path / "half.npy")
    done = rmsnet(tmp_path, *command, **variables)
    assert done.returncode == 0, done.stderr
    done = rmsnet(tmp_path, *command, "--json", **variables)
    (match,) = json.loads(done.stdout)
    assert match["name"] in ("日本 – Köln", "half")


def test_a_class_list_from_an_editor_of_windows_is_read(tmp_path):
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "own.txt").write_bytes("Tor\r\nFoul\r\n".encode(encoding))
        (tmp_path / "own.json").write_bytes('["Tor", "Foul"]'.encode(encoding))
        assert class_list(str(tmp_path / "own.txt")).classes == ("Tor", "Foul")
        assert class_list(str(tmp_path / "own.json")).classes == ("Tor", "Foul")


def test_a_dataset_in_a_cache_of_hugging_face_is_inside_itself(model, tmp_path, capsys):
    """Snapshots are links into ../../blobs."""
    snapshot = in_a_cache(write_league(tmp_path / "data"), tmp_path / "hub")
    for command in all_commands(snapshot, model, tmp_path):
        assert cli.main(command) == 0, capsys.readouterr().err


def test_blobs_of_another_cache_are_not(model, tmp_path, capsys):
    snapshot = in_a_cache(write_league(tmp_path / "data"), tmp_path / "hub")
    (tmp_path / "hub" / "blobs").rename(tmp_path / "blobs")
    for path in snapshot.rglob("*.npy"):
        target = tmp_path / "blobs" / path.readlink().name
        path.unlink()
        path.symlink_to(target)
    (tmp_path / "hub" / "blobs").symlink_to(tmp_path / "blobs")
    for command in all_commands(snapshot, model, tmp_path)[1:]:
        assert cli.main(command) == (1 if command[0] == "validate" else 2), command
        assert "out of the dataset" in capsys.readouterr().err or command[0] == "validate"


def in_a_cache(data: Path, hub: Path) -> Path:
    """The dataset as `hf download` without --local-dir leaves it."""
    snapshot = hub / "snapshots" / "0123abcd"
    (hub / "blobs").mkdir(parents=True)
    for number, path in enumerate(sorted(path for path in data.rglob("*") if path.is_file())):
        blob = hub / "blobs" / f"{number:064x}"
        shutil.copy(path, blob)
        link = snapshot / path.relative_to(data)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    return snapshot


def all_commands(data: Path, model: Path, tmp_path: Path) -> list[list[str]]:
    commands = [
        ["data", "inspect", data, *SET_FEATURES],
        ["validate", data, "--out", tmp_path / "report", *SET_FEATURES],
        ["extract", data, "--out", tmp_path / "features", *SET_FEATURES],
        ["spot", data, "--model", model, "--out", tmp_path / "out"],
    ]
    return [[str(part) for part in command] for command in commands]


def test_a_farm_of_links_is_used_when_the_dataset_says_so(model, tmp_path, capsys):
    real, data = write_league(tmp_path / "nas"), tmp_path / "data"
    for name in (name for names in GAMES.values() for name in names):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).symlink_to(real / name)
    for path in real.glob("*.json"):
        shutil.copy(path, data)
    for command in all_commands(data, model, tmp_path)[1:]:
        assert cli.main(command) == (1 if command[0] == "validate" else 2), command
        said = capsys.readouterr().err
        assert 'links on purpose are allowed by "links": "follow" in dataset.json' in said or command[0] == "validate"
    write_json(data / "dataset.json", {"name": "Own league", "simulated": True, "links": "follow"})
    for command in all_commands(data, model, tmp_path):
        assert cli.main(command) == 0, capsys.readouterr().err


def test_another_word_for_links_is_refused(tmp_path):
    data = write_league(tmp_path / "data")
    write_json(data / "dataset.json", {"name": "x", "simulated": True, "links": "yes"})
    with pytest.raises(UserError, match=r"dataset\.json: links: "):
        open_dataset(data)


def test_what_a_finder_leaves_is_no_part_of_anything(model, tmp_path, capsys):
    data = write_league(tmp_path / "data")
    for folder in (data, data / GAMES["train"][0], data / "__MACOSX" / GAMES["train"][0]):
        folder.mkdir(parents=True, exist_ok=True)
        for name in (".DS_Store", "._1_224p.mkv", "Thumbs.db", "desktop.ini", ".nfs0001"):
            (folder / name).write_bytes(b"x")
    for out in ("report", "features", "out"):
        (tmp_path / out).mkdir()
        (tmp_path / out / ".DS_Store").touch()
    for command in all_commands(data, model, tmp_path):
        assert cli.main(command) == 0, capsys.readouterr().err
    report = json.loads((tmp_path / "report" / "validation.json").read_text())
    assert all(check["status"] == "passed" for check in report["checks"] if "known files" in check["expectation"])


@pytest.mark.filterwarnings("error")
def test_plots_show_text_as_it_stands():
    made, (axes,) = figure("5 $ and 7 $_", 1, 1)
    draw_line(axes, [0, 1], [0, 1], "日本 $x_1$ كرة", look(0))
    axes.set_yticks([0, 1], ["$", r"$\frac $"])
    name_axes(axes, r"$\frac")
    assert len(png(made)) > 1000


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@sum", "\tx", "-x"])
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(text):
    assert next(csv.reader([as_csv([{"name": text}]).split("\n", 1)[1]])) == [f"'{text}"]


@pytest.mark.parametrize("value", ["Goal", "1 - 00:10", "+1.5 [0.2, 2.8]", "-3.5", "-", -3.5, "a=b", "x"])
def test_other_cells_stay_as_they_are(value):
    assert next(csv.reader([as_csv([{"name": value}]).split("\n", 1)[1]])) == [str(value)]


def test_a_cell_of_markdown_ends_where_it_should():
    assert markdown_text("a | b\n<script>") == "a \\| b &lt;script>"
