"""From one format into another: what is seen, checked, lost, told and written."""

import gzip
import json
import zipfile
from fractions import Fraction
from random import Random

import pytest

from rmsnet import cli
from rmsnet.dataset.ball_actions import BALL_CLASSES
from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.formats.converting import convert
from rmsnet.dataset.formats.document import Annotations, Mark, Timeline
from rmsnet.dataset.formats.guessing import guess
from rmsnet.dataset.formats.reading import read_source
from rmsnet.dataset.formats.registry import FORMATS, format_name
from rmsnet.dataset.formats.saving import require_names, save
from rmsnet.dataset.formats.stated import NOTHING, Stated, stated_classes
from rmsnet.dataset.labels import V2_CLASSES
from rmsnet.errors import UserError
from rmsnet.evaluation import average_map
from rmsnet.evaluation.files import read_predictions, read_truth
from tests.dataset.formats.builders import labels_of, osl, put, written

GAMES = ("league/season/2020-01-01 - A 1 - 0 B", "league/season/2020-01-02 - C 0 - 0 D")
GOAL = {"gameTime": "2 - 06:28", "label": "Goal", "position": "388123", "team": "home", "visibility": "not shown"}
PASS = {"head": "action", "label": "PASS", "position_ms": 1160}
RESULTS_LOSE = ["1 event without a confidence gets 1", "visibility of 1 event", "frame rate (1 time)"]


@pytest.fixture
def league(tmp_path):
    """A folder of two games in SoccerNet's layout."""
    for game in GAMES:
        put(tmp_path / "league in" / game / "Labels-v2.json", labels_of(GOAL, UrlLocal=game))
    return tmp_path / "league in"


@pytest.fixture
def match(tmp_path):
    """A file of OSL."""
    return put(tmp_path / "in" / "match.json", osl(PASS))


def test_a_league_becomes_a_file_and_a_league_again(league, tmp_path):
    done = convert(league, tmp_path / "league.json", "osl")
    assert (done.source_format, done.guessed, done.games, done.events) == ("soccernet-v2", True, 2, {"Goal": 2})
    assert (done.lost, done.notes, done.files) == ((), (), (tmp_path / "league.json",))
    convert(tmp_path / "league.json", tmp_path / "again", "soccernet-v2")
    for game in GAMES:
        again = json.loads((tmp_path / "again" / game / "Labels-v2.json").read_text())
        assert again["annotations"] == [GOAL]


def test_a_zip_is_as_good_as_its_folder(league, tmp_path):
    with zipfile.ZipFile(tmp_path / "league.zip", "w") as archive:
        for path in league.rglob("*.json"):
            archive.write(path, path.relative_to(league))
            archive.writestr(f"__MACOSX/{path.relative_to(league)}", "litter")
    assert read_source(tmp_path / "league.zip", guess(tmp_path / "league.zip")) == read_source(league, guess(league))


def test_what_else_lies_in_a_folder_is_left_alone(league):
    put(league / GAMES[0] / "1_224p.mkv", b"video")
    put(league / ".cache" / "Labels-v2.json", b"no JSON")
    assert len(read_source(league, "soccernet-v2").games) == 2


DOCUMENT = Annotations((Timeline("league/game", 1, (Mark(1, 1000, "Goal"),), Fraction(25)),))
SEEN = {
    "soccernet-ball": Annotations((Timeline("game", 1, (Mark(1, 1000, "PASS"),)),)),
    "soccernet-v1": Annotations((Timeline("game", 1, (Mark(1, 1000, "soccer-ball"),)),)),
}


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.write])
def test_what_we_write_is_recognized(name, tmp_path):
    for path, content in written(name, SEEN.get(name, DOCUMENT)).items():
        put(tmp_path / path, content)
    assert guess(tmp_path) == name


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("match.json", labels_of(GOAL), "soccernet-v2"),
        ("match.json", labels_of({**GOAL, "label": "PASS"}), "soccernet-ball"),
        ("match.json", {"version": 1, "videos": []}, "osl"),
        ("match.json", {"timeline": {"rows": []}}, "sctimeline"),
        ("match.csv", b"CATEGORY: Goal\n", "longomatch"),
        ("match.txt", b"label\tposition_ms\n", "tsv"),
        ("match.XML", "<file><ALL_INSTANCES/></file>".encode("utf-16"), "sportscode"),
        ("match.json.gz", gzip.compress(b'[{"video": "v"}]', mtime=0), "e2e-spot"),
    ],
)
def test_a_format_is_seen_by_what_is_in_the_file(name, content, found, tmp_path):
    assert guess(put(tmp_path / name, content)) == found


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"Labels.json": labels_of(), "Labels-v2.json": labels_of()}, "holds soccernet-v1 and soccernet-v2; name it"),
        ({"Labels.json": labels_of(), "results_spotting.json": {}}, "holds soccernet-v1 and predictions; name it"),
        ({"a.csv": b"label,seconds\n", "b.json": osl()}, "could be csv or osl; name it with --from"),
        ({"a.csv": b"one,two\n", "b.json": [], "c.json": {}, "d.json": 3, "e.json": b"{"}, "no format that is known"),
        ({"a.json": labels_of({"label": ["Goal"]}, {"label": "Goal"})}, "is of no format that is known for certain"),
        ({"a.json": {"$type": "LongoMatch.Project"}}, "a LongoMatch project; export it as CSV or as Sportscode XML"),
        ({}, "is of no format that is known for certain"),
    ],
)
def test_what_is_not_certain_is_asked_for(files, told, tmp_path):
    for name, content in files.items():
        put(tmp_path / "in" / name, content)
    (tmp_path / "in").mkdir(exist_ok=True)
    with pytest.raises(UserError, match=told):
        guess(tmp_path / "in")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [("a.json", b'{"data": [', "not JSON"), ("a.csv", "label,seconds\nKöln,1".encode("cp1252"), "not UTF-8")],
)
def test_a_single_file_that_cannot_be_read_says_why(name, content, told, tmp_path):
    with pytest.raises(UserError, match=told):
        guess(put(tmp_path / name, content))


def test_an_unknown_class_is_told_with_the_nearest_and_nothing_is_written(league, match, tmp_path):
    put(league / GAMES[1] / "Labels-v2.json", labels_of({**GOAL, "label": "Goall"}, {**GOAL, "label": "Goall"}))
    with pytest.raises(UserError, match=r"unknown class 'Goall' \(2 times, nearest 'Goal'\); correct it, or list your"):
        convert(league, tmp_path / "out", "osl")
    source = put(tmp_path / "in" / "match.json", osl({**PASS, "label": "HIGHPASS"}))
    with pytest.raises(
        UserError, match=r"for soccernet-ball: unknown class 'HIGHPASS' \(1 time, nearest 'HIGH PASS'\)"
    ):
        convert(source, tmp_path / "out", "soccernet-ball")
    assert not (tmp_path / "out").exists()


def test_classes_of_ones_own_may_stand_in_a_file_of_any_format(tmp_path):
    (tmp_path / "classes.txt").write_text("throw\n\nsave \n")
    stated = Stated(stated_classes(str(tmp_path / "classes.txt")))
    assert stated.classes == ("throw", "save")
    source = put(tmp_path / "in.csv", b"position_ms,label\n1,throw\n2,save\n")
    done = convert(source, tmp_path / "out", "soccernet-v2", stated)
    assert done.events == {"throw": 1, "save": 1}
    assert read_source(tmp_path / "out", "soccernet-v2", stated).used_classes == ("throw", "save")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.txt", b"Goal\ngoal \n", "names 'Goal' and 'goal'; classes must differ in more than their case"),
        ("a.txt", b"\n", "names no class; write one a line"),
        ("a.json", b'["Goal", 3]', r"\[1\]: expected 'str', got 'int'"),
        ("a.json", b"Goal", "not JSON"),
        ("a.txt", b"K\xf6ln", "not UTF-8"),
    ],
)
def test_a_bad_class_list_is_refused_in_a_line(name, content, told, tmp_path):
    with pytest.raises(UserError, match=told):
        stated_classes(str(put(tmp_path / name, content)))


def test_class_lists_have_names():
    assert stated_classes("ball") == BALL_CLASSES
    with pytest.raises(UserError, match=r"--classes nowhere: neither v1, v2, .* nor a readable file"):
        stated_classes("nowhere")


def test_a_format_that_there_is_not_is_told_with_the_nearest():
    assert format_name("osl", "--to") == "osl"
    with pytest.raises(UserError, match="--to sportcode: no such format, perhaps sportscode"):
        format_name("sportcode", "--to")


@pytest.mark.parametrize("name", [name for name, form in FORMATS.items() if form.write is None])
def test_what_is_read_only_is_not_written(name, match, tmp_path):
    with pytest.raises(UserError, match=f"--to {name}: is read, not written"):
        convert(match, tmp_path / "out", name)


@pytest.mark.parametrize(
    ("event", "target", "stated", "lost"),
    [
        ({"team": "left", "mood": "good"}, "e2e-spot", NOTHING, []),
        ({}, "e2e-spot", Stated(fps=Fraction(2)), ["time of 1 event moves, by 0.160 s at most", "frame rate (1 time)"]),
        ({"end_ms": 2000}, "soccernet-ball", NOTHING, ["end of 1 event"]),
        ({"confidence": 0.5}, "soccernet-ball", NOTHING, ["confidence of 1 event"]),
        ({"position_ms": -40}, "soccernet-ball", NOTHING, ["time of 1 event moves, by 0.040 s at most"]),
        ({}, "osl-predictions", NOTHING, ["1 event without a confidence gets 1"]),
        ({"visibility": "not shown"}, "soccernet-results", NOTHING, RESULTS_LOSE),
        ({"mood": {"a": [1]}}, "csv", NOTHING, ["frame rate (1 time)"]),
        ({}, "sportscode", NOTHING, ["frame rate (1 time)"]),
    ],
)
def test_what_a_format_cannot_hold_is_told(event, target, stated, lost, tmp_path):
    source = put(tmp_path / "match.json", osl({**PASS, **event}))
    done = convert(source, tmp_path / "out", target, stated)
    always = ("path of the video (1 time)", "classes without events: SHOT")
    assert [line for line in done.lost if line not in always] == lost


def test_footage_without_events_and_names_that_mean_something_else_are_told(tmp_path):
    source = put(tmp_path / "a.json", {"data": [{"id": "b/half2", "events": [PASS]}, {"id": "c", "events": []}]})
    assert "1 piece of footage without events (first: c)" in convert(source, tmp_path / "a.csv", "csv").lost
    table = put(tmp_path / "b.csv", b"game,position_ms,label\nb/half2,1,goal\n")
    done = convert(table, tmp_path / "b.json", "osl")
    assert "1 piece of footage called otherwise (first: b/half2)" in done.lost


def test_one_class_and_one_frame_twice_is_kept_and_told(tmp_path):
    source = put(tmp_path / "match.json", osl(PASS, {**PASS, "position_ms": 1165}, {**PASS, "position_ms": 1200}))
    done = convert(source, tmp_path / "match.csv", "csv")
    assert done.events == {"PASS": 3, "SHOT": 0}
    assert done.notes == (
        f"{source}: 1 of 1 media are not there (first: m1.mp4); events are read without",
        "1 event of the class and time of another; kept, but evaluators count one",
    )


def test_classes_that_differ_in_their_case_alone_are_told(tmp_path):
    source = put(tmp_path / "match.csv", b"position_ms,label\n1,Goal\n2,goal\n")
    done = convert(source, tmp_path / "out.json", "osl")
    assert done.notes == ("'Goal' and 'goal' differ in their case alone, and are two classes",)


def test_half_a_game_that_is_there_twice_is_refused(tmp_path):
    for name in ("a", "b"):
        put(tmp_path / "in" / f"{name}.csv", b"game,position_ms,label\nfinal,1,goal\n")
    with pytest.raises(UserError, match="half 1 of 'final' is there twice; keep one"):
        convert(tmp_path / "in", tmp_path / "out", "osl")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"data": [{"id": "a", "events": [{**PASS, "label": " "}]}]}, "a: event 1 has no label"),
        (b'{"data": [{"id": "a", "events": [{"label": "x", "position_ms": 1, "score": "nan"}]}]}', "nan is not finite"),
        ({"data": [{"id": f"a/half{half}", "events": [PASS]} for half in (2, 100)]}, None),
        ({"data": []}, "holds no event"),
    ],
)
def test_what_is_no_event_is_told_whatever_the_format(content, told, tmp_path):
    source = put(tmp_path / "in.json", content)
    if told is None:
        assert convert(source, tmp_path / "out", "osl").games == 2
        return
    with pytest.raises(UserError, match=told):
        convert(source, tmp_path / "out", "osl")


@pytest.mark.parametrize("path", ["../a", "/a", "a/../b", "a//b", "a\0b", "a" * 256, "./a"])
def test_games_whose_names_lead_elsewhere_are_refused(path):
    with pytest.raises(UserError, match="a game's name that cannot be the name of a file; rename it"):
        require_names([path])


def test_nothing_is_written_in_the_place_of_something_else(tmp_path):
    save(tmp_path / "out", {"a.json": b"1"})
    save(tmp_path / "out", {"a.json": b"1"})
    with pytest.raises(UserError, match=r"a\.json: is there and holds something else; name another --out"):
        save(tmp_path / "out", {"b.json": b"1", "a.json": b"2"})
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.json"]


def test_a_file_takes_one_file_and_what_lies_beside_it(tmp_path):
    assert save(tmp_path / "x.json", {"events.json": b"1", "class.txt": b"2"}) == (
        tmp_path / "x.json",
        tmp_path / "class.txt",
    )
    save(tmp_path / "x.json.gz", {"events.json": b"1"})
    assert gzip.decompress((tmp_path / "x.json.gz").read_bytes()) == b"1"
    with pytest.raises(UserError, match=r"y\.xml: 2 files are to be written; name a folder"):
        save(tmp_path / "y.xml", {"a.xml": b"1", "b.xml": b"2"})


def test_a_source_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="no such folder or zip"):
        guess(tmp_path / "nowhere")
    with pytest.raises(UserError, match="cannot be unpacked"):
        read_source(put(tmp_path / "a.json.gz", gzip.compress(b"[]" * 100, mtime=0)[:-9]), "e2e-spot")
    with pytest.raises(UserError, match=r"no file of csv \(\*\.csv\) in it"):
        read_source(put(tmp_path / "b" / "a.json", []).parent, "csv")
    monkeypatch.setattr("rmsnet.dataset.formats.sources.LARGEST", 100)
    with pytest.raises(UserError, match="is larger than"):
        read_source(put(tmp_path / "c.json", b"[" + b" " * 100 + b"]"), "osl")
    with pytest.raises(UserError, match="is larger than"):
        read_source(put(tmp_path / "c.json.gz", gzip.compress(b" " * 101, mtime=0)), "osl")


def test_the_command_says_what_it_read_wrote_and_lost(match, tmp_path, capsys):
    assert cli.main(["data", "convert", str(match), "--to", "sportscode", "--out", str(tmp_path / "m1.xml")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"{match}: osl (seen by what is in it), 1 game, 1 event",
        "lost: frame rate (1 time)",
        "lost: path of the video (1 time)",
        f"note: {match}: 1 of 1 media are not there (first: m1.mp4); events are read without",
        f"{tmp_path / 'm1.xml'}: sportscode, 1 file",
    ]
    assert b"<code>PASS</code>" in (tmp_path / "m1.xml").read_bytes()


def test_the_command_answers_in_json(match, tmp_path, capsys):
    options = ["--from", "osl", "--to", "csv", "--times", "frames", "--frame-rate", "25", "--classes", "ball", "--json"]
    assert cli.main(["data", "convert", str(match), *options, "--out", str(tmp_path / "out")]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["source_format"], done["target_format"], done["guessed"], done["events"]["PASS"]) == (
        "osl",
        "csv",
        False,
        1,
    )
    assert (tmp_path / "out" / "events.csv").read_text() == "game,period,frame,label,head\nm1,1,29,PASS,action\n"


def test_the_command_refuses_in_a_line(match, tmp_path, capsys):
    for options in (["--to", "vhs"], ["--to", "csv", "--frame-rate", "fast"], ["--to", "csv", "--from", "ocl"]):
        assert cli.main(["data", "convert", str(match), *options, "--out", str(tmp_path / "out")]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("way", ["osl", "csv", "sportscode"])
def test_a_score_is_the_same_after_a_way_through_another_format(way, tmp_path):
    """Labels and predictions of two games, out of SoccerNet's files and back into them."""
    random = Random(0)
    for game in GAMES:
        rows = [spot(random) for _ in range(40)]
        found = [{**row, "confidence": random.random()} for row in rows] + [
            {**spot(random), "confidence": random.random()} for _ in range(20)
        ]
        put(tmp_path / "labels" / game / "Labels-v2.json", labels_of(*rows, UrlLocal=game))
        put(tmp_path / "found" / game / "results_spotting.json", {"UrlLocal": game, "predictions": found})
    for name, form in (("labels", "soccernet-v2"), ("found", "soccernet-results")):
        convert(tmp_path / name, tmp_path / f"{name} as {way}", way)
        convert(tmp_path / f"{name} as {way}", tmp_path / f"{name} again", form)
    scores = [
        average_map(
            read_truth(tmp_path / f"labels{again}", GAMES, class_list("v2")),
            read_predictions(tmp_path / f"found{again}", GAMES, class_list("v2")).predictions,
            halves=4,
            classes=17,
            frame_rate=2,
            tolerances=(1, 2),
        )
        for again in ("", " again")
    ]
    assert scores[0].average_map == scores[1].average_map > 0.1
    assert scores[0].per_class.tolist() == scores[1].per_class.tolist()


def spot(random: Random) -> dict[str, object]:
    half, position_ms = 1 + int(2 * random.random()), int(2_700_000 * random.random())
    label = V2_CLASSES[int(17 * random.random())]
    time = f"{half} - {position_ms // 60_000:02d}:{position_ms // 1000 % 60:02d}"
    return {"gameTime": time, "label": label, "position": str(position_ms), "half": str(half)}


def test_every_format_is_in_the_document(repository):
    text = (repository / "docs" / "formats.md").read_text()
    for name in FORMATS:
        assert f"| `{name}` |" in text, name
