"""From matches that nobody has labelled to a model in production, and from corrections to the one that replaces it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rmsnet import tracking
from rmsnet.annotating.games import Asked, find_games
from rmsnet.annotating.next_games import next_games, read_looks
from rmsnet.annotating.suggesting import open_suggester
from rmsnet.cli import main
from rmsnet.dataset.roles import roles_of
from rmsnet.documents import read_json
from rmsnet.files import write_json
from tests.annotating.served import TOKEN, Served, mark, served
from tests.builders import write_lists
from tests.video.videos import write_video

CLASSES = ("goal", "card", "corner")
FRAMES, RATE = 300, 2.0
ROLES: Mapping[str, int] = {"train": 4, "valid": 3, "test": 2, "gate": 20}
NEW = 2
"""Matches that come later."""

SETTINGS = [
    option
    for setting in (
        "extract.features=clip",
        "train.clip_frames=9",
        "train.foreground_clips=240",
        "train.background_clips=80",
        "train.batch_size=16",
        "train.epochs=6",
        "train.precision=float32",
        "evaluate.bootstrap=100",
    )
    for option in ("--set", setting)
]

Event = tuple[int, int, str]
"""Half, milliseconds, class."""


@dataclass
class League:
    """Matches on a disk, and what really happens in them.

    Attributes:
        root: of the dataset.
        happens: the events of each match by its name.
    """

    root: Path
    happens: dict[str, list[Event]]

    def film(self, name: str, video: Path, seed: int) -> str:
        """A match of two halves: features in which events shine through, and something to look at."""
        random = np.random.default_rng(seed)
        folder = self.root / "league" / "season" / name
        folder.mkdir(parents=True)
        events = []
        for half in (1, 2):
            features = 0.3 * random.normal(size=(FRAMES, 8)).astype(np.float32)
            for place, frame in enumerate(range(15, FRAMES - 15, 30)):
                label = CLASSES[(place + half + seed) % 3]
                shown = frame + int(random.integers(-3, 4))
                features[shown : shown + 4, CLASSES.index(label)] += 2
                events.append((half, round(1000 * (shown + 1) / RATE), label))
            np.save(folder / f"{half}_clip.npy", features)
            (folder / f"{half}.mp4").hardlink_to(video)
        game = f"league/season/{name}"
        self.happens[game] = events
        return game


@pytest.fixture
def league(tmp_path, monkeypatch) -> League:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    video = write_video(tmp_path / "half.mp4", range(0, int(1000 * FRAMES / RATE), 500))
    made = League(Path("data"), {})
    games = {
        role: [made.film(f"{role} {number}", video, 100 * place + number) for number in range(count)]
        for place, (role, count) in enumerate(ROLES.items())
    }
    write_lists(made.root, **games)
    write_json(made.root / "SoccerNetGamesGate.json", games["gate"])
    described = ["--labels", "events.csv", "--classes", ",".join(CLASSES), "--features", "clip:2:0.5"]
    assert main(["data", "init", "data", *described]) == 0
    write_json(made.root / "dataset.json", {**read_json(made.root / "dataset.json"), "simulated": True})
    return made


def label(server: Served, number: int, events: Sequence[Event]) -> None:
    """Add events to a match as the page does, in one edit."""
    changes = [
        {"id": f"e{place}", "before": None, "after": mark(name, at, half)}
        for place, (half, at, name) in enumerate(events)
    ]
    status, told = server.ask(
        f"/{TOKEN}/match/{number}/edit", {"key": f"all of {number}", "what": "add", "changes": changes}
    )
    assert (status, told["saved"], told["problem"]) == (200, True, ""), told


def in_haste(events: Sequence[Event]) -> list[Event]:
    """What somebody labels who takes corners for cards and cards for corners."""
    confused = {"goal": "goal", "card": "corner", "corner": "card"}
    return [(half, at, confused[name]) for half, at, name in events]


def correct(server: Served, number: int, game: str, happens: Sequence[Event]) -> None:
    """Relabel what is wrong."""
    marks = server.ask(f"/{TOKEN}/match/{number}/state")[1]["marks"]
    right = {(half, at): name for half, at, name in happens}
    changes = [
        {"id": id, "before": one, "after": {**one, "label": right[one["half"], one["position_ms"]]}}
        for id, one in marks.items()
        if right[one["half"], one["position_ms"]] != one["label"]
    ]
    assert changes, game
    status, told = server.ask(
        f"/{TOKEN}/match/{number}/edit", {"key": f"right {number}", "what": "relabel", "changes": changes}
    )
    assert (status, told["saved"]) == (200, True), told


def around(name: str, *more: str) -> bool:
    """Validate, extract, train, evaluate, register: whether the gate makes it champion."""
    features, model = Path("features", name), Path("models", name)
    assert main(["validate", "data", "--out", f"validation/{name}", *SETTINGS]) == 0
    assert main(["extract", "data", "--out", str(features), *SETTINGS]) == 0
    assert main(["train", "--features", str(features), "--out", str(model), *SETTINGS, *more]) == 0
    judged = ["--model", str(model), "--features", str(features), "--out", f"evaluation/{name}"]
    assert main(["evaluate", *judged, "--bootstrap", "100"]) == 0
    asked = ["--evaluation", "evaluation", "--features", str(features), "--validation", f"validation/{name}"]
    assert main(["registry", "register", str(model), *asked, "--out", f"registration/{name}", *SETTINGS]) in (0, 1)
    return bool(read_json(Path("registration", name, "decision.json"))["promoted"])


def test_corrections_made_in_the_page_become_the_model_in_production(league: League):
    with served([league.root]) as server:
        for number, game in enumerate(server.desks.games, start=1):
            events = league.happens[game.name]
            label(server, number, in_haste(events) if "train" in game.name else events)
    assert around("first")
    assert tracking.aliases("rmsnet")["champion"] == 1

    # New matches: spotted, the doubtful ones chosen, what the model says accepted or made right.
    video = Path("half.mp4")
    new = [league.film(f"new {number}", video, 900 + number) for number in range(NEW)]
    champion = "models:/rmsnet@champion"
    spotted = ["spot", str(league.root / new[0]), "--model", champion, "--out", "spotted"]
    assert main(spotted) == 0
    suggester = open_suggester(champion, "cpu")
    chosen = next_games(find_games([league.root], "clip"), league.root, [suggester], Asked(), 12, lambda line: None)
    assert {game.name for game in chosen} == set(new)
    assert {look.label for look in read_looks(chosen[0]).moments} <= set(CLASSES)
    with served([league.root]) as server:
        for number, game in enumerate(server.desks.games, start=1):
            if game.name in new:
                label(server, number, league.happens[game.name])
            elif "train" in game.name:
                correct(server, number, game.name, league.happens[game.name])
    before = roles_of(league.root)
    assert main(["data", "split", "data"]) == 0
    after = roles_of(league.root)
    assert {game: after[game] for game in before} == before
    assert {after[game] for game in new} == {"train"}

    assert around("second", "--start-from", champion)
    assert tracking.aliases("rmsnet")["champion"] == 2
    assert read_json(Path("models/second/config.json"))["started_from"]["model"] == "models:/rmsnet/1"
    scores = [read_json(Path(f"evaluation/{name}/test/metrics.json"))["average_map"] for name in ("first", "second")]
    assert scores[1] > scores[0] + 0.3
