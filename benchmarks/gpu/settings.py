"""How much is measured."""

from dataclasses import dataclass, replace

from benchmarks.gpu.banks import FRAMES_OF_AN_EVENT
from rmsnet.params import TrainParams


@dataclass(frozen=True)
class Settings:
    """The sizes of a run.

    Attributes:
        minutes: the whole run, at most.
        games: of the training split; SoccerNet's 300.
        valid_games: of the validation split; SoccerNet's 100.
        frames: of a half.
        every: frames from an event to the next.
        width: features of a frame.
        train: the paper's settings, but for the epochs.
        steps: of the curves that are compared.
        seconds: that one speed is measured, about.
        matrix: rows of the square product behind the card's rate of arithmetic.
        backbone: of the extraction.
        side: of its pictures, pixels.
        at_once: its batches.
        compiled: whether PyTorch's compiler is among the references; it takes a minute.
        workers: of the textbook's DataLoader.
    """

    minutes: float
    games: int
    valid_games: int
    frames: int
    every: int
    width: int
    train: TrainParams
    steps: int
    seconds: float
    matrix: int
    backbone: str
    side: int
    at_once: tuple[int, ...]
    compiled: bool
    workers: int


FULL = Settings(
    minutes=8,
    games=300,
    valid_games=100,
    frames=5400,
    every=FRAMES_OF_AN_EVENT,
    width=512,
    train=TrainParams(patience=0),
    steps=200,
    seconds=3.0,
    matrix=8192,
    backbone="resnet152",
    side=224,
    at_once=(32, 128, 512),
    compiled=True,
    workers=8,
)

QUICK = replace(
    FULL, minutes=2.5, train=replace(FULL.train, epochs=4), steps=100, seconds=1.0, at_once=(32, 128), compiled=False
)

TOY = Settings(
    minutes=2,
    games=2,
    valid_games=2,
    frames=300,
    every=150,
    width=32,
    train=TrainParams(patience=0, epochs=2, batch_size=8, foreground_clips=24, background_clips=8),
    steps=4,
    seconds=0.01,
    matrix=64,
    backbone="resnet18",
    side=32,
    at_once=(2,),
    compiled=False,
    workers=0,
)
