"""JPEG frames in zips: written once, read at random."""

import io
import shutil
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from rmsnet.errors import UserError
from rmsnet.features.bank import read_bank
from rmsnet.features.from_frames import FrameStore
from rmsnet.features.shards import Shard, join
from rmsnet.features.stage import extract
from rmsnet.params import ExtractParams
from rmsnet.video.frames import FrameZip, frames_path, zip_hash
from tests.video.datasets import HALF_SECONDS, video_dataset
from tests.video.videos import number_of

FRAMES = ExtractParams(source="frames", picture="whole", height=64)
EVERY = 2 * HALF_SECONDS
"""Frames of a half."""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return video_dataset(tmp_path_factory.mktemp("videos") / "data")


@pytest.fixture(scope="module")
def bank_folder(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("frames") / "frames"
    extract(data, out, FRAMES)
    return out


@pytest.fixture(scope="module")
def store(bank_folder):
    return FrameStore(read_bank(bank_folder, "train"), bank_folder)


def shown(row: int) -> int:
    """The number on the frame of a row of the training bank: game, half, ten pictures a second."""
    half, frame = divmod(row, EVERY)
    return 100 * (2 * (half // 2) + half % 2 + 1) + min(5 * (frame + 1), 10 * HALF_SECONDS - 1)


def test_a_bank_of_frames_has_no_columns_and_a_zip_for_each_half(bank_folder):
    bank = read_bank(bank_folder, "train")
    assert bank.features.shape == (4 * EVERY, 0)
    assert bank.info["features"]["name"] == "frames_64x114"
    for half in bank.halves:
        with zipfile.ZipFile(bank_folder / frames_path(half.game, half.half)) as archive:
            names = archive.namelist()
            assert names == [f"{number:06}.jpg" for number in range(EVERY)]
            assert Image.open(io.BytesIO(archive.read(names[0]))).size == (114, 64)
    assert len(list(bank_folder.rglob("*"))) < 30


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 4 * EVERY - 1), min_size=1, max_size=20))
def test_any_rows_are_read_in_the_order_they_are_asked_for(store, rows):
    images = store.read(np.array(rows))
    assert images.shape == (len(rows), 3, 64, 114)
    assert [number_of(image.permute(1, 2, 0).numpy()) for image in images] == [shown(row) for row in rows]


def test_a_stretch_may_run_from_one_half_into_the_next(store):
    rows = np.arange(EVERY - 5, EVERY + 5)
    assert [number_of(image.permute(1, 2, 0).numpy()) for image in store.read(rows)] == [shown(row) for row in rows]


def test_shards_of_frames_joined_are_the_whole(data, bank_folder, tmp_path):
    for number in (1, 2):
        extract(data, tmp_path / str(number), FRAMES, shard=Shard(number, 2))
    join([tmp_path / "1", tmp_path / "2"], tmp_path / "joined")
    ours, theirs = (
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (tmp_path / "joined", bank_folder)
    )
    assert ours == theirs


def test_the_data_hash_is_of_the_frames_too(data, bank_folder, tmp_path):
    extract(data, tmp_path / "smaller", replace(FRAMES, height=32))
    ours, theirs = (read_bank(folder, "train").info for folder in (tmp_path / "smaller", bank_folder))
    assert ours["frames_hash"] != theirs["frames_hash"]
    assert ours["data_hash"] != theirs["data_hash"]


def test_the_same_video_gives_the_same_zip(data, bank_folder, tmp_path):
    extract(data, tmp_path / "again", FRAMES)
    path = frames_path("league/season/game 0", 1)
    assert (tmp_path / "again" / path).read_bytes() == (bank_folder / path).read_bytes()
    assert zip_hash(bank_folder / path) != zip_hash(bank_folder / frames_path("league/season/game 0", 2))


def test_zips_that_are_missing_cut_compressed_or_short_are_refused(bank_folder, tmp_path):
    bank = read_bank(bank_folder, "train")
    original = bank_folder / frames_path(bank.halves[0].game, 1)
    with pytest.raises(UserError, match="frames are missing"):
        FrameStore(bank, tmp_path)
    (tmp_path / "cut.zip").write_bytes(original.read_bytes()[:5000])
    with pytest.raises(UserError, match=r"cut\.zip: cannot be read"):
        FrameZip(tmp_path / "cut.zip").jpegs(0, 1)
    with zipfile.ZipFile(tmp_path / "deflated.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("000000.jpg", b"1" * 500)
    with pytest.raises(UserError, match="compressed"):
        FrameZip(tmp_path / "deflated.zip").jpegs(0, 1)
    with pytest.raises(UserError, match=f"has {EVERY} frames, {EVERY + 4} are wanted"):
        FrameZip(original).jpegs(EVERY - 6, 10)


def test_a_frame_that_is_damaged_is_refused(bank_folder, tmp_path):
    shutil.copytree(bank_folder, tmp_path / "frames")
    bank = read_bank(tmp_path / "frames", "train")
    path = tmp_path / "frames" / frames_path(bank.halves[0].game, 1)
    content = bytearray(path.read_bytes())
    content[40:400] = bytes(360)
    path.write_bytes(content)
    with pytest.raises(UserError, match="a frame is damaged"):
        FrameStore(bank, tmp_path / "frames").read(np.array([0]))
