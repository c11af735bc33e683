"""What the server answers: to the page, to a second one, to strangers, and to what cannot be done."""

import io
import json
import time
import zipfile
from dataclasses import replace

import pytest

from rmsnet.documents import read_json
from rmsnet.errors import UserError
from tests.annotating.served import TOKEN, mark, served
from tests.field.test_full_disk import room_for
from tests.matches.builders import write_sure_model
from tests.video.videos import write_video


@pytest.fixture
def server(game):
    with served([game]) as running:
        yield running


def rows(game) -> list[dict]:
    return read_json(game / "Labels.json")["annotations"]


def until(true) -> None:
    """Wait for what runs in the background."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_only_who_has_the_address_is_answered(server):
    assert server.ask(f"/{TOKEN}/match/1/state")[0] == 200
    for path in ("/", "/match/1/state", "/other/match/1/state", f"/{TOKEN}", f"/{TOKEN}x/match/1/state"):
        assert server.ask(path)[0] == 403, path
    assert server.ask("state", **{"Host": "evil.example"})[0] == 403
    assert server.ask("state", **{"Host": "127.0.0.1.evil.example:80"})[0] == 403
    assert server.ask("state", **{"Origin": "http://evil.example"})[0] == 403
    assert server.ask("state", **{"Host": "localhost:80"})[0] == 200


def test_the_server_listens_on_the_loopback_alone(server):
    assert server.address.startswith("http://127.0.0.1:")


def test_edits_go_into_the_label_file_and_back(server, game):
    assert [row["label"] for row in rows(game)] == ["soccer-ball"]
    status, told = server.add("x", "y-card", 4000, half=2)
    assert (status, told["done"], told["saved"]) == (200, 1, True)
    assert rows(game)[1] == {"gameTime": "2 - 00:04", "label": "y-card"}
    assert "visibility" not in rows(game)[1]
    assert server.turn("undo")[1]["redo"] == "add"
    assert len(rows(game)) == 1
    assert server.turn("redo")[0] == 200
    assert len(rows(game)) == 2
    steps = server.ask("since/1")[1]["steps"]
    assert [(step["version"], step["act"], step["by"]) for step in steps] == [(2, "undo", "anna"), (3, "redo", "anna")]


def test_a_second_page_sees_the_first_ones_edits_and_a_conflict_is_refused_with_the_version(server, game):
    server.add("x", "y-card", 4000)
    before = server.ask("state")[1]["marks"]["x"]
    assert server.edit({"id": "x", "before": before, "after": mark("r-card", 4000)}, what="relabel")[0] == 200
    # the second page still has the old one
    status, told = server.edit({"id": "x", "before": before, "after": mark("y-card", 9000)}, what="move")
    assert (status, told["version"]) == (409, 2)
    assert told["error"] == "not done: the event is now r-card at 00:04.000 of half 1"
    assert server.ask("undo", {"key": "late", "version": 1})[0] == 409
    assert len(server.ask("since/0")[1]["steps"]) == 2
    assert rows(game)[0]["label"] == "r-card"


def test_a_full_disk_changes_nothing_and_is_said(server, game, monkeypatch):
    server.ask("state")
    with monkeypatch.context() as patch:
        room_for(0, patch)
        status, told = server.add("x", "y-card", 4000)
        assert (status, "No space left" in told["error"]) == (507, True)
    assert len(rows(game)) == 1
    with monkeypatch.context() as patch:
        room_for(1, patch)
        told = server.add("y", "y-card", 5000)[1]
        assert "No space left" in told["problem"]
        assert not told["saved"]
    assert len(rows(game)) == 1
    assert server.ask("since/0")[1]["saved"]  # the next look writes it
    assert len(rows(game)) == 2


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"after": mark("yellow", 0)}, "'yellow' is no class of these labels"),
        ({"after": mark("y-card", 0, half=3)}, "the match has no half 3"),
        ({"after": mark("y-card", -1)}, "-1 ms is before the start of the half"),
        ({"after": {"half": 1}}, "position_ms: is missing"),
        ({"after": None}, "changes nothing"),
        ({"after": {**mark("y-card", 5), "end_ms": 4}}, "ends at 4 ms, before it begins"),
    ],
)
def test_what_is_no_event_of_the_match_is_one_line(server, game, change, why):
    status, told = server.edit({"id": "x", "before": None, **change})
    assert (status, why in told["error"]) == (400, True), told
    assert "\n" not in told["error"]
    assert server.ask("state")[1]["version"] == 0


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"key": ""}', b'{"key": 1, "what": "x", "changes": []}'])
def test_a_request_that_is_no_edit_is_one_line(server, body):
    status, told = server.ask("edit", body)
    assert status == 400
    assert "\n" not in told["error"]


def test_a_body_without_end_is_refused(server):
    assert server.ask("edit", b"x" * (9 << 20))[0] == 413


def test_videos_are_sent_in_ranges(server, game):
    whole = (game / "1_224p.mp4").read_bytes()
    assert server.ask("video/1") == (200, whole)
    assert server.ask("video/1", **{"Range": "bytes=100-199"}) == (206, whole[100:200])
    assert server.ask("video/7")[0] == 400


def test_events_of_another_file_come_in_once_and_go_out_in_every_format(server):
    content = b"half,seconds,label,team\n1,3.5,r-card,home\n1,10,soccer-ball,home\n2,1,y-card,\n"
    status, told = server.ask("import?name=theirs.csv", content)
    assert (status, told["added"], told["undo"]) == (200, 2, "import theirs.csv")  # one was there
    assert server.ask("import?name=theirs.csv", content)[1]["added"] == 0
    status, told = server.ask("import?name=theirs.csv", b"half,seconds,label\n1,3.5,red\n")
    assert (status, "unknown class 'red'" in told["error"]) == (400, True)
    assert server.ask("import?name=x.csv", b"\x00\x01")[0] == 400
    status, table = server.ask("export/csv")
    assert table.decode().count("card") == 2
    with zipfile.ZipFile(io.BytesIO(server.ask("export/sportscode")[1])) as archive:
        assert len(archive.namelist()) == 2
    status, told = server.ask("export/soccernet-v2")
    assert (status, "unknown class" in told["error"]) == (400, True)
    assert server.ask("export/longomatch")[1] == {"error": "longomatch is read, not written"}


def test_a_kick_off_is_kept_on_disk_with_the_events_at_their_pictures(server, game):
    before = server.ask("state")[1]["marks"]["m1"]
    change = {"id": "m1", "before": before, "after": {**before, "position_ms": before["position_ms"] - 2500}}
    assert server.edit(change, what="kick-off", kick_offs=[[], [2.5, 0.0]])[0] == 200
    assert json.loads((game / "kick_offs.json").read_text()) == [2.5, 0.0]
    assert server.desk.data()["halves"][0]["video_start"] == 2.5
    assert rows(game)[0]["gameTime"] == "1 - 00:07"
    server.turn("undo")
    assert not (game / "kick_offs.json").exists()
    assert rows(game)[0]["gameTime"] == "1 - 00:10"


def test_labels_that_count_from_the_start_of_a_match_in_one_file_are_read_written_and_taken_away(whole_match):
    with served([whole_match]) as server:
        marks = server.ask("state")[1]["marks"].values()
        assert [(one["half"], one["position_ms"], one["label"]) for one in marks] == [
            (1, 3000, "goal"),
            (2, 2000, "foul"),
        ]
        assert server.add("x", "goal", 4000, half=2)[1]["saved"]
        table = "0:00:15.000,goal"
        assert table in (whole_match / "events.csv").read_text()
        assert table in server.ask("export/csv")[1].decode()
        assert b"<ALL_INSTANCES>" in server.ask("export/sportscode")[1]  # one file, as the footage is
        told = server.ask("import?name=more.csv", b"time,label\n0:00:15.000,goal\n0:00:16.000,foul\n")[1]
        assert told["added"] == 1
        assert (2, 5000) in [(one["half"], one["position_ms"]) for one in server.ask("state")[1]["marks"].values()]
        assert (
            "before the first kick-off"
            in server.ask("import?name=b.csv", b"time,label\n0:00:01.000,goal\n")[1]["error"]
        )


def test_what_the_model_says_is_to_be_had_when_it_has_said_it(game, model):
    with served([game], model) as server:
        server.ask("")
        until(lambda: server.ask("suggestions")[0] == 200)
        said = server.ask("suggestions")[1]
    assert said["events"]
    assert {event["label"] for event in said["events"]} <= {"y-card", "substitution-in", "soccer-ball"}
    assert said["by"]
    assert not list(game.glob("*.html"))


def test_a_model_of_other_classes_is_one_line(game, tmp_path):
    other = write_sure_model(tmp_path / "other", classes=("dunk", "steal"))
    with served([game], other) as server:
        status, told = server.ask("state")
    assert status == 400
    assert "--model: spots 'dunk', which is no class of" in told["error"]


def test_labels_that_another_process_writes_are_refused(game):
    with served([game]) as server, pytest.raises(UserError, match=r"--annotator"), served([game]) as second:
        server.ask("state")
        second.desks.desk(1)


def test_each_annotator_has_a_file_of_their_own(game):
    with served([game], annotator="ben") as server:
        server.desks._asked = replace(server.desks._asked, annotator="ben")
        server.add("x", "y-card", 4000)
    assert [row["label"] for row in read_json(game / "Labels.ben.json")["annotations"]] == ["y-card"]
    assert len(rows(game)) == 1


def test_a_folder_of_games_is_a_page_that_leads_to_each(game, tmp_path):
    with served([tmp_path / "data"]) as server:
        server.desks.games *= 2
        status, page = server.ask(f"/{TOKEN}/")
    assert status == 200
    assert b'href="match/2/"' in page
    assert b"Kestrel Bay" in page


def test_a_video_that_browsers_do_not_play_is_copied_with_every_picture_at_its_time(tmp_path):
    import av

    game = tmp_path / "game"
    game.mkdir()
    times = [0, 40, 80, 200, 1000, 1040, 1500]
    write_video(game / "1.avi", range(0, 30_000, 40), codec="mpeg4", sound_ms=30_000)
    write_video(game / "2.mkv", times, codec="mpeg4")
    with served([game], classes="v2") as server:
        assert server.ask("video/1")[0] == 404
        server.ask("")
        until(lambda: all(server.ask(f"video/{half}")[0] == 200 for half in (1, 2)))
        copies = [server.desk.video(half) for half in (1, 2)]
    with av.open(str(copies[0])) as container:
        assert [stream.codec.name for stream in container.streams] == ["h264", "aac"]
        shown = [round(1000 * frame.time) for frame in container.decode(video=0)]
    assert shown == list(range(0, 30_000, 40))
    with av.open(str(copies[1])) as container:
        assert [round(1000 * frame.time) for frame in container.decode(video=0)] == times
