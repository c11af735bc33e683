"""When a training reaches a target, and that every recipe sees as many clips an epoch as the paper's."""

from benchmarks.quality import Run, recipes_of
from rmsnet.params import TrainParams


def test_a_target_is_reached_at_the_end_of_the_first_epoch_that_is_not_below_it():
    run = Run((0.3, 0.5, 0.4), (1.0, 2.0, 3.0))
    assert [run.until(target) for target in (0.2, 0.4, 0.5, 0.6)] == [1.0, 2.0, 2.0, None]


def test_recipes_differ_from_the_papers_in_the_schedule_alone():
    paper = TrainParams()
    recipes = recipes_of(paper)
    assert recipes.pop("the paper's") == paper
    for recipe in recipes.values():
        assert recipe != paper
        assert (recipe.foreground_clips, recipe.background_clips, recipe.seed) == (30_000, 10_000, 0)
