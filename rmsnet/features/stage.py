"""The extract stage: a dataset's features (or videos) and labels become one frame bank per split."""

import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.dataset.class_lists import classes_of
from rmsnet.dataset.content import game_contents, joined_content
from rmsnet.dataset.game_events import game_events
from rmsnet.dataset.labels import in_extra_time, truth_of
from rmsnet.dataset.soccernet import open_dataset
from rmsnet.dataset.suggested import SUGGESTED
from rmsnet.dataset.suggested_labels import suggested_in
from rmsnet.errors import UserError
from rmsnet.features.bank_writer import BANK_FILES, Extraction, write_banks
from rmsnet.features.shards import Shard
from rmsnet.features.sources import precomputed
from rmsnet.files import followed, require_replaceable
from rmsnet.locks import alone
from rmsnet.params import ExtractParams
from rmsnet.provenance import dvc_md5

if TYPE_CHECKING:
    pass


@alone
def extract(
    root: Path,
    out: Path,
    params: ExtractParams | None = None,
    classes: str = "v1",
    *,
    shard: Shard | None = None,
    model: Path | None = None,
    device: str = "auto",
    progress: bool = False,
) -> Extraction:
    """Stack the features of all halves of each split and index their events.

    Precomputed features: every game must have them for both halves, all of one width. From videos: what is done of
    each half is kept in a hidden folder beside `out` until the banks are whole; the same call continues there. Events
    past the last frame stay in the index, because they count as missed in an evaluation, and are named in the
    warnings.

    Args:
        root: dataset in SoccerNet's layout.
        out: folder for the banks; it appears, or is replaced, when all of them are whole.
        params: the extract section; None: its defaults.
        classes: "v1" or "v2": which of SoccerNet's labels; a dataset that lists its own classes has those.
        shard: take this part of the games only; `join` makes the whole of all parts.
        model: compute this model's features from the videos: its backbone, pictures and PCA.
        device: "auto", "cpu" or "cuda": where the backbone computes.
        progress: show it on standard error.

    Raises:
        UserError: see `rmsnet.dataset.soccernet.open_dataset`; a half without its features or video, a file that is
            truncated, no matrix or not finite, features of several widths, bad labels or another match's, events of
            extra time, a video that cannot be decoded, weights that do not fit the backbone.
    """
    params, out = ExtractParams() if params is None else params, Path(out)
    require_replaceable(out, *BANK_FILES)
    dataset = open_dataset(root)
    games = {split: names if shard is None else shard.games(names) for split, names in dataset.splits.items()}
    halves = {
        split: [(game, half) for game in names for half in dataset.halves] for split, names in games.items() if names
    }
    if not halves:
        raise UserError(
            f"--shard {shard.number}/{shard.of}: no games are left for it" if shard else f"{root}: no games"
        )
    listed, labels = classes_of(dataset.description, classes), dataset.labels()
    leave_out = params.extra_time == "leave-out"
    truth, warnings = {}, []
    for split, of_split in halves.items():
        of_game = {game: game_events(labels, game, listed, dataset.description, leave_out) for game in games[split]}
        late = {
            game: [event.half for event in events if event.half not in dataset.halves]
            for game, events in of_game.items()
        }
        warnings += [f"{split}: {game}: {in_extra_time(left)} left out" for game, left in late.items() if left]
        of_half = [[event for event in of_game[game] if event.half == half] for game, half in of_split]
        truth[split] = truth_of(of_half, listed.classes)
    work = followed(out).with_name(f".{out.name}.halves")
    if model is None and params.source == "features":
        source = precomputed(dataset, halves, params)
    else:
        from rmsnet.features.from_video import from_videos

        source = from_videos(dataset, halves, params, work, model=model, device=device, shown=progress)
    contents = game_contents(dataset, (game for names in games.values() for game in names), params, classes)
    info: dict[str, Any] = {"dataset": dataset.name, "simulated": dataset.simulated, "dvc_md5": dvc_md5(root)}
    info |= dataset.description.told_on
    info["content"] = {split: joined_content(contents, names) for split, names in games.items()}
    suggested = {split: suggested_in(labels, names, listed) for split, names in dataset.splits.items()}
    if any(found.events for found in suggested.values()):  # of all parts, so that they can be joined
        info[SUGGESTED] = {split: asdict(found) for split, found in suggested.items()}
    if shard is not None:
        parts = {"number": shard.number, "of": shard.of, "pca": source.pca_components, "games": dict(dataset.splits)}
        parts["contents"] = contents
        source, info = replace(source, pca_components=0), {**info, "shard": parts}
    source = replace(source, warnings=(*source.warnings, *warnings))
    done = write_banks(out, source, halves, truth, listed.classes, info)
    shutil.rmtree(work, ignore_errors=True)
    return done
