"""Against a stand-in for SoccerNet's downloader: never the network."""

import errno
import json
import sys
from types import ModuleType

import numpy as np
import pytest

from rmsnet import cli
from rmsnet.dataset.downloading import STAGING, download
from rmsnet.errors import CheckFailed, UserError
from rmsnet.files import write_json
from tests.validation.datasets import ANNOTATIONS

GAMES = ["l/2014-2015/one", "l/2014-2015/two"]
SECRET = "s3cret-of-the-nda"


class Server:
    """What SoccerNet serves; `breaks` is called before each file with the path it is written to."""

    def __init__(self):
        self.requests = []
        self.passwords = set()
        self.games = GAMES
        self.parts = []
        self.breaks = lambda path: None

    def client(self, LocalDirectory):
        return Client(self, LocalDirectory)


class Client:
    """The part of SoccerNet.Downloader.SoccerNetDownloader that is used."""

    def __init__(self, server, folder):
        self.server, self.folder, self.password = server, folder, None

    def downloadGames(self, files, split, verbose, source):
        self.server.requests.append(("games", tuple(files), tuple(split)))
        for game in self.server.games:
            self._write(game, files)

    def downloadGame(self, game, files, spl, verbose, source):
        self.server.requests.append(("game", game, tuple(files)))
        self.server.parts.append(spl)
        self._write(game, files)

    def _write(self, game, files):
        from pathlib import Path

        self.server.passwords.add(self.password)
        for name in files:
            path = Path(self.folder) / game / name
            path.parent.mkdir(parents=True, exist_ok=True)
            print(f"chatter about {name} {self.password}")
            if self.server.breaks(path):
                continue
            if name.endswith(".npy"):
                np.save(path, np.ones((8, 512), np.float32))
            elif name.endswith(".json"):
                write_json(path, {"annotations": list(ANNOTATIONS["v1"])})
            elif name.endswith(".ini"):
                path.write_text("[1_HQ.mkv]\nstart_time_second = 1\nduration_second = 1\n")
            else:
                write_video(path)


def write_video(path, seconds=2):
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = 32, 32
        for number in range(25 * seconds):
            frame = av.VideoFrame.from_ndarray(np.full((32, 32, 3), number % 255, np.uint8))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.fixture
def server(monkeypatch):
    made = Server()
    package, module = ModuleType("SoccerNet"), ModuleType("SoccerNet.Downloader")
    module.SoccerNetDownloader = made.client
    module.report = lambda *arguments: pytest.fail("analytics")
    package.Downloader = module
    monkeypatch.setitem(sys.modules, "SoccerNet", package)
    monkeypatch.setitem(sys.modules, "SoccerNet.Downloader", module)
    return made


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write_json(folder / "SoccerNetGamesTrain.json", GAMES)
    return folder


def test_a_split_is_one_request_and_every_file_gets_its_place(server, out):
    done = download(out, ["labels", "features"], ["train"])
    assert (done.fetched, done.present) == (8, 0)
    files = ("Labels.json", "Labels-v2.json", "1_ResNET_TF2_PCA512.npy", "2_ResNET_TF2_PCA512.npy")
    assert server.requests == [("games", files, ("train",))]
    assert all((out / game / name).is_file() for game in GAMES for name in files)
    assert not (out / STAGING).exists()


def test_games_without_labels_are_fetched_without_them(server, out):
    secret = ["league/season/secret 1", "league/season/secret 2"]
    write_json(out / "SoccerNetGamesChallenge.json", secret)
    server.games = secret
    done = download(out, ["labels", "features"], ["challenge"])
    names = ("1_ResNET_TF2_PCA512.npy", "2_ResNET_TF2_PCA512.npy")
    assert (done.fetched, server.requests) == (4, [("games", names, ("challenge",))])


def test_a_list_of_ones_own_is_fetched_game_by_game_from_where_each_lies(server, out):
    write_json(out / "SoccerNetGamesChallenge.json", ["league/season/secret"])
    write_json(out / "SoccerNetGamesMine.json", [GAMES[0], "league/season/secret"])
    assert download(out, ["labels", "features"], ["mine"]).fetched == 6
    assert ([request[:2] for request in server.requests], server.parts) == (
        [("game", GAMES[0]), ("game", "league/season/secret")],
        ["train", "challenge"],
    )


def test_hq_videos_come_with_the_file_that_says_where_their_halves_lie(server, out):
    assert download(out, ["videos"], ["train"], video="HQ").fetched == 6
    assert {path.name for path in (out / GAMES[0]).iterdir()} == {"1_HQ.mkv", "2_HQ.mkv", "video.ini"}
    (out / GAMES[0] / "video.ini").write_text("an error page")
    assert download(out, ["videos"], ["train"], video="HQ").fetched == 1
    assert not (out / GAMES[0] / "video.ini").read_text().startswith("an error")


def test_what_is_there_is_not_fetched_again(server, out):
    download(out, ["labels"], ["train"])
    server.requests.clear()
    assert download(out, ["labels"], ["train"]).present == 4
    assert server.requests == []
    (out / GAMES[1] / "Labels.json").unlink()
    assert download(out, ["labels"], ["train"]).fetched == 1
    assert server.requests == [("game", GAMES[1], ("Labels.json",))]


def cut_off(path):
    """The first half of an array arrives."""
    if path.name.startswith("2_") and "one" in str(path):
        np.save(path, np.ones((8, 512), np.float32))
        path.write_bytes(path.read_bytes()[:-5000])
        return True
    return False


def test_a_file_that_is_cut_off_never_gets_its_place_and_comes_with_the_next_run(server, out):
    server.breaks = cut_off
    with pytest.raises(CheckFailed, match=r"1 of 4 files .*one/2_ResNET_TF2_PCA512\.npy: truncated"):
        download(out, ["features"], ["train"])
    assert not (out / GAMES[0] / "2_ResNET_TF2_PCA512.npy").exists()
    assert (out / GAMES[1] / "2_ResNET_TF2_PCA512.npy").exists()
    server.breaks = lambda path: None
    done = download(out, ["features"], ["train"])
    assert (done.fetched, done.present) == (1, 3)


@pytest.mark.parametrize(
    ("content", "says"),
    [(np.ones((8, 100), np.float32), "100 features a frame"), (np.array([{}], object), "pickled objects")],
)
def test_other_arrays_than_promised_are_refused(server, out, content, says):
    def other(path):
        np.save(path, content, allow_pickle=True)
        return True

    server.breaks = other
    with pytest.raises(CheckFailed, match=says):
        download(out, ["features"], ["train"])
    assert not list(out.glob("l/*/*/*.npy"))


def test_a_connection_that_breaks_and_a_process_that_dies_leave_nothing_that_looks_whole(server, out):
    def breaks(path):
        if "two" in str(path):
            path.write_bytes(b"half of")
            raise OSError("connection reset")

    server.breaks = breaks
    with pytest.raises(
        UserError, match="HuggingFace: connection reset; what has arrived is kept, run the same command"
    ):
        download(out, ["labels"], ["train"])
    assert not list(out.glob("l/*/*/*.json"))
    server.breaks = lambda path: None
    assert download(out, ["labels"], ["train"]).fetched == 4


def test_a_full_disk_is_said_as_such(server, out):
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    server.breaks = full
    with pytest.raises(OSError, match="No space left"):
        download(out, ["labels"], ["train"])


def test_videos_are_opened_and_their_end_is_looked_at(server, out):
    assert download(out, ["videos"], ["train"], source="EXRCSDrive", password=SECRET).fetched == 4

    def half(path):
        write_video(path, seconds=120)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return True

    server.breaks = half
    (out / GAMES[0] / "1_224p.mkv").unlink()
    with pytest.raises(CheckFailed, match=r"1_224p\.mkv: cut off: its last picture is at"):
        download(out, ["videos"], ["train"], source="EXRCSDrive", password=SECRET)


def test_the_password_goes_to_the_downloader_and_nowhere_else(server, out, monkeypatch, capsys):
    monkeypatch.setenv("SOCCERNET_PASSWORD", SECRET)
    command = ["data", "download", "--out", str(out), "--what", "videos", "--split", "train", "--source", "EXRCSDrive"]
    assert cli.main([*command, "--json"]) == 0
    assert server.passwords == {SECRET}

    def refuses(path):
        raise OSError(f"cannot log in with {SECRET}")

    for path in out.glob("l/*/*/*.mkv"):
        path.unlink()
    server.breaks = refuses
    assert cli.main(command) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["fetched"] == 4
    assert SECRET not in said.out + said.err
    assert not [path for path in out.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def test_a_wrong_password_is_named(server, out):
    def refuses(path):
        print("HTTP Error 401: Unauthorized")
        return True

    server.breaks = refuses
    with pytest.raises(UserError, match="the password was refused; set SOCCERNET_PASSWORD"):
        download(out, ["videos"], ["train"], source="EXRCSDrive", password="wrong")


def test_without_a_terminal_the_password_must_be_in_the_environment(server, out, monkeypatch, capsys):
    monkeypatch.delenv("SOCCERNET_PASSWORD", raising=False)
    monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115, PTH123
    command = ["data", "download", "--out", str(out), "--what", "videos", "--source", "EXRCSDrive"]
    assert cli.main(command) == 2
    assert "set SOCCERNET_PASSWORD" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"what": ["label"]}, "--what label: there are labels, features, videos"),
        ({"splits": ["training"]}, "--split training: there are train, valid, test"),
        ({"what": ["features"], "features": "mine"}, "SoccerNet publishes"),
    ],
)
def test_what_does_not_exist_is_refused(server, out, arguments, says):
    with pytest.raises(UserError, match=says):
        download(out, **{"what": ["labels"], "splits": ["train"], **arguments})
    assert server.requests == []


def test_a_simulated_dataset_is_not_mixed_with_real_files(server, out):
    write_json(out / "dataset.json", {"name": "made up", "simulated": True})
    with pytest.raises(UserError, match="a dataset that is not SoccerNet's"):
        download(out, ["labels"], ["train"])
