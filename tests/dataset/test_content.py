"""What a dataset holds, whatever it is called and wherever it lies."""

import shutil

import pytest

from rmsnet.dataset.content import game_contents, joined_content
from rmsnet.dataset.labels import LABEL_FILES
from rmsnet.dataset.soccernet import list_dataset
from rmsnet.params import ExtractParams
from tests.validation.datasets import GAMES, PARAMS, feature_file, make_dataset

TRAIN = GAMES["train"]


@pytest.fixture
def root(tmp_path):
    return make_dataset(tmp_path / "data")


def content(root, games=TRAIN, params=PARAMS):
    return joined_content(game_contents(list_dataset(root), games, params, "v1"), games)


def test_a_copy_under_another_name_with_its_games_in_another_order_is_the_same(root, tmp_path):
    copy = shutil.copytree(root, tmp_path / "copy")
    (copy / "dataset.json").unlink()
    assert content(copy, TRAIN[::-1]) == content(root)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: feature_file(root, TRAIN[0]).write_bytes(feature_file(root, TRAIN[1]).read_bytes()),
        lambda root: (root / TRAIN[0] / LABEL_FILES["v1"]).write_text('{"annotations": []}'),
        lambda root: feature_file(root, TRAIN[2], 2).unlink(),
    ],
    ids=["other features", "other labels", "a half less"],
)
def test_other_bytes_under_the_same_name_are_another(root, change):
    before = content(root)
    change(root)
    assert content(root) != before
    assert content(root, GAMES["valid"]) == content(root, GAMES["valid"])


def test_of_videos_size_start_and_end_count(root):
    params = ExtractParams(source="videos", videos="224p")
    video = root / TRAIN[0] / "1_224p.mkv"
    seen = {content(root, params=params)}
    for held in (b"one", b"two", b"three"):
        video.write_bytes(held)
        seen.add(content(root, params=params))
    assert len(seen) == 4


def test_games_that_are_not_known_have_no_content_together():
    assert joined_content({"a": "1"}, ["a", "b"]) is None
