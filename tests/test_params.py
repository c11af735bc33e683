from dataclasses import asdict

import pytest

from rmsnet.errors import UserError
from rmsnet.params import Params, TrainParams, load_params


def test_the_defaults_are_the_papers_settings():
    """Paper, III-C and IV-B."""
    train = TrainParams()
    assert (train.clip_frames, train.foreground_clips, train.background_clips) == (41, 30_000, 10_000)
    assert (train.masking_probability, train.masking_max_offset, train.masking_side) == (1 / 3, 0.5, "before")
    assert (train.regression_weight, train.dropout) == (10, 0.1)
    assert (train.epochs, train.batch_size, train.learning_rate) == (50, 64, 0.05)
    assert (train.momentum, train.weight_decay) == (0.9, 1e-4)


def test_the_projects_own_file_changes_only_what_a_laptop_needs_changed(repository):
    params = load_params(repository / "params.yaml")
    changed = {key for key, value in asdict(params.train).items() if value != asdict(TrainParams())[key]}
    assert changed == {"foreground_clips", "background_clips", "epochs"}
    assert list(params.variants) == ["full", "no-masking", "no-regression", "no-uniform-offsets"]


def test_a_variant_is_the_train_section_with_changes(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text("train: {epochs: 3}\nvariants: {quiet: {masking_probability: 0}}")
    assert load_params(file).variant("quiet") == TrainParams(epochs=3, masking_probability=0.0)
    with pytest.raises(UserError, match=r"variants\.loud: no such variant; known: quiet"):
        load_params(file).variant("loud")


def test_set_changes_one_value(tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text("train: {epochs: 3, seed: 1}")
    params = load_params(file, ["train.seed=7", "data.classes=v2"])
    assert (params.train.epochs, params.train.seed, params.data.classes) == (3, 7, "v2")


def test_without_a_file_the_defaults_hold(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_params() == Params()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: {epoch: 3}", r"train\.epoch: unknown key; did you mean epochs\?; known: clip_frames, "),
        ("trian: {}", r"trian: unknown key; did you mean train\?; known: data, "),
        ("train: {epochs: many}", r"train\.epochs"),
        ("train: {epochs: 0}", r"train: epochs must be at least 1, not 0"),
        ("train: {masking_probability: 1.5}", r"masking_probability must lie in \[0, 1\], not 1.5"),
        ("train: {masking_max_offset: -0.1}", "masking_max_offset must lie in"),
        ("train: {learning_rate: 0}", "learning_rate must be positive"),
        ("train: {learning_rate: .inf}", "learning_rate"),
        ("train: {regression_weight: .nan}", "regression_weight must be finite"),
        ("train: {precision: float16}", r"train\.precision"),
        ("variants: {a: {epochs: 0}}", r"variants\.a: epochs must be at least 1"),
        ("variants: {a: {b: 0}}", r"variants\.a: b: unknown key"),
        ("extract: {features: ../x}", "features is no file name"),
        ("data: {classes: v3}", r"data\.classes"),
        ("evaluate: {bootstrap: -1}", "bootstrap must not be negative"),
        ("- a", "must be a mapping"),
        ("a: [", "not readable YAML"),
    ],
)
def test_an_impossible_file_is_refused_with_the_key(tmp_path, text, message):
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=message) as refused:
        load_params(file)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("override", ["epochs=3", "train.epochs", "train.=3", "=3", "train.epochs=[", "train.x=1"])
def test_an_impossible_override_is_refused(tmp_path, override):
    file = tmp_path / "params.yaml"
    file.write_text("{}")
    with pytest.raises(UserError):
        load_params(file, [override])


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        load_params(tmp_path / "nowhere.yaml")
