"""python -m components.node: every process of a training over several nodes, which torchrun starts on each of them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUEST = "RMSNET_TRAINING"
"""Environment variable: a `Training` as JSON."""


@dataclass(frozen=True)
class Training:
    """What the nodes train.

    Attributes:
        features: folder of the frame banks, on a volume that every node mounts.
        out: the model folder, on such a volume too; the first node writes it.
        params: sections as in params.yaml.
        variant: a key of the parameters' `variants`; None: the train section as it is.
    """

    features: str
    out: str
    params: dict[str, Any]
    variant: str | None = None


def main() -> None:
    """Train what the environment asks for, as one of the processes that torchrun has started.

    Raises:
        SystemExit: as the train component.
    """
    from components.door import door

    with door("train"):
        from rmsnet.documents import read_document
        from rmsnet.params import params_from
        from rmsnet.training.stage import train_stage

        training = read_document(os.environ[REQUEST].encode(), Training, REQUEST)
        params = params_from(training.params, "params")
        train_stage(Path(training.features), Path(training.out), params, variant=training.variant)


if __name__ == "__main__":
    main()
