"""The folder of a match's exports."""

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

from rmsnet import cli
from rmsnet.errors import UserError
from rmsnet.matches.exports import writing
from rmsnet.matches.exports.timecode import frame_of
from rmsnet.matches.exports.writing import FORMATS, export_match, require_formats, require_sources, write_exports
from rmsnet.matches.match import Match, MatchHalf
from rmsnet.matches.stage import spot_stage
from tests.matches.builders import write_features, write_sure_model
from tests.matches.exports.test_source import write_film
from tests.matches.exports.timelines import NTSC, event

EVENTS = [event(2), event(25), event(45), event(10, half=2)]


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    return {half: write_film(folder / f"{half}_224p.mp4", 25, 1500) for half in (1, 2)}


def test_a_video_named_from_the_working_directory_is_one_whole_file(videos, monkeypatch):
    monkeypatch.chdir(videos[1].parent)
    require_sources(Match("a match", (MatchHalf(1, None, (Path(videos[1].name),)),)))


def test_every_format_has_files_named_after_the_match(videos, tmp_path):
    files, remarks = write_exports("A & B 1 - 0 C", videos, EVENTS, list(FORMATS), tmp_path / "exports")
    assert remarks == (
        "no A & B 1 - 0 C_half-2.chapters.txt: YouTube shows chapters where 3 or more have 10 s, and here 1 would",
        "A & B 1 - 0 C_reel.chapters.txt: chapters of less than 10 s, which YouTube refuses, joined with others: 1",
    )
    assert [file.name.removeprefix("A & B 1 - 0 C_") for file in files] == [
        *(
            "events.edl",
            "reel.edl",
            "events.fcpxml",
            "reel.fcpxml",
            "events.xml",
            "reel.xml",
            "events.otio",
            "reel.otio",
        ),
        *("half-1.srt", "half-2.srt", "reel.srt", "half-1.vtt", "half-2.vtt", "reel.vtt"),
        *("half-1.chapters.txt", "reel.chapters.txt", "half-1.ffmetadata", "half-2.ffmetadata", "reel.ffmetadata"),
    ]
    assert sorted(tmp_path.glob("exports/*")) == sorted(files)
    assert all(file.stat().st_size for file in files)


def test_what_one_format_cannot_say_costs_no_other(videos, tmp_path):
    slow = write_film(tmp_path / "1.mp4", Fraction(25, 2), 500)
    files, remarks = write_exports(
        "match", {1: slow}, [event(2)], ["edl", "fcpxml", "xmeml", "youtube"], tmp_path / "out"
    )
    assert [file.name for file in files] == ["match_events.fcpxml", "match_reel.fcpxml"]
    assert len(remarks) == 6
    assert remarks[0].startswith("no match_events.edl: 12.5 frames a second have no time code")


def test_halves_of_two_rates_have_lists_of_their_own_and_it_is_said(videos, tmp_path):
    other = {1: videos[1], 2: write_film(tmp_path / "2.mp4", NTSC, 900)}
    files, remarks = write_exports("match", other, EVENTS, ["edl"], tmp_path / "out")
    assert [file.name for file in files] == [
        *("match events_half-1.edl", "match events_half-2.edl", "match reel_half-1.edl", "match reel_half-2.edl"),
    ]
    assert remarks == ("the halves have different frame rates or time codes: each has edit lists of its own",)


def test_an_event_where_there_is_no_picture_is_said(videos, tmp_path):
    _, remarks = write_exports("match", videos, [event(5), event(61, label="card")], ["srt"], tmp_path / "out")
    assert remarks == ("Card 2': the video has no picture there, left out of the exports",)


def test_without_an_event_nothing_is_written_and_what_was_there_stays(videos, tmp_path):
    write_exports("match", videos, EVENTS, ["srt"], tmp_path / "out")
    before = sorted(tmp_path.glob("out/*"))
    assert write_exports("match", videos, [], ["srt"], tmp_path / "out") == ((), ("nothing to export",))
    assert sorted(tmp_path.glob("out/*")) == before != []


def test_a_name_that_no_file_may_have_becomes_one(videos, tmp_path):
    (file, *_), _ = write_exports("a/b:c?\x00" + "é" * 300, videos, EVENTS, ["srt"], tmp_path / "out")
    assert file.name.startswith("a_b_c_")
    assert len(file.name.encode()) <= 255


def test_a_disk_that_fails_is_one_line_and_leaves_no_half_folder(videos, tmp_path, monkeypatch):
    match = Match("league/season/match", tuple(MatchHalf(half, None, (path,)) for half, path in videos.items()))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "atomic_folder", full)
    assert export_match(match, EVENTS, tmp_path / "out", ["srt"]) == (
        (),
        ("no exports: [Errno 28] No space left on device",),
    )
    assert not (tmp_path / "out").exists()


def test_a_format_that_does_not_exist_is_refused():
    with pytest.raises(UserError, match="--export aaf: no such format; there are edl, fcpxml"):
        require_formats(["srt", "aaf"])


def test_spotting_exports_what_is_sure_enough_and_lists_it(tmp_path, capsys):
    game = tmp_path / "data/league/season/game"
    write_features(game / "1_test.npy")
    write_film(game / "1_224p.mp4", 25, 1500)
    model = str(write_sure_model(tmp_path / "model"))
    options = ["--model", model, "--out", str(tmp_path / "out"), "--export", "edl,srt", "--confidence", "0"]
    cut = ["--before", "0", "--after", "substitution=2", "--after", "1", "--reel-classes", "substitution"]
    assert cli.main(["spot", str(game), *options, *cut, "--stride", "1", "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    names = ["game_events.edl", "game_reel.edl", "game_half-1.srt", "game_reel.srt"]
    assert answer["exports"] == [str(tmp_path / "out/exports" / name) for name in names]
    found = [one["position_ms"] for one in answer["events"] if one["label"] == "subs"]
    text = (tmp_path / "out/exports/game_events.edl").read_text()
    assert text.count("* LOC:") == text.count(" Substitution ") == len(found) > 0
    reel = (tmp_path / "out/exports/game_reel.edl").read_text()
    cuts = re.findall(r"^\d{3} .* C +(\S+) (\S+) \S+ \S+\n(?:\* [FS].*\n)+\* LOC.*$(?!\n\* LOC)", reel, re.MULTILINE)
    assert cuts
    assert all(frame_of(end, Fraction(25)) - frame_of(begin, Fraction(25)) == 2 * 25 for begin, end in cuts)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"exports": ["aaf"]}, "--export aaf: no such format"),
        ({"exports": ["srt"]}, "--export: half 1 of half has no video whose frames could be counted"),
        ({"exports": ["srt"], "reel_classes": "corner"}, "--reel-classes corner: no class of the model"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_anything_is_spotted(tmp_path, options, says):
    file, model = write_features(tmp_path / "half.npy"), str(write_sure_model(tmp_path / "model"))
    with pytest.raises(UserError, match=says):
        spot_stage([file], model, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_the_help_names_every_format(capsys):
    with pytest.raises(SystemExit):
        cli.main(["spot", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert f"for other programs: {', '.join(FORMATS)}" in shown
