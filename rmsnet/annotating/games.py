"""What may be annotated: the matches of a folder, or one; their halves, classes and label files."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from rmsnet.annotating.labels import Labels, form_of
from rmsnet.dataset.description import DESCRIPTION, SOCCERNET, Description, read_description
from rmsnet.dataset.formats.reading import read_source
from rmsnet.dataset.formats.registry import FORMATS
from rmsnet.dataset.formats.stated import CLASS_LISTS, Stated, stated_classes
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.kick_offs import KICK_OFFS, read_kick_offs
from rmsnet.dataset.labels import LABEL_FILES, V1_CLASSES
from rmsnet.dataset.soccernet import split_lists
from rmsnet.errors import UserError
from rmsnet.files import content_hash, is_litter
from rmsnet.matches.game_folder import find_halves
from rmsnet.matches.match import MatchHalf
from rmsnet.matches.sources import find_matches
from rmsnet.reading.names import as_text, fault_of
from rmsnet.video.files import file_of

FOLDER = ".annotating"
"""In the folder of a label file: journals, videos for browsers, what a model has said."""

NO_FEATURES = "none"
"""No file is called so."""

USUAL_FORMS = ("soccernet-v2", "soccernet-v1", "soccernet-ball")
"""Where several label files are there: the first that fits."""

NEW_FILE = "events.csv"
"""The label file of a match that has none, with classes of one's own."""


@dataclass(frozen=True)
class Game:
    """A match to annotate.

    Attributes:
        name: league/season/game in a dataset, else the name of the folder or file.
        folder: where its files lie.
        halves: those that have a file.
        description: of its dataset.
    """

    name: str
    folder: Path
    halves: tuple[MatchHalf, ...]
    description: Description = SOCCERNET

    @property
    def kept(self) -> Path:
        """Where what belongs to its annotation lies."""
        return self.folder / FOLDER

    def kick_offs(self) -> tuple[float, ...]:
        """Second of its file at which each period begins; () each file begins with its period.

        Raises:
            UserError: kick_offs.json is malformed, or missing where a file holds a whole match.
        """
        files = GameFiles(self.folder.resolve().parent)
        return read_kick_offs(files, self.folder.resolve().name, self.description) or ()


@dataclass(frozen=True)
class Asked:
    """What the command line says of labels.

    Attributes:
        labels: the label file: its name in each game's folder, or its path; "" the dataset's.
        form: its format; "" seen by name or content.
        classes: see `stated_classes`; "" those of dataset, format, file or model.
        annotator: keeps a file of their own beside the label file; "" it is the label file itself.
        times: how a table writes times.
        model_classes: of the model that suggests; () none.
        before, after: seconds that are played before and behind an event, see `matches.stretches.choose_stretches`.
    """

    labels: str = ""
    form: str = ""
    classes: str = ""
    annotator: str = ""
    times: str = ""
    model_classes: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


def find_games(sources: Sequence[Path], features: str = "") -> list[Game]:
    """The matches behind a command's sources.

    Args:
        sources: videos of one match, a game folder, or a folder that holds game folders, however deep.
        features: the model's kind of features; "" videos alone are looked for.

    Raises:
        UserError: nothing there.
    """
    features = features or NO_FEATURES
    for source in sources:
        if not source.exists():
            raise UserError(f"{source}: no such video, game folder or folder of games")
    if not all(source.is_dir() for source in sources):
        match = find_matches(sources, features, (), None)[0]
        return [Game(match.name, sources[0].parent, match.halves)]
    if len(sources) > 1:
        raise UserError(f"{sources[0]}: a folder comes alone; several sources are the halves of one match, as files")
    folder = sources[0]
    root = dataset_of(folder)
    description = SOCCERNET if root is None else read_description(root)[0]
    halves = find_halves(folder, features, description)
    if halves:
        name = folder.resolve().name if root is None else folder.resolve().relative_to(root).as_posix()
        return [Game(as_text(name), folder, halves, description)]
    games = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if not path.is_dir() or is_litter(path) or any(part.startswith(".") for part in parts):
            continue
        name = path.relative_to(folder).as_posix()
        halves = find_halves(path, features, description)
        if halves and not fault_of(name):
            games.append(Game(as_text(name), path, halves, description))
    if not games:
        raise UserError(f"{folder}: no match in it: no folder with a video such as 1_224p.mkv or 1.mp4")
    return games


def dataset_of(folder: Path) -> Path | None:
    """The dataset that a folder is, or lies in; None: none."""
    place = folder.resolve()
    return next(
        (path for path in (place, *place.parents[:3]) if (path / DESCRIPTION).exists() or split_lists(path)), None
    )


def labels_of(game: Game, asked: Asked, fps: Fraction | None) -> Labels:
    """Where the labels of a match are kept.

    Args:
        game: the match.
        asked: what the command line says.
        fps: frames per second of its video, for formats that count frames.

    Raises:
        UserError: no format, or no classes, are known.
    """
    entry = game.description.labels
    if asked.labels and ("/" in asked.labels or Path(asked.labels).is_file()):
        path = Path(asked.labels)
    else:
        path = game.folder / (asked.labels or (entry.file if entry else _usual(game.folder, asked)))
    form = asked.form or (entry.format if entry and path.name == entry.file else "")
    form = form_of(path, form)
    if asked.annotator:
        if "/" in asked.annotator or fault_of(asked.annotator):
            raise UserError(f"--annotator {asked.annotator}: a name that can be part of a file's name")
        path = path.with_name(f"{path.stem}.{asked.annotator}{path.suffix}")
    stated = Stated(
        (), Fraction(entry.fps) if entry and entry.fps else fps, asked.times or (entry.times if entry else "")
    )
    classes = _classes(game, asked, form, path, stated)
    videos = tuple(file_of(video).name for half in game.halves for video in half.videos)
    journal = path.parent / FOLDER / f"{path.name}.journal"
    if path.resolve().parent != game.folder.resolve():
        journal = journal.with_name(f"{path.name}.{content_hash(game.name)[:8]}.journal")
    clock = entry.clock if entry else "period"
    numbers = (1,) if clock == "file" else tuple(half.number for half in game.halves)
    return Labels(path, form, game.name, numbers, videos, replace(stated, classes=classes), journal, clock)


def said_of_labels(game: Game, asked: Asked) -> str:
    """Which label file was taken, where there are several and nobody has said which; "" otherwise."""
    there = _label_files(game.folder)
    if asked.labels or game.description.labels or len(there) < 2:
        return ""
    taken = _usual(game.folder, asked)
    others = " and ".join(name for name in there if name != taken)
    return f"labels: {taken}, not {others}; --labels NAME takes another"


def _label_files(folder: Path) -> list[str]:
    """Those that are there, of the names that label files have."""
    names = [name for form in USUAL_FORMS for name in FORMATS[form].patterns]
    return [name for name in (*names, NEW_FILE) if (folder / name).exists()]


def _fits(name: str, classes: Sequence[str]) -> bool:
    """Whether events of all these classes may stand in a label file of this name."""
    form = next((form for form in USUAL_FORMS if name in FORMATS[form].patterns), "")
    if form == "soccernet-v1":  # its labels are finer: a card is a yellow or a red one
        return tuple(classes) == V1_CLASSES
    return not form or set(classes) <= set(FORMATS[form].classes)


def _usual(folder: Path, asked: Asked) -> str:
    """The label file of a game of no described dataset: of those that are there, or to be made, one for its classes."""
    there = _label_files(folder)
    if there:
        wanted = CLASS_LISTS.get(asked.classes) or asked.model_classes
        return next((name for name in there if wanted and _fits(name, wanted)), there[0])
    own = asked.classes or ""
    if own in CLASS_LISTS or not own:
        listed = CLASS_LISTS.get(own) or asked.model_classes or CLASS_LISTS["v2"]
        for form, classes in (("soccernet-v1", CLASS_LISTS["v1"]), ("soccernet-v2", CLASS_LISTS["v2"])):
            if tuple(listed) == classes:
                return FORMATS[form].patterns[0]
        if set(listed) == set(FORMATS["soccernet-ball"].classes):
            return FORMATS["soccernet-ball"].patterns[0]
    return NEW_FILE


def _classes(game: Game, asked: Asked, form: str, path: Path, stated: Stated) -> tuple[str, ...]:
    """The labels that an event may get, first those that are stated."""
    if asked.classes and asked.classes not in LABEL_FILES:
        listed = stated_classes(asked.classes)
    elif game.description.classes and game.description.labels is not None:
        listed = tuple(entry.name for entry in game.description.classes)
    else:
        listed = FORMATS[form].classes
    used = read_source(path, form, stated).used_classes if path.exists() else ()
    if not listed:
        listed = (*used, *(name for name in asked.model_classes if name not in used))
    if not listed:
        raise UserError(
            f"{game.name}: nobody says which classes there are; --classes v2, or a file with a class a line"
        )
    return (*listed, *(name for name in used if name not in listed))


def write_kick_offs(game: Game, kick_offs: Sequence[float]) -> None:
    """Keep where the halves begin in their videos, where every command finds it."""
    from rmsnet.files import write_json

    path = game.folder / KICK_OFFS
    if kick_offs:
        write_json(path, list(kick_offs), indent=None)
    else:
        path.unlink(missing_ok=True)
