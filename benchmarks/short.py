"""Every benchmark as `make bench` runs it: short, with the figures by which two machines are compared."""

import re
from dataclasses import dataclass

from benchmarks.machine import cores


@dataclass(frozen=True)
class Figure:
    """A number in what a benchmark prints.

    Attributes:
        name: what it is.
        pattern: finds it; its group is the number.
        unit: that it is told in.
        more_is_better: as with a speed; less is, with a time.
    """

    name: str
    pattern: str
    unit: str
    more_is_better: bool = False

    def of(self, output: str) -> float | None:
        """The number; None where the output does not have it."""
        found = re.search(self.pattern, output, re.MULTILINE)
        return float(found[1].replace(",", "")) if found else None


@dataclass(frozen=True)
class Short:
    """A short run of a benchmark.

    Attributes:
        name: of its section.
        says: what it measures.
        arguments: of Python: the module and its options.
        seconds: after which it is stopped; what it has printed by then is kept.
        figures: in what it prints.
        needs: files below the project that it reads, by how they are made.
        program: that the machine must have.
    """

    name: str
    says: str
    arguments: tuple[str, ...]
    seconds: int
    figures: tuple[Figure, ...] = ()
    needs: tuple[tuple[str, str], ...] = ()
    program: str = ""


def _cpu_of(command: str) -> Figure:
    """The processor seconds of a command in the table of `benchmarks/prompt.py`."""
    return Figure(command, rf"^\| {re.escape(command)} \| ([\d.]+) \|", "s of CPU")


SPEED_OF_TRAINING = (
    Figure("training", r"^ours +([\d,]+) clips/s", "clips/s", more_is_better=True),
    Figure("the textbook loop", r"^textbook float32 +([\d,]+) clips/s", "clips/s", more_is_better=True),
)

BENCHMARKS = (
    Short(
        "training",
        "a training step with one thread beside the same network's ceiling and a textbook loop",
        ("-m", "benchmarks.training", "--rounds", "2"),
        100,
        SPEED_OF_TRAINING,
    ),
    Short(
        "training on all cores",
        "the same with a thread for each core",
        ("-m", "benchmarks.training", "--rounds", "2", "--threads", str(cores())),
        100,
        SPEED_OF_TRAINING,
    ),
    Short(
        "quality",
        "CPU seconds to a fixed quality by the paper's schedule and by others, on a tiny dataset",
        (
            *("-m", "benchmarks.quality", "--games", "6", "--minutes", "5", "--clips", "60", "--epochs", "2"),
            *("--seeds", "1"),
        ),
        60,
    ),
    Short(
        "evaluation",
        "100 games judged by us and by the SoccerNet package",
        ("-m", "benchmarks.evaluation"),
        120,
        (
            Figure("files and metric, ours", r"^ours .* both +([\d.]+) s", "s"),
            Figure("files and metric, SoccerNet package", r"^official .* both +([\d.]+) s", "s"),
            Figure("1,000 resamples", r"^bootstrap .* metric +([\d.]+) s", "s"),
        ),
    ),
    Short(
        "prompt",
        "commands whole, from their start to their end",
        ("-m", "benchmarks.prompt", "--runs", "1"),
        120,
        tuple(
            map(
                _cpu_of,
                (
                    "rmsnet --help",
                    "rmsnet registry list",
                    "rmsnet spot HALF.npy --model DIR",
                    "rmsnet evaluate, 100 games in files",
                ),
            )
        ),
    ),
    Short(
        "spotting",
        "a match of 90 minutes from features",
        ("-m", "benchmarks.spotting"),
        40,
        (Figure("a match, the whole command", r"the whole command: .*?([\d.]+) s of CPU", "s of CPU"),),
    ),
    Short(
        "decoding",
        "two pictures a second out of a simulated broadcast, beside FFmpeg alone",
        ("-m", "benchmarks.video", "decoding", "--seconds", "20", "--rounds", "2"),
        40,
        (Figure("decoding", r"^ours.* ([\d.]+) ms of CPU a sample", "ms of CPU a sample"),),
    ),
    Short(
        "extraction",
        "a video through a backbone of random weights, beside the backbone alone",
        ("-m", "benchmarks.video", "extraction", "--backbone", "resnet18", "--seconds", "20", "--rounds", "1"),
        60,
        (Figure("video to features", r"^video to features +([\d.,]+) frames/s", "frames/s", more_is_better=True),),
    ),
    Short(
        "exported",
        "a model by ONNX Runtime beside the same by PyTorch, one thread",
        ("-m", "benchmarks.exported", "--backbones", "resnet18", "--rounds", "2"),
        60,
        (
            Figure(
                "a clip at every frame, of PyTorch's time", r"^\| a clip at every frame \|.* ([\d.]+) \| \S+ \|$", "×"
            ),
            Figure("a picture of 224p, of PyTorch's time", r"^\| resnet18, .*224 \|.* ([\d.]+) \| \S+ \|$", "×"),
        ),
    ),
    Short("serving", "the service under load", ("-m", "benchmarks.serving", "20"), 60),
    Short("batching", "requests that wait, together in one pass", ("-m", "benchmarks.batching", "4", "600"), 30),
    Short("hostile clients", "what they cost a server", ("-m", "benchmarks.hostile_clients"), 60),
    Short(
        "live",
        "how soon the events of a minute of a simulated broadcast are told",
        ("-m", "benchmarks.live", "--minutes", "1", "--speed", "4", "--stride", "4"),
        60,
    ),
    Short(
        "growth",
        "the five stages on 10 and 100 games with short halves",
        ("-m", "benchmarks.growth", "10", "100"),
        120,
    ),
    Short("gate in one question", "how often a gate errs", ("-m", "benchmarks.gate_error_rates", "--lives", "20"), 60),
    Short("gate over whole lives", "the same over the life of a line of models", ("-m", "benchmarks.gate_lives"), 60),
    Short(
        "chosen labels",
        "what labels are worth when an ensemble chooses them; long, so its beginning",
        ("-m", "benchmarks.active_annotation", "--repeats", "1"),
        30,
    ),
    Short(
        "event places",
        "what the variants of Table III know of an event by its place",
        ("-m", "benchmarks.event_places", "--seeds", "1"),
        60,
        needs=(("features", "make demo"), ("studies", "rmsnet reproduce table3")),
    ),
    Short(
        "gpu",
        "everything on a GPU (docs/performance.md)",
        ("-m", "benchmarks.gpu", "--quick", "--out", "bench/gpu"),
        200,
        program="nvidia-smi",
    ),
)
"""In this order. `benchmarks/peers.py` installs other people's packages, so it runs when it is asked for."""
