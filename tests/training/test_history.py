from dataclasses import replace

from rmsnet.training.history import Epoch, collapse

EPOCH = Epoch(1, 0.7, 0.5, 0.02, 0.8, 0.05, 1.9, 2000.0, 16.0)


def history(*scores: float) -> list[Epoch]:
    return [replace(EPOCH, epoch=number, valid_average_map=score) for number, score in enumerate(scores, 1)]


def test_a_network_that_died_is_named_with_its_best_epoch_and_what_to_change():
    assert collapse(history(0.5, 0.797, 0.3, 0.009)) == (
        "valid Average-mAP fell from 79.7 in epoch 2 to 0.9 at the end; the model is that of epoch 2. "
        "Lower train.learning_rate, or raise train.batch_size"
    )


def test_scores_that_go_up_and_down_are_no_collapse():
    assert collapse(history(0.6, 0.8, 0.5)) is None
    assert collapse(history(0.0, 0.0)) is None
