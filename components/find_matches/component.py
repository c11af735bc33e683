"""The component that decides what a run spots, and with which version of a model."""

from kfp.dsl import Model, Output

from components.image import component


@component()
def find_matches(source: str, revision: str, split: str, model: str, pods: int, spotter: Output[Model]) -> list:
    from components.find_matches.body import body

    return body(source, revision, split, model, pods, spotter)
