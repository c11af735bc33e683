"""SoccerNet's own files by its own downloader: labels, features, videos, checked as they arrive.

A file is fetched into the hidden folder `.download` of the dataset, checked, and only then given its place. What is
in its place is not fetched again, so that the same command continues after whatever stopped it.
"""

import contextlib
import errno
import getpass
import io
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rmsnet.dataset.description import SOCCERNET
from rmsnet.dataset.feature_files import ArrayHeader, map_features
from rmsnet.dataset.game_files import leaves_dataset
from rmsnet.dataset.labels import HALVES, LABEL_FILES, read_label_file
from rmsnet.dataset.soccernet import SPLITS, known_splits, read_split
from rmsnet.errors import CheckFailed, UserError
from rmsnet.locks import alone
from rmsnet.params import ExtractParams
from rmsnet.progress import progress
from rmsnet.reading.names import fault_of
from rmsnet.video.files import TRIMS, read_trims

WHAT = ("labels", "features", "videos")

PASSWORD_VARIABLE = "SOCCERNET_PASSWORD"
"""The environment variable that holds the password of SoccerNet's signed agreement (NDA)."""

STAGING = ".download"

CHALLENGE = "challenge"

Server = Literal["HuggingFace", "EXRCSDrive"]
"""Where SoccerNet keeps its files: as the SoccerNet package calls the two places."""


@dataclass(frozen=True)
class Download:
    """What was done.

    Attributes:
        fetched: files that arrived whole.
        present: files that were there before.
        missing: what did not arrive or was not whole, with the reason.
    """

    fetched: int
    present: int
    missing: tuple[str, ...]


@alone
def download(
    out: Path,
    what: Sequence[str],
    splits: Sequence[str],
    *,
    features: str = ExtractParams.features,
    video: str = "224p",
    source: Server = "HuggingFace",
    password: str | None = None,
) -> Download:
    """Fetch SoccerNet's files of the games of some splits, as far as they are not here.

    Args:
        out: the dataset's folder.
        what: some of "labels", "features", "videos".
        splits: some of "train", "valid", "test", "challenge" (which has no labels), or own lists in `out`.
        features: which feature files.
        video: "224p", "720p" or "HQ".
        source: where from; the videos on "EXRCSDrive" need the password, on "HuggingFace" an account with access.
        password: of the NDA. It is handed to the downloader and goes nowhere else.

    Raises:
        UserError: unknown features, no downloader installed, access refused, a dataset of another kind in `out`.
        CheckFailed: some files did not arrive whole.
    """
    files = _wanted_files(what, features, video)
    if (out / "dataset.json").exists():
        raise UserError(f"{out}: holds a dataset that is not SoccerNet's (dataset.json); name another --out")
    client = _client(out / STAGING, password)
    fetched = present = 0
    missing: list[str] = []
    _require_known([split.lower() for split in splits], known_splits(out), "--split")
    listed = {split: read_split(out, split) for split in splits}
    unlabelled = _challenge_games(out)
    for split, games in listed.items():
        wanted = {
            game: [name for name in files if not (game in unlabelled and name in LABEL_FILES.values())]
            for game in games
            if not fault_of(game)
        }
        todo = {game: [name for name in names if _problem(out / game / name)] for game, names in wanted.items()}
        present += sum(map(len, wanted.values())) - sum(map(len, todo.values()))
        with progress(f"download {split}", "file", sum(map(len, todo.values()))) as advance:
            of_split = {game: split if split in (*SPLITS, CHALLENGE) else _part(game, unlabelled) for game in games}
            for game, names in _fetch(client, out / STAGING, todo, wanted, of_split, source, password):
                for name in names:
                    problem = _place(out, game, name)
                    fetched += problem is None
                    missing += [] if problem is None else [f"{game}/{name}: {problem}"]
                    advance(1)
    if missing:
        raise CheckFailed(
            f"{out}: {len(missing)} of {fetched + len(missing)} files did not arrive whole, the first: {missing[0]}; "
            "run the same command again"
        )
    shutil.rmtree(out / STAGING, ignore_errors=True)
    return Download(fetched, present, tuple(missing))


def _challenge_games(out: Path) -> set[str]:
    """The games whose labels SoccerNet keeps to itself."""
    try:
        return set(read_split(out, CHALLENGE))
    except UserError:
        return set()


def _part(game: str, unlabelled: set[str]) -> str:
    """Where SoccerNet keeps a game: the labelled ones lie in one place."""
    return CHALLENGE if game in unlabelled else SPLITS[0]


def ask_password() -> str:
    """The password of the NDA, from the environment or typed unseen.

    Raises:
        UserError: neither: there is no terminal.
    """
    given = os.environ.get(PASSWORD_VARIABLE)
    if given:
        return given
    if not sys.stdin.isatty():
        raise UserError(f"the videos need the password of SoccerNet's NDA: set {PASSWORD_VARIABLE}")
    return getpass.getpass("Password of SoccerNet's NDA: ")


def _wanted_files(what: Sequence[str], features: str, video: str) -> list[str]:
    """Names of the files of each game."""
    _require_known(what, WHAT, "--what")
    published = [kind.name for kind in SOCCERNET.features]
    if "features" in what and features not in published:
        raise UserError(f"features {features}: SoccerNet publishes {', '.join(published)}")
    of = {
        "labels": list(LABEL_FILES.values()),
        "features": [f"{half}_{features}.npy" for half in HALVES],
        "videos": [*([TRIMS] if video == "HQ" else []), *(f"{half}_{video}.mkv" for half in HALVES)],
    }
    return [name for item in WHAT if item in what for name in of[item]]


def _require_known(given: Sequence[str], known: Sequence[str], option: str) -> None:
    for item in given:
        if item not in known:
            raise UserError(f"{option} {item or 'nothing'}: there are {', '.join(known)}")


def _client(staging: Path, password: str | None) -> Any:
    try:
        import SoccerNet.Downloader as package
    except ImportError:
        raise UserError("downloads need SoccerNet's own package: pip install 'rmsnet[soccernet]'") from None
    # The package reports each file to an analytics service.
    package.report = lambda *arguments: None
    client = package.SoccerNetDownloader(LocalDirectory=str(staging))
    client.password = password
    return client


def _fetch(
    client: Any,
    staging: Path,
    todo: dict[str, list[str]],
    files: dict[str, list[str]],
    split_of: dict[str, str],
    source: Server,
    password: str | None,
) -> Iterator[tuple[str, list[str]]]:
    """Have the downloader fetch what is missing; yields each game when its files should be in the staging folder.

    A split of which nothing is here is one request to Hugging Face, which limits the rate of requests.
    """
    wanted = {game: names for game, names in todo.items() if names}
    kinds, splits = {tuple(names) for names in files.values()}, set(split_of.values())
    at_once = source == "HuggingFace" and todo == files and len(kinds) == len(splits) == 1
    if at_once and wanted:
        with _explained(source, password):
            client.downloadGames(files=list(*kinds), split=list(splits), verbose=False, source=source)
    for game, names in wanted.items():
        if not at_once:
            if source == "EXRCSDrive":
                # Its downloader takes any file for a whole one, a half that a killed download left too.
                shutil.rmtree(staging / game, ignore_errors=True)
            with _explained(source, password):
                client.downloadGame(game=game, files=names, spl=split_of[game], verbose=False, source=source)
        yield game, names


@contextlib.contextmanager
def _explained(source: Server, password: str | None) -> Iterator[None]:
    """Keep the downloader's chatter off the terminal; its failures become one line, without the password."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise
        raise _failure(source, error, password) from None
    except Exception as error:  # what Hugging Face and its HTTP library raise is no stable list
        raise _failure(source, error, password) from None
    if "401" in said.getvalue() or "403" in said.getvalue():
        raise UserError(
            f"{source}: the password was refused; set {PASSWORD_VARIABLE} to the one SoccerNet sent with the NDA"
        )


def _failure(source: Server, error: Exception, password: str | None) -> UserError:
    reason = " ".join(str(error).split()) or type(error).__name__
    if password:
        reason = reason.replace(password, "…")
    return UserError(f"{source}: {reason}; what has arrived is kept, run the same command again")


def _place(out: Path, game: str, name: str) -> str | None:
    """Check a file in the staging folder and give it its place; why not, when it cannot be used."""
    staged = out / STAGING / game / name
    if leaves_dataset(out, f"{game}/{name}"):
        return "its place leads out of the dataset"
    problem = _problem(staged)
    if problem is not None:
        staged.unlink(missing_ok=True)
        return problem
    target = out / game / name
    target.parent.mkdir(parents=True, exist_ok=True)
    staged.replace(target)
    return None


def _problem(path: Path) -> str | None:
    """Why a file is not whole, None when it is."""
    if not path.is_file():
        return "did not arrive"
    if path.suffix == ".json":
        try:
            read_label_file(path.read_bytes(), path.name)
        except UserError as error:
            return str(error)
        return None
    if path.suffix == ".npy":
        return _feature_problem(path)
    if path.name == TRIMS:
        return _trims_problem(path)
    from rmsnet.video.recording import recording_of

    recording = recording_of(path)
    return recording.problem or recording.cut or None


def _trims_problem(path: Path) -> str | None:
    try:
        read_trims(path)
    except UserError as error:
        return str(error).removeprefix(f"{path}: ")
    return None


def _feature_problem(path: Path) -> str | None:
    array = map_features(path)
    if isinstance(array, ArrayHeader):
        return array.problem
    expected = SOCCERNET.kind(path.stem.split("_", 1)[1]).width
    return None if array.shape[1] == expected else f"{array.shape[1]} features a frame instead of {expected}"
