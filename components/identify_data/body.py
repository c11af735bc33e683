"""What a source holds now, in a word, so that everything behind can be a hit when nothing has changed."""

from collections.abc import Mapping
from typing import Any

from components.data import identified
from components.door import door

EXTRACT = ("data", "extract")
"""Sections that decide what features are."""

TRAIN = ("extract", "train", "spot", "variants", "evaluate")
"""Sections that decide what a model is and how it is judged; another gate is no reason to train again."""


def body(source: str, revision: str, params: Mapping[str, Any]) -> tuple[str, int, dict[str, Any], dict[str, Any]]:
    """Take the fingerprint of the data, in seconds; never cached.

    Args:
        source: a folder on a mounted volume; s3://bucket/prefix; or, with a revision, a git repository whose DVC
            tracks the dataset (URL#path, path "data" by default).
        revision: commit, tag or branch of that repository; "" for the others.
        params: sections as in params.yaml.

    Returns:
        The fingerprint, the games that the gate wants, and the sections that extraction and training depend on: what
        they do not depend on does not make them run again.
    """
    with door("identify_data"):
        from rmsnet.params import params_from

        minimum_games = params_from(params, "params").register.minimum_games
        found = identified(source, revision)
        print(f"{source} {revision}: {found}")
        return found, minimum_games, _only(params, EXTRACT), _only(params, TRAIN)
    raise AssertionError("the door ends the process")


def _only(params: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: params[name] for name in names if name in params}
