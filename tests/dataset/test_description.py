"""What a dataset says of itself."""

from pathlib import Path
from typing import Any

import pytest

from rmsnet.dataset.description import SOCCERNET, FeatureKind, read_description
from rmsnet.dataset.periods import HALVES, Period
from rmsnet.errors import UserError
from rmsnet.files import write_json

HANDBALL: dict[str, Any] = {
    "name": "Handball Nord",
    "simulated": False,
    "classes": [{"name": "goal", "colour": "#b54706"}, {"name": "7m goal", "merged_into": "goal"}, {"name": "save"}],
    "labels": {"file": "events.csv", "times": "mm:ss"},
    "features": [{"name": "clip25", "width": 768, "frame_rate": 25, "first_frame_seconds": 0.0}],
    "periods": [{"minutes": 30, "first_minute": 0}, {"minutes": 30, "first_minute": 30}],
    "files": "match",
}


def test_without_a_file_a_folder_is_soccernet(tmp_path: Path):
    assert read_description(tmp_path)[0] == SOCCERNET
    assert SOCCERNET.periods == HALVES


def test_a_dataset_says_its_classes_features_and_periods(tmp_path: Path):
    write_json(tmp_path / "dataset.json", HANDBALL)
    said, document = read_description(tmp_path)
    assert document == HANDBALL
    assert said.kind("clip25") == FeatureKind("clip25", 768, 25, 0.0)
    assert said.periods == (Period("", 30, 0), Period("", 30, 30))
    assert [entry.merged_into for entry in said.classes] == ["", "goal", ""]


@pytest.mark.parametrize(
    ("features", "rate", "first"),
    [
        ("ResNET_TF2_PCA512", 2.0, 0.5),
        ("baidu_soccer_embeddings", 1.0, 0.5),
        ("ResNET_5fps_TF2", 5.0, 0.2),
        ("clip-12.5fps", 12.5, 0.08),
        ("my_features", 2.0, 0.5),
    ],
)
def test_the_rate_of_features_is_in_the_list_or_in_the_name(features: str, rate: float, first: float):
    kind = SOCCERNET.kind(features)
    assert (kind.frame_rate, kind.first_frame_seconds) == (rate, first)


def test_what_the_simulator_notes_is_no_description(tmp_path: Path):
    write_json(
        tmp_path / "dataset.json",
        {"name": "Simulated matches", "simulated": True, "labels": None, "features": "ResNET_TF2_PCA512", "seed": 0},
    )
    assert read_description(tmp_path)[0].kind("ResNET_TF2_PCA512").width == 512


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"classes": [{"name": "goal"}, {"name": "Goal"}]}, "differ in nothing but case"),
        ({"classes": [{"name": "goal", "merged_into": "point"}]}, "merged into 'point', which is none"),
        ({"classes": [{"name": "goal", "color": "#ffffff"}]}, "classes[0]: color: unknown key"),
        ({"classes": [{"name": "goal", "colour": "red"}]}, "colour 'red' is not like"),
        ({"classes": [{"name": "goal", "left_out": True}]}, "all are left out"),
        ({"classes": []}, "both 'classes' and 'labels'"),
        ({"periods": [{"minutes": 30, "first_minute": 0}, {"minutes": 30, "first_minute": 20}]}, "overlap"),
        ({"periods": [{"minutes": 0}]}, "minutes must lie"),
        ({"features": [{"name": "a", "frame_rate": 0}]}, "does not lie in (0, 1000]"),
        ({"files": "half"}, "files: invalid enum value"),
        ({"files": "period", "labels": {"file": "e.csv", "clock": "file"}}, 'needs "files": "match"'),
        ({"labels": {"file": "../e.csv"}}, "is no file name"),
    ],
)
def test_what_is_no_description_is_one_line(tmp_path: Path, change: dict[str, Any], said: str):
    write_json(tmp_path / "dataset.json", {**HANDBALL, **change})
    with pytest.raises(UserError) as refused:
        read_description(tmp_path)
    assert said in str(refused.value)
    assert str(tmp_path / "dataset.json") in str(refused.value)
    assert "\n" not in str(refused.value)
