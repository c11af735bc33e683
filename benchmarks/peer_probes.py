"""What `benchmarks/peers.py` measures in an environment: run by its Python, which has no rmsnet unless it is ours.

    PYTHON peer_probes.py PROBE ARGUMENT …

Prints a line of JSON: what the probe found, with the seconds of the clock and the processor and the peak memory of it
all, imports included.
"""

import json
import resource
import shutil
import sys
import time
from functools import partialmethod
from pathlib import Path

FRAME_RATE = 2
EPOCHS = (2, 12)


def soccernet_evaluation(folder):
    """Loose Average-mAP of 100 games in SoccerNet's files."""
    from SoccerNet.Evaluation import ActionSpotting

    found = ActionSpotting.evaluate(f"{folder}/labels", f"{folder}/sparse", split="test", metric="loose")
    return {"score": float(found["a_mAP"])}


def opensportslib_evaluation(folder):
    """Its mAP of the same games, within 0 to 4 frames, from its own lists of events."""
    from opensportslib.metrics.localization_metric import compute_mAPs_E2E

    truth, found = (json.loads((Path(folder) / f"{name}.json").read_text()) for name in ("truth", "found"))
    scores = compute_mAPs_E2E(truth, found)
    return {"score": float(scores[0][-1])}


def limited(initialise):
    """The same with the number of epochs that it is given last."""

    def limit(trainer, *arguments, epochs, **options):
        initialise(trainer, *arguments, **{**options, "max_epochs": epochs})

    return limit


def opensportslib_training(folder):
    """NetVLAD++ on features, as its own configuration has it: seconds of an epoch, and of spotting a match."""
    import opensportslib
    import pytorch_lightning as lightning
    import yaml

    model_class = opensportslib.model.LocalizationModel
    # A configuration is read over the defaults that lie beside it.
    configs = Path(folder) / "configs"
    shutil.copytree(Path(opensportslib.__file__).parent / "configs", configs, dirs_exist_ok=True)
    source = configs / "localization/netvladpp_resnetpca512.yaml"
    taken, made = {}, limited(lightning.Trainer.__init__)
    for epochs in EPOCHS:
        config = yaml.safe_load(source.read_text())
        config["DATA"]["common"]["data_root"] = folder
        labels = json.loads((Path(folder) / "train.json").read_text())["labels"]["action"]["labels"]
        config["DATA"]["common"]["classes"] = labels
        config["MODEL"]["components"]["task_head"]["params"]["num_classes"] = len(labels)
        config["MODEL"]["components"]["video_adapter"]["kind"] = "adapter"  # 0.3.3 has left it out and builds nothing
        for split, of_split in config["DATA"]["common"]["splits"].items():
            of_split["annotation_path"], of_split["source_path"] = f"{folder}/{split}.json", folder
            of_split["dataloader"].update(num_workers=0, pin_memory=False)
        config["SYSTEM"] = {"device": "cpu", "gpu": {"count": 0}}
        path = configs / f"localization/epochs-{epochs}.yaml"
        path.write_text(yaml.safe_dump(config))
        # Its trainer of this family reads no number of epochs, and goes on to 200.
        lightning.Trainer.__init__ = partialmethod(made, epochs=epochs)
        model = model_class(config=str(path))
        started = time.perf_counter(), time.process_time()
        model.train(use_wandb=False)
        taken[epochs] = time.perf_counter() - started[0], time.process_time() - started[1]
    epoch, epoch_cpu = ((taken[EPOCHS[1]][one] - taken[EPOCHS[0]][one]) / (EPOCHS[1] - EPOCHS[0]) for one in (0, 1))
    started = time.process_time()
    try:
        model.infer(test_set=f"{folder}/test.json", use_wandb=False)
        spotting, reason = time.process_time() - started, ""
    except Exception as error:
        spotting, reason = None, f"{type(error).__name__}: {error}"
    return {"epoch": epoch, "epoch_cpu": epoch_cpu, "spotting_cpu": spotting, "spotting_reason": reason}


def opensportslib_first_training(folder):
    """Of 0.1.0: the array on the GPU with which every clip begins, in training and spotting; fails without one."""
    from opensportslib.datasets import localization_dataset

    localization_dataset.cupy.zeros(1)
    raise SystemExit("has a GPU: not measured")


def imports(name):
    """What importing what one works with takes."""
    __import__(name)
    return {}


PROBES = {
    "imports": imports,
    "soccernet_evaluation": soccernet_evaluation,
    "opensportslib_evaluation": opensportslib_evaluation,
    "opensportslib_first_training": opensportslib_first_training,
    "opensportslib_training": opensportslib_training,
}

if __name__ == "__main__":
    begun = time.perf_counter()
    told = PROBES[sys.argv[1]](*sys.argv[2:])
    used = resource.getrusage(resource.RUSAGE_SELF)
    told["wall"] = time.perf_counter() - begun
    told["cpu"] = used.ru_utime + used.ru_stime
    told["megabytes"] = used.ru_maxrss / 1024
    print(f"\n{json.dumps(told)}")
