"""params.yaml: one typed schema, a section per stage; the defaults are the paper's settings.

The sections are plain dataclasses, so that the training core needs no more than the standard library to be
configured. Reading and checking a file (`load_params`) is the edge that uses pydantic.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, TypeVar

from rmsnet.documents import read_yaml
from rmsnet.errors import UserError, did_you_mean
from rmsnet.settings import (
    COUNT,
    COUNT_OR_NONE,
    MOST,
    POSITIVE,
    SEED,
    SHARE,
    SHARE_BELOW_ONE,
    Range,
    require_ranges,
    setting,
)

_STRICT = {"extra": "forbid"}

T = TypeVar("T")


def _require(condition: bool, key: str, message: str) -> None:
    if not condition:
        raise ValueError(f"{key} {message}")


@dataclass(frozen=True, kw_only=True)
class DataParams:
    """The dataset.

    Attributes:
        root: folder of the dataset, inside the project or anywhere else.
        classes: which of SoccerNet's labels to learn: "v1" (card, subs, soccer: the paper) or "v2" (17 classes); a
            dataset whose dataset.json lists classes has its own.
    """

    __pydantic_config__ = _STRICT

    root: str = setting("data", paper="IV-A", unless="the dataset lies in data/")
    classes: Literal["v1", "v2"] = setting("v1", paper="IV-A", unless="dataset.json lists classes")


@dataclass(frozen=True, kw_only=True)
class ExtractParams:
    """The frame bank.

    Attributes:
        source: what it is made from: "features" that are there already, the "videos" through a backbone, or "frames":
            the videos' pictures themselves, for the fine-tuning of a backbone.
        features: of source "features": {1,2}_<features>.npy of every game.
        videos: of the other sources: {1,2}_<videos>.mkv (.mp4, …) of every game.
        frame_rate: pictures of a video, or rows of features, a second; 0: of videos 2, of features what their name
            or dataset.json says, else 2.
        picture: what is kept of a picture: its "centre" (SoccerNet's square) or the "whole" (224 × 398: the paper's
            fine-tuning).
        height: of the kept picture, pixels.
        backbone: of source "videos": a classification model of torchvision.
        weights: its weights: an entry of torchvision's enum, or a .pth or .safetensors file.
        precision: of source "videos": what the backbone multiplies in; "bfloat16" is faster where the machine has it
            (elsewhere it is float32 all the same) and moves the features a little (docs/video.md).
        pca: of source "videos": features left by a PCA fitted on the training split; 0: no PCA.
        extra_time: what becomes of annotated events in halves 3 to 5: "refuse" the data, or "leave-out" and count them.
    """

    __pydantic_config__ = _STRICT

    source: Literal["features", "videos", "frames"] = setting(
        "features", paper="IV-A; frames: IV-E", unless="features are there"
    )
    features: str = setting("ResNET_TF2_PCA512", paper="IV-A", unless="the source is not features")
    videos: str = setting("224p", paper="IV-A", unless="the source is features")
    frame_rate: float = setting(
        0.0, "pictures or rows a second", Range(0, 1000), paper="IV-A: 2", unless="a name or dataset.json says it"
    )
    picture: Literal["centre", "whole"] = setting(
        "centre", paper="IV-E: whole", unless="features are to be like SoccerNet's"
    )
    height: int = setting(224, "pixels", Range(32, 10_000), paper="IV-E", unless="the weights were trained at 224")
    backbone: str = setting("resnet152", paper="IV-A", unless="a registered model is to go on")
    weights: str = setting("IMAGENET1K_V1", paper="IV-A", unless="the backbone has no other weights")
    precision: Literal["float32", "bfloat16"] = setting(
        "float32", unless="features are to be the same on every machine"
    )
    pca: int = setting(512, "features", Range(0, 10_000), paper="IV-A: 512", unless="the backbone is narrow")
    extra_time: Literal["refuse", "leave-out"] = setting("refuse", unless="dataset.json has periods for it")

    def __post_init__(self) -> None:
        require_ranges(self)
        for key in ("features", "videos"):
            name = getattr(self, key)
            _require(bool(name) and "/" not in name and name.isprintable(), key, f"is no file name: {name!r}")


@dataclass(frozen=True, kw_only=True)
class TrainParams:
    """Clips, network, loss and schedule (paper, III and IV-B).

    Attributes:
        clip_frames: T, frames of a clip.
        foreground_clips: clips with an event drawn each epoch, uniform over classes.
        background_clips: clips without an event drawn each epoch; the paper takes foreground_clips / C.
        uniform_offsets: True: the event lies anywhere in a foreground clip. False: in its middle (Table III).
        drop_halftime_substitutions: leave out the substitutions at second 0 of the second half.
        masking_probability: p of M(p, q), Eq. 4; 0 switches masking off.
        masking_max_offset: q of M(p, q): clips whose event lies later in the clip than this are not masked.
        masking_side: which frames are replaced: "before" the event (Eq. 4) or "after" it (Table V).
        regression: predict the offset of the event; False assumes 0.5 (Table III).
        regression_weight: lambda of Eq. 3.
        dropout: drop rate before the max over time.
        epochs: at most so many.
        patience: stop after so many epochs without a better validation Average-mAP; 0: never.
        batch_size: clips in a batch.
        learning_rate: after the warm-up of one epoch; cosine to zero from the second epoch.
        momentum: of SGD.
        weight_decay: of SGD.
        average_decay: judge and keep a running average of the weights with this decay a step; 0: the weights.
        backbone: fine-tune this ResNet of torchvision with the network, on a bank of frames (Table VI: resnet18,
            resnet50, resnet152, with batch_size 24 and learning_rate 0.025); "": train on features.
        weights: of that backbone, as in the extract section.
        accumulate: compute each batch in so many parts, where it does not fit the memory; the result is the same.
        precision: "float32", "bfloat16", or "auto": bfloat16 where the machine computes in it.
        seed: of the weights, the sampling, the masking and the dropout.
    """

    __pydantic_config__ = _STRICT

    clip_frames: int = setting(41, "frames", COUNT, paper="IV-B", unless="there are 2 rows a second")
    foreground_clips: int = setting(30_000, "clips an epoch", COUNT, paper="IV-B", unless="there are hundreds of games")
    background_clips: int = setting(
        10_000, "clips an epoch", COUNT, paper="III-C, IV-B", unless="foreground_clips stays"
    )
    uniform_offsets: bool = setting(True, paper="III-C, Table III", unless="Table III is not the question")
    drop_halftime_substitutions: bool = setting(True, paper="IV-B", unless="pictures do not show them")
    masking_probability: float = setting(
        1 / 3, "", SHARE, paper="Eq. 4, Table IV", unless="what follows an event tells its class"
    )
    masking_max_offset: float = setting(0.5, "of a clip", SHARE, paper="Eq. 4, Table IV", unless="masking is off")
    masking_side: Literal["before", "after"] = setting(
        "before", paper="IV-D, Table V", unless="what follows an event tells its class"
    )
    regression: bool = setting(True, paper="Eq. 2, Table III", unless="Table III is not the question")
    regression_weight: float = setting(10.0, "", Range(0), paper="Eq. 3, Fig. 6", unless="the regression is off")
    dropout: float = setting(0.1, "", SHARE_BELOW_ONE, paper="IV-B", unless="training and validation agree")
    epochs: int = setting(50, "epochs", COUNT, paper="IV-B", unless="patience ends the training anyway")
    patience: int = setting(10, "epochs", COUNT_OR_NONE, paper="IV-B", unless="whole curves are not wanted")
    batch_size: int = setting(64, "clips", COUNT, paper="IV-B", unless="learning_rate is not changed with it")
    learning_rate: float = setting(0.05, "", POSITIVE, paper="IV-B", unless="batch_size stays, and the loss falls")
    momentum: float = setting(0.9, "", SHARE_BELOW_ONE, paper="IV-B", unless="the optimiser is to be the paper's")
    weight_decay: float = setting(1e-4, "", Range(0), paper="IV-B", unless="the optimiser is to be the paper's")
    average_decay: float = setting(0.0, "a step", SHARE_BELOW_ONE, unless="the paper's numbers are to be reproduced")
    backbone: str = setting("", paper="IV-E, Table VI", unless="there is no GPU")
    weights: str = setting("IMAGENET1K_V1", paper="IV-E", unless="train.backbone is empty")
    accumulate: int = setting(1, "parts of a batch", COUNT, unless="a batch fits the memory")
    precision: Literal["auto", "float32", "bfloat16"] = setting("auto", unless="other machines need not agree")
    seed: int = setting(0, "", SEED, unless="one training is enough")

    def __post_init__(self) -> None:
        require_ranges(self)


@dataclass(frozen=True, kw_only=True)
class SpotParams:
    """From clips to events; a model keeps what it was trained with. The defaults are the paper's.

    Attributes:
        stride: frames between the starts of two clips; 0: T, 1: dense.
        all_classes: score every class of a clip instead of its winner.
        votes: let overlapping clips vote for the frame of each class and take the peaks; needs a stride below T.
        suppression: what happens to predictions near a better one of their class: "none", "hard": dropped, "soft":
            weakened.
        suppression_seconds: how near that is.
        spread: put confidences on the scale of their log-odds; see `rmsnet.spotting.decoding.spread`.
    """

    __pydantic_config__ = _STRICT

    stride: int = setting(0, "frames", COUNT_OR_NONE, paper="III-C, IV-B: T", unless="seconds count more than accuracy")
    all_classes: bool = setting(False, unless="the paper's numbers are to be reproduced")
    votes: bool = setting(False, unless="stride is T: clips must overlap")
    suppression: Literal["none", "hard", "soft"] = setting("none", unless="events of a class come that close")
    suppression_seconds: float = setting(10.0, "seconds", POSITIVE, unless="suppression is none")
    spread: bool = setting(False, unless="confidences are read as probabilities")

    def __post_init__(self) -> None:
        require_ranges(self)
        _require(self.stride > 0 or not self.votes, "votes", "need clips that overlap; set stride, e.g. to 1")


@dataclass(frozen=True, kw_only=True)
class EvaluateParams:
    """Judging a model.

    Attributes:
        tolerances: "loose" (5..60 s, the paper), "tight" (1..5 s).
        bootstrap: resamples of games behind the 95 % interval; 0: no interval.
    """

    __pydantic_config__ = _STRICT

    tolerances: Literal["loose", "tight"] = setting("loose", paper="IV-A", unless="the paper is compared")
    bootstrap: int = setting(1000, "resamples of games", COUNT_OR_NONE, unless="intervals are read")

    def __post_init__(self) -> None:
        require_ranges(self)


@dataclass(frozen=True, kw_only=True)
class RegisterParams:
    """The registry and its gate; scores in [0, 1].

    Attributes:
        model_name: name of the registered model.
        minimum_games: of the split that decides (gate, or valid where there is none); on fewer no champion is replaced.
        floor: validation Average-mAP that any champion must reach.
        error_rate: what a line of models may err in its whole life; see `rmsnet.registry.levels`.
        control: what that bounds: "fdr": the share of wrong promotions; "strict": the chance of a single one.
        class_allowance: a class may fall by so much; the gate refuses when it falls further with 95 % confidence.
    """

    __pydantic_config__ = _STRICT

    model_name: str = setting("rmsnet", unless="one line of models is enough")
    minimum_games: int = setting(20, "games", Range(2, MOST), unless="games are few: fewer decide nothing")
    floor: float = setting(0.1, "Average-mAP", SHARE, unless="a first champion should be worth something")
    error_rate: float = setting(0.05, "", Range(0, 0.5, above=True), unless="a wrong champion would be costly")
    control: Literal["fdr", "strict"] = setting("fdr", unless="the share of wrong ones is what counts")
    class_allowance: float = setting(0.05, "Average-mAP", SHARE, unless="no class matters more than the mean")

    def __post_init__(self) -> None:
        require_ranges(self)
        _require(
            re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]*", self.model_name) is not None,
            "model_name",
            f"must be letters, digits, spaces, '.', '_' and '-', not {self.model_name!r}",
        )


@dataclass(frozen=True, kw_only=True)
class Params:
    """The whole of params.yaml.

    Attributes:
        variants: named changes of the train section, e.g. {"no-masking": {"masking_probability": 0}}.
    """

    __pydantic_config__ = _STRICT

    data: DataParams = field(default_factory=DataParams)
    extract: ExtractParams = field(default_factory=ExtractParams)
    train: TrainParams = field(default_factory=TrainParams)
    spot: SpotParams = field(default_factory=SpotParams)
    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    evaluate: EvaluateParams = field(default_factory=EvaluateParams)
    register: RegisterParams = field(default_factory=RegisterParams)

    def variant(self, name: str) -> TrainParams:
        """The train section with the changes of a variant.

        Raises:
            UserError: there is no such variant, or it sets an unknown key or an impossible value.
        """
        if name not in self.variants:
            known = ", ".join(self.variants) or "none"
            raise UserError(f"variants.{name}: no such variant{did_you_mean(name, self.variants)}; known: {known}")
        merged = {**asdict(self.train), **self.variants[name]}
        return checked(TrainParams, merged, f"variants.{name}")


def checked(kind: type[T], value: Any, where: str) -> T:
    """A value of plain dicts and lists as an instance of a dataclass: the one check behind every file of settings.

    Args:
        kind: the dataclass.
        value: what the file holds.
        where: its name, for error messages.

    Raises:
        UserError: an unknown key or an impossible value; the message names the key.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "unexpected_keyword_argument":
            known = _known_keys(kind, first["loc"])
            message = f"unknown key{did_you_mean(str(first['loc'][-1]), known)}; known: {', '.join(known)}"
        raise UserError(f"{where}: {key}: {message}" if key else f"{where}: {message}") from None


def _known_keys(kind: Any, location: Sequence[Any]) -> list[str]:
    """The keys that the section around an unknown key allows."""
    from typing import get_args, get_type_hints

    for part in location[:-1]:
        kind = get_args(kind)[0] if isinstance(part, int) else get_type_hints(kind)[part]
    return [item.name for item in fields(kind)]


STRONG: Mapping[str, Mapping[str, Any]] = {
    "train": {"average_decay": 0.99},
    "spot": {"stride": 1, "votes": True},
}
"""What was measured to help beyond doubt, each by itself: docs/paper.md."""

_PAPER = ("train.average_decay=0", *(f"spot.{item.name}={item.default}" for item in fields(SpotParams)))

PRESETS: Mapping[str, tuple[str, ...]] = {
    "paper": _PAPER,
    "strong": (*_PAPER, *(f"{part}.{key}={value}" for part, keys in STRONG.items() for key, value in keys.items())),
}
"""Named recipes, as overrides. The schedule stays as it is."""


def load_params(path: Path | None = None, overrides: Sequence[str] = ()) -> Params:
    """Read params.yaml and apply overrides.

    Args:
        path: the file; None: params.yaml of the working directory where there is one, else the defaults.
        overrides: texts "section.key=value", value in YAML, as `--set` takes them.

    Raises:
        UserError: no such file, not YAML, an unknown key, an impossible value; the message names the key.
    """
    document: Any = {}
    if path is not None or Path("params.yaml").exists():
        path = Path(path or "params.yaml")
        document = read_yaml(path) or {}
    if not isinstance(document, dict):
        raise UserError(f"{path}: must be a mapping of sections")
    for override in overrides:
        key, equals, text = override.partition("=")
        section, dot, name = key.strip().partition(".")
        if not (equals and dot and section and name):
            raise UserError(f"--set {override}: write section.key=value, e.g. train.epochs=10")
        value = read_yaml(text, f"--set {override}")
        if not isinstance(document.setdefault(section, {}), Mapping):
            raise UserError(f"--set {override}: {section} is not a section")
        document[section] = {**document[section], name: value}
    return params_from(document, str(path or "defaults"))


def params_from(document: Mapping[str, Any], where: str) -> Params:
    """Parameters from a mapping of sections, every variant checked.

    Raises:
        UserError: an unknown key or an impossible value; the message names the key.
    """
    params = checked(Params, document, where)
    for name in params.variants:
        params.variant(name)
    return params
