"""What others have published on SoccerNet's test games, in one list for each way of measuring it.

Scores of two lists are never put beside each other: the classes, the tolerances or the code that counted differ
(docs/evaluation.md). A score is taken from the source that stands beside it; where a method has published none, that is
what stands there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rmsnet.evaluation.metric import Protocol
from rmsnet.evaluation.paper import TABLE_III, TABLE_VI


@dataclass(frozen=True)
class Published:
    """A result.

    Attributes:
        name: of the method.
        reads: features, or frames.
        average_map: on the test split, in [0, 1]; None: there is no such number.
        source: where it is published.
    """

    name: str
    reads: str
    average_map: float | None
    source: str


@dataclass(frozen=True)
class Board:
    """Results that were measured in one way.

    Attributes:
        classes: "v1": 3 of SoccerNet-v1, "v2": 17 of SoccerNet-v2.
        tolerances: "loose": 5 to 60 s, "tight": 1 to 5 s.
        protocol: the code that counts, ours too.
        remark: what is to be known of that; "" where the sources say which it was.
        results: what is published.
    """

    classes: Literal["v1", "v2"]
    tolerances: Literal["loose", "tight"]
    protocol: Protocol
    remark: str
    results: tuple[Published, ...]

    @property
    def title(self) -> str:
        of = {"v1": "SoccerNet-v1, 3 classes", "v2": "SoccerNet-v2, 17 classes"}[self.classes]
        within = {"loose": "loose (5-60 s)", "tight": "tight (1-5 s)"}[self.tolerances]
        return f"{of}, {within}, {self.protocol} protocol{', not told by the sources' if self.remark else ''}"


RESNET, PCA = "ResNet-152", "ResNet-152, PCA 512"
_RMS_NET = "Tomei et al. 2021, arXiv 2102.07624"
_LEADERBOARD = "2021 leaderboard (test), README of SoccerNet/sn-spotting"
_NETVLAD = "OpenSportsLab/OSL-loc-NetVLAD on huggingface.co (seed 1)"
_NETVLAD_PP = "OpenSportsLab/OSL-loc-NetVLADpp on huggingface.co (seed 1)"
_COMEDIAN = "Denize et al. 2024 (WACV workshops); juliendenize/eztorch"
_T_DEED = "arXiv 2404.05392 and arturxe2/T-DEED: none on these classes"

_V2: Sequence[tuple[str, str, float | None, float | None, str]] = (
    ("NetVLAD, 2021", RESNET, 0.3137, 0.0420, _LEADERBOARD),
    ("CALF", RESNET, 0.4161, 0.1410, _LEADERBOARD),
    ("NetVLAD, OpenSportsLab", PCA, 0.4835, 0.0738, _NETVLAD),
    ("NetVLAD++, OpenSportsLab", PCA, 0.5050, 0.1195, _NETVLAD_PP),
    ("NetVLAD++, 2021", RESNET, 0.5340, 0.1151, _LEADERBOARD),
    ("NetVLAD, OpenSportsLab", "Baidu embeddings", 0.7081, 0.0666, _NETVLAD),
    ("Baidu Research", "Baidu embeddings", 0.7377, 0.4705, _LEADERBOARD),
    ("RMS-Net (AImageLab-RMS)", "frames", 0.6349, 0.2883, _LEADERBOARD),
    ("COMEDIAN, ensemble", "frames", 0.776, 0.731, _COMEDIAN),
    ("T-DEED", "frames", None, None, _T_DEED),
)
"""Name, what it reads, loose and tight Average-mAP, source."""


def _of_v2(tolerances: Literal["loose", "tight"]) -> Board:
    results = (
        Published(name, reads, loose if tolerances == "loose" else tight, source)
        for name, reads, loose, tight, source in _V2
    )
    return Board("v2", tolerances, "devkit", "", tuple(results))


BOARDS: tuple[Board, ...] = (
    Board(
        "v1",
        "loose",
        "soccernet-2018",
        "",
        (Published("NetVLAD", PCA, 0.497, "Giancola et al. 2018 (CVPRW)"),),
    ),
    Board("v1", "loose", "calf", "", (Published("CALF", PCA, 0.625, "Cioppa et al. 2020 (CVPR), arXiv 1912.01326"),)),
    Board(
        "v1",
        "loose",
        "devkit",
        "The sources do not say which code counted; rmsnet is counted by the development kit's.",
        (
            Published("Vanderplaetse et al.", "ResNet-152 and audio", 0.560, f"as quoted by {_RMS_NET}"),
            Published("Vats et al.", RESNET, 0.601, f"as quoted by {_RMS_NET}"),
            Published("RMS-Net", PCA, TABLE_III["full"][1], _RMS_NET),
            Published("RMS-Net, ResNet-152 fine-tuned", "frames", TABLE_VI["resnet152"][1], _RMS_NET),
        ),
    ),
    _of_v2("loose"),
    _of_v2("tight"),
)
