"""The annotations of all 500 real games pass, with the warnings that their known irregularities deserve, no others.

Features are drawn, four to a frame: as long as the real halves of the valid and test split are, and where the length
is not known (train) 45 minutes or a little past the last event.
"""

import csv
import shutil
from collections import defaultdict

import numpy as np
import pytest

from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.labels import HALVES, read_events
from rmsnet.dataset.soccernet import SPLITS, list_dataset, read_split, split_file
from rmsnet.params import ExtractParams
from rmsnet.validation.stage import examine

FEATURES = "tiny"

# Counted in the label files themselves (SoccerNet v1 and v2).
WARNINGS = {
    "v1": {
        "no event is annotated twice: same second, same label": 65,
        "no substitution at second 0 of the second half: nothing shows it, training drops it": 197,
        "minutes and seconds have two digits": 149,
    },
    "v2": {
        "no event is annotated twice: same second, same label": 154,
        "no substitution at second 0 of the second half: nothing shows it, training drops it": 169,
        "position and gameTime agree": 1,
    },
}
LATE = "events are before the end of their half"


@pytest.fixture(scope="module")
def real(shared, tmp_path_factory):
    root = tmp_path_factory.mktemp("real")
    with (shared / "soccernet" / "half_durations.csv").open(encoding="utf-8", newline="") as file:
        seconds = {(row["game"], int(row["half"])): float(row["duration_seconds"]) for row in csv.DictReader(file)}
    archives = {version: GameFiles(shared / "soccernet" / f"labels_{version}.zip") for version in ("v1", "v2")}
    names = {"v1": "Labels.json", "v2": "Labels-v2.json"}
    rng = np.random.default_rng(0)
    events = defaultdict(list)
    for split in SPLITS:
        shutil.copy(shared / "soccernet" / split_file(split), root)
        for game in read_split(root, split):
            (root / game).mkdir(parents=True)
            for version, archive in archives.items():
                content = archive.read(game, names[version])
                (root / game / names[version]).write_bytes(content)
                events[version, game] = read_events(content, version, game)
            for half in HALVES:
                every = [event for version in archives for event in events[version, game]]
                last = max((event.position_ms / 1000 for event in every if event.half == half), default=0)
                frames = int(2 * seconds.get((game, half), max(2700, last + 30)))
                np.save(root / game / f"{half}_{FEATURES}.npy", rng.normal(size=(frames, 4)).astype(np.float32))
                seconds.setdefault((game, half), frames / 2)
    late = {
        version: sum(
            event.position_ms / 1000 > int(2 * seconds[game, event.half]) / 2
            for (of, game), found in events.items()
            for event in found
            if of == version
        )
        for version in archives
    }
    yield root, late
    shutil.rmtree(root)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_real_annotations_pass_with_the_warnings_they_deserve(real, version):
    root, late = real
    tables, _, checks = examine(list_dataset(root), ExtractParams(features=FEATURES), version)
    assert [check.expectation for check in checks if check.status == "broken"] == []
    failed = {check.expectation: check for check in checks if check.status == "failed"}
    assert {name for name, check in failed.items() if check.severity == "critical"} == set()
    expected = WARNINGS[version] | ({LATE: late[version]} if late[version] else {})
    assert {name: check.rows_failed for name, check in failed.items()} == expected
    assert len(tables.events) == {"v1": 7898, "v2": 110_458}[version]
    assert len(tables.halves) == 1000
