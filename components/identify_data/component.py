"""The component that says what a source holds now."""

from typing import NamedTuple

from components.image import component


@component()
def identify_data(source: str, revision: str, params: dict) -> NamedTuple(
    "Identified", [("fingerprint", str), ("minimum_games", int), ("extract", dict), ("train", dict)]
):
    from components.identify_data.body import body

    return body(source, revision, params)
