"""Two trained, tracked and evaluated models, made once; every test gets its own copy of the store."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rmsnet.evaluation.stage import evaluate_stage
from rmsnet.features.bank import FrameBank, bank_index
from rmsnet.features.profile import PROFILE_FILE, bank_profile
from rmsnet.files import content_hash, write_json
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.params import EvaluateParams, Params, TrainParams
from rmsnet.spots import Predictions
from rmsnet.spotting.inference import spot_bank
from rmsnet.training.stage import train_stage
from tests.builders import learnable_bank, write_bank
from tests.conftest import Once
from tests.pictures import not_rendered

GAMES: Mapping[str, int] = {"train": 4, "valid": 6, "test": 3, "gate": 22}

PARAMS = Params(
    train=TrainParams(
        clip_frames=9, foreground_clips=200, background_clips=70, batch_size=16, epochs=6, precision="float32"
    ),
    evaluate=EvaluateParams(bootstrap=100),
    variants={"good": {}, "poor": {"epochs": 1, "foreground_clips": 150}},
)


@dataclass(frozen=True)
class Workshop:
    """A working directory as the pipeline leaves it before the register stage."""

    root: Path
    store: Path

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def evaluation(self) -> Path:
        return self.root / "evaluation"

    @property
    def validation(self) -> Path:
        return self.root / "validation"

    def model(self, name: str) -> Path:
        return self.root / "models" / name


@pytest.fixture(scope="session")
def finished_workshop(once: Once) -> Workshop:
    root = once("workshop", make_workshop)
    return Workshop(root, root / "mlflow.db")


def make_workshop(root: Path) -> None:
    shop = Workshop(root, root / "mlflow.db")
    for number, (split, games) in enumerate(GAMES.items()):
        made = write_bank(shop.features, split, learnable_bank(games, seed=number), content=f"content of {split}")
        if split == "train":
            write_json(shop.features / PROFILE_FILE, bank_profile(made))
    write_json(
        shop.validation / "validation.json",
        {
            "verdict": "passed",
            "summary": "passed: no critical check failed",
            "dataset": "test",
            "dvc_md5": None,
            "content": {split: f"content of {split}" for split in GAMES},
        },
    )
    with pytest.MonkeyPatch.context() as patch, not_rendered():
        patch.chdir(root)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for name in PARAMS.variants:
            train_stage(shop.features, shop.model(name), PARAMS, variant=name, device="cpu", progress=False)
            evaluate_stage(shop.model(name), shop.features, shop.evaluation / name, PARAMS.evaluate, device="cpu")


@pytest.fixture(scope="module", autouse=True)
def spotted_once() -> Iterator[None]:
    """The gate asks the same models about the same frames hundreds of times: what they spot is computed once."""
    known: dict[str, Predictions] = {}

    def spot(model: SpottingModel, bank: FrameBank) -> Predictions:
        asked = content_hash(
            json.dumps([model.config, bank_index(bank)]), type(model).__name__, bank.features.tobytes()
        )
        if asked not in known:
            known[asked] = spot_bank(model, bank)
        return known[asked]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rmsnet.registry.judging.spot_bank", spot)
        yield


@pytest.fixture
def shop(finished_workshop: Workshop, no_pictures: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """The working directory, with a store of one's own; the models in it are shared and only read."""
    store = tmp_path / "mlflow.db"
    shutil.copy(finished_workshop.store, store)
    shutil.copytree(finished_workshop.root / "mlruns", tmp_path / "mlruns")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Workshop(finished_workshop.root, store)


def write_keys(folder: Path, name: str, private: Any = None) -> Path:
    """NAME.key and NAME.pub in PEM; the private one's path."""
    private = private or ec.generate_private_key(ec.SECP256R1())
    key = folder / f"{name}.key"
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    key.with_suffix(".pub").write_bytes(
        private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return key
