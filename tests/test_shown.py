from tests.shown import agrees, blocks


def test_blocks_are_found_with_kind_reason_commands_and_output(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(
        "# Page\n\n```sh\nrmsnet train \\\n  --out x # why\n# nothing\n```\n\n```output\nbest … 3\n```\n"
        "\n```sh skip: needs a GPU\nrmsnet\n```\n"
    )
    first, second = blocks(path, "page.md")
    assert first.where == "page.md:4"
    assert first.commands() == ["rmsnet train --out x"]
    assert first.output == "best … 3\n"
    assert (second.kind, second.skip) == ("sh", "needs a GPU")


def test_a_session_is_commands_and_what_each_prints(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("```console\n$ dvc diff  # what?\nModified:\n    $ 5\n$ dvc checkout\n```\n")
    (block,) = blocks(path, "page.md")
    assert block.turns() == [("dvc diff", "Modified:\n    $ 5\n"), ("dvc checkout", "")]


def test_an_ellipsis_stands_for_anything_and_nothing_else_does():
    assert agrees("best … of 3", "the best epoch 2\nof 3")
    assert not agrees("best … of 4", "the best epoch 2 of 3")
    assert not agrees("a.c", "abc")
