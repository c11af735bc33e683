"""Shards of a spotting become one."""

import pytest

from rmsnet.dataset.labels import V1_CLASSES
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.features.shards import Shard
from rmsnet.files import write_json
from rmsnet.matches.overview import join_spotted, score_spotted
from rmsnet.matches.stage import spot_stage
from tests.matches.builders import write_game, write_sure_model

GAMES = ("cup/final", "cup/semifinal", "friendly")
LABELS = [("1 - 00:10", "soccer-ball"), ("2 - 00:25", "substitution-in")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_sure_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def matches(tmp_path_factory):
    folder = tmp_path_factory.mktemp("matches")
    for number, game in enumerate(GAMES):
        write_game(folder / game, labels=LABELS, seed=10 * number)
    return folder


@pytest.fixture(scope="module")
def parts(model, matches, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    for number in (1, 2):
        spot_stage([matches], str(model), folder / str(number), shard=Shard(number, 2))
    return [folder / "1", folder / "2"]


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_joined_shards_are_byte_for_byte_what_one_spotting_leaves(model, matches, parts, tmp_path):
    spot_stage([matches], str(model), tmp_path / "whole")
    events = join_spotted(parts[::-1], tmp_path / "joined", matches.name)
    assert list(events) == list(GAMES)
    assert files(tmp_path / "joined") == files(tmp_path / "whole")


def test_a_shard_without_matches_is_refused(model, matches, tmp_path):
    with pytest.raises(UserError, match="shard 4/4: no matches are left for it"):
        spot_stage([matches], str(model), tmp_path / "out", shard=Shard(4, 4))
    assert not (tmp_path / "out").exists()


def test_what_does_not_belong_together_is_refused_and_nothing_written(model, matches, parts, tmp_path):
    (tmp_path / "empty").mkdir()
    spot_stage([matches], str(model), tmp_path / "strange", shard=Shard(2, 2))
    for origin in (tmp_path / "strange").rglob("origin.json"):
        write_json(origin, {**read_json(origin), "weights_hash": "another"})
    for given, says in (
        ([parts[0], parts[0]], "give each shard once"),
        ([parts[0], tmp_path / "empty"], "holds no results_spotting.json"),
        ([parts[0], tmp_path / "strange"], "spotted by another model"),
    ):
        with pytest.raises(UserError, match=says):
            join_spotted(given, tmp_path / "out", "x")
    assert not (tmp_path / "out").exists()


def test_a_score_needs_labels_of_every_match(matches, parts, tmp_path):
    join_spotted(parts, tmp_path / "joined", "x")
    judged = score_spotted(tmp_path / "joined", matches, V1_CLASSES, tmp_path / "report.html")
    assert judged is not None
    assert len(judged.corpus.halves) == 2 * len(GAMES)
    assert (tmp_path / "report.html").read_text().startswith("<!")
    assert score_spotted(tmp_path / "joined", tmp_path, V1_CLASSES, tmp_path / "none.html") is None
    assert score_spotted(tmp_path / "joined", matches, ("goal",), tmp_path / "none.html") is None
