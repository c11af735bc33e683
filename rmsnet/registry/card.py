"""The model card of a version, made from the facts: no sentence in it is about numbers that are not in it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rmsnet.dataset.suggested import Suggested
from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.bootstrap import interval
from rmsnet.evaluation.metric import average_map
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.spots import Predictions, Truth
from rmsnet.style.tables import Row, as_markdown, facts, markdown_text
from rmsnet.style.words import marked, percent, with_ends

if TYPE_CHECKING:
    from rmsnet.tracking import Version

CARD = "MODEL_CARD.md"

FORCED_TAG = "forced"
"""On a version that was promoted against the gate: who, from where, when and why. It is never taken away."""

MINUTES = ((0, 15), (15, 30), (30, 60))
"""Slices of a half; the last one holds the stoppage time as well."""

SHOWN_TOLERANCES = (5.0, 30.0, 60.0)


def model_card(
    name: str,
    version: "Version",
    model: SpottingModel,
    scores: Mapping[str, Mapping[str, Any]],
    test: Assessment | None,
    of_run: Mapping[str, str],
) -> str:
    """The card as Markdown.

    Args:
        name: of the registered model.
        version: in the registry.
        model: loaded.
        scores: metrics.json of each split.
        test: the model judged on the test split.
        of_run: tags of the run that trained it.
    """
    card = "\n".join(_lines(name, version, model, scores, test, of_run)) + "\n"
    return with_notice(card, version.tags[FORCED_TAG]) if FORCED_TAG in version.tags else card


def with_notice(card: str, notice: str) -> str:
    """The card, which says below its title that the version was forced."""
    title, _, rest = card.partition("\n")
    return f"{title}\n\n**Champion against the gate: {notice}**\n{rest}"


def _lines(
    name: str,
    version: "Version",
    model: SpottingModel,
    scores: Mapping[str, Mapping[str, Any]],
    test: Assessment | None,
    tags: Mapping[str, str],
) -> Iterator[str]:
    config = model.config
    kind = "**simulated**" if model.simulated else "real"
    without = "" if model.regression else ", without the regression branch"
    parameters = sum(parameter.numel() for parameter in model.network.parameters())
    yield f"# {name} version {version.version} ({markdown_text(config['name'])})"
    yield ""
    yield (
        f"Spots {_classes(model)} in the features of soccer broadcasts. RMS-Net (Tomei et al., *Regression and Masking "
        f"for Soccer Event Spotting*, 2021), {parameters:,} parameters, clips of {model.clip_frames} frames at "
        f"{config['frame_rate']:g} frames a second{without}."
    )
    if model.simulated:
        yield ""
        yield "**Made from simulated features: of no use on real broadcasts; no number here says anything about them.**"
    origin = (
        *(("started from", text) for text in _ancestors(config)),
        ("training data", f"{config['dataset']}, {kind}"),
        ("training data hash", config["data_hash"]),
        ("DVC hash of the dataset", tags.get("dvc.md5", "not tracked by DVC")),
        ("features", ", ".join(f"{key} {value}" for key, value in _flat(config["features"]))),
        ("weights hash", config["weights_hash"]),
        ("logged model", version.model_id),
        ("run", version.run_id),
        ("code", f"commit {tags.get('git.commit', 'unknown')}, dirty: {tags.get('git.dirty', '?')}"),
        ("environment", f"lock {tags.get('lock_hash', 'unknown')}; environment.json of the run"),
    )
    yield from _section("Where it comes from", facts(origin))
    split_scores = (
        (f"{split}, {metrics.get('games', '?')} games", _score(metrics)) for split, metrics in scores.items()
    )
    yield from _section("Scores (Average-mAP, %)", facts(split_scores))
    for split, metrics in scores.items():
        told = _suggested(metrics, str(config["weights_hash"]))
        if told:
            yield from ("", f"**{split}: {told}.**")
    if test is not None:
        title = "Test split by class and tolerance (average precision, %, 95 % interval over games)"
        yield from _section(title, list(_class_scores(test)))
        yield from _section("Slices of the test split", list(_slices(test)))
        if not test.corpus.knows_visibility:
            yield ""
            yield "These annotations do not say which events the broadcast showed."
    yield from _use(name, version, model)


def _ancestors(config: Mapping[str, Any]) -> Iterator[str]:
    """What the model started from, and what that had started from, the nearest first."""
    told = config.get("started_from")
    if told is not None:
        learned_from = marked(str(told["dataset"]), told["simulated"])
        yield f"{told['model']} ({told['name']}, of {learned_from}), weights hash {told['weights_hash']}"
        yield from _ancestors(told)


def _classes(model: SpottingModel) -> str:
    return markdown_text(", ".join(model.classes))


def _section(title: str, rows: Sequence[Row]) -> Iterator[str]:
    yield from ("", f"## {title}", "", as_markdown(rows))


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, part in value.items():
        if isinstance(part, dict):
            yield from _flat(part, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", part


def _score(metrics: Mapping[str, Any]) -> str:
    return (
        f"{with_ends(metrics['average_map'], metrics.get('ci95'))}{', simulated' if metrics.get('simulated') else ''}"
    )


def _suggested(metrics: Mapping[str, Any], weights_hash: str) -> str:
    """Which labels of a split a model had suggested; "" none."""
    found = metrics.get("labels_suggested") or {}
    by = tuple(found.get("by", ()))
    return Suggested(int(found.get("events", 0)), by).told(int(found.get("of", 0)), weights_hash)


def _class_scores(test: Assessment) -> Iterator[Row]:
    """Average precision of each class, mean and at some tolerances, with intervals."""
    tolerances = test.scores.tolerances
    places = [place for place, seconds in enumerate(tolerances) if seconds in SHOWN_TOLERANCES]
    places = places or list(range(len(tolerances)))
    events = np.bincount(test.corpus.truth.label, minlength=len(test.corpus.classes))
    sampled = test.resampled
    mean_ends = None if sampled is None else interval(sampled.per_class)
    ends = None if sampled is None else interval(sampled.ap)
    for label, name in enumerate(test.corpus.classes):
        mean = with_ends(test.scores.per_class[label], None if mean_ends is None else mean_ends[:, label])
        at = {
            f"{tolerances[place]:g} s": with_ends(
                test.scores.ap[place, label], None if ends is None else ends[:, place, label]
            )
            for place in places
        }
        yield {"class": name, "events": events[label], "mean": mean, **at}


def _slices(test: Assessment) -> Iterator[Row]:
    """Average-mAP of parts of the test split; each part is judged as a corpus of its own."""
    corpus = test.corpus
    leagues = np.array([game.split("/")[0] for game, _ in corpus.halves])
    halves = np.array([half for _, half in corpus.halves])
    parts = {
        f"league {league}": _judge_part(test, halves=leagues == league) for league in dict.fromkeys(leagues.tolist())
    }
    parts |= {f"half {half}": _judge_part(test, halves=halves == half) for half in (1, 2)}
    for first, last in MINUTES:
        end = "" if last == MINUTES[-1][1] else last
        parts[f"minutes {first}–{end}"] = _judge_part(test, minutes=(first, last))
    if corpus.knows_visibility and test.scores.visible is not None and test.scores.unshown is not None:
        visible = int(corpus.truth.visible.sum())
        parts["events shown"] = (visible, test.scores.visible.average_map)
        parts["events not shown"] = (len(corpus.truth.visible) - visible, test.scores.unshown.average_map)
    for name, (events, score) in parts.items():
        yield {"slice": name, "events": events, "Average-mAP, %": percent(score) if events else "-"}


def _judge_part(test: Assessment, *, halves: Any = None, minutes: tuple[int, int] | None = None) -> tuple[int, float]:
    """Events and Average-mAP of some halves, or of some minutes of all halves."""
    corpus = test.corpus
    low, high = (0, np.inf) if minutes is None else (60_000 * minutes[0], 60_000 * minutes[1])
    if minutes == MINUTES[-1]:
        high = np.inf
    kept_halves = np.ones(len(corpus.halves), bool) if halves is None else halves
    new_number = np.cumsum(kept_halves) - 1

    def keep(spots: Truth | Predictions) -> Any:
        return kept_halves[spots.half] & (spots.position_ms >= low) & (spots.position_ms < high)

    of_truth, of_predictions = keep(corpus.truth), keep(test.predictions)
    truth = Truth(
        new_number[corpus.truth.half[of_truth]],
        corpus.truth.position_ms[of_truth],
        corpus.truth.label[of_truth],
        corpus.truth.visible[of_truth],
    )
    predictions = Predictions(
        new_number[test.predictions.half[of_predictions]],
        test.predictions.position_ms[of_predictions],
        test.predictions.label[of_predictions],
        test.predictions.confidence[of_predictions],
    )
    scores = average_map(
        truth,
        predictions,
        halves=int(kept_halves.sum()),
        classes=len(corpus.classes),
        frame_rate=corpus.frame_rate,
        tolerances=test.scores.tolerances.tolist(),
        protocol=test.protocol,
    )
    return int(of_truth.sum()), scores.average_map


def _use(name: str, version: "Version", model: SpottingModel) -> Iterator[str]:
    width, rate = model.config["width"], model.config["frame_rate"]
    yield from (
        "",
        "## Use",
        "",
        "```",
        f"rmsnet spot SOURCE --model models:/{name}/{version.version} --out events",
        f"rmsnet serve models:/{name}/{version.version}",
        "```",
        "",
        f"Input: float32 features of one half, (frames, {width}), {rate:g} rows a second, made by the recipe above. "
        "Output: position_ms, label, confidence of each event. Confidences are softmax probabilities of clips and are "
        "not calibrated.",
        "",
        "## Limits",
        "",
        f"- Knows {_classes(model)} and nothing else; at most one event in {model.clip_frames / rate:g} "
        "seconds unless run with a smaller stride.",
        "- Features of another backbone, projection or frame rate give nonsense without an error; the server compares "
        "them with the training profile and says when they drift.",
        "- Its epoch and its place among the variants were chosen on the validation split, whose score is therefore "
        "optimistic; the test split and the gate's were not used for either.",
        "- Classes with few events in the table above have wide intervals and may be worse than they look.",
        "",
        "## Licence",
        "",
        "Code and weights: MIT. "
        + (
            "The training data are made up by this project."
            if model.simulated
            else "SoccerNet's annotations and features come with SoccerNet's own terms, and its videos under a signed "
            "agreement that allows research only: check them before using these weights commercially."
        ),
    )
