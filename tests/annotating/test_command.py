"""`rmsnet annotate` as its user meets it."""

import pytest
import uvicorn

from rmsnet import cli
from rmsnet.files import write_json
from tests.matches.builders import write_sure_model


def ends(patch) -> None:
    """Let the server be interrupted as soon as it runs."""

    def run(_, sockets):
        for socket in sockets:
            socket.close()
        raise KeyboardInterrupt

    patch.setattr(uvicorn.Server, "run", run)


def test_it_prints_an_address_with_a_token_the_same_port_for_the_same_match(game, capsys, monkeypatch):
    ends(monkeypatch)
    addresses = []
    for _ in range(2):
        assert cli.main(["annotate", str(game), "--no-browser"]) == 0
        addresses.append(capsys.readouterr().out.strip())
    first, second = (address.split("/") for address in addresses)
    assert first[2] == second[2]
    assert first[2].startswith("127.0.0.1:")
    assert first[3] != second[3]
    assert len(first[3]) >= 32
    assert not list(game.glob(".*.lock"))


def test_what_cannot_be_annotated_is_one_line(game, tmp_path, capsys, monkeypatch):
    ends(monkeypatch)
    (tmp_path / "empty").mkdir()
    (tmp_path / "events.lgm").write_text("{}")
    other = write_sure_model(tmp_path / "other", classes=("dunk", "steal"))
    for command, why in (
        ([str(tmp_path / "absent")], "no such video, game folder or folder of games"),
        ([str(tmp_path / "empty")], "no match in it"),
        ([str(game), "--model", str(other)], "spots 'dunk', which is no class of"),
        ([str(game), "--labels", "events.SCTimeline"], "read, not written"),
        ([str(game), "--labels", "events.doc"], "of which format is it? say --format"),
        ([str(game), "--annotator", "a/b"], "a name that can be part of a file's name"),
        ([str(game), "--before", "dunk=3"], "--before"),
        ([str(game), "--labels", "own.csv"], "nobody says which classes there are; --classes"),
    ):
        assert cli.main(["annotate", *command, "--no-browser"]) == 2, command
        said = capsys.readouterr().err
        assert why in said
        assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "taken", "other"),
    [
        ([], "Labels-v2.json", "Labels.json"),
        (["--model", "MODEL"], "Labels.json", "Labels-v2.json"),
        (["--classes", "v1"], "Labels.json", "Labels-v2.json"),
    ],
)
def test_of_two_label_files_the_one_is_taken_whose_classes_fit_and_a_line_says_so(
    arguments, taken, other, game, model, capsys, monkeypatch
):
    ends(monkeypatch)
    write_json(game / "Labels-v2.json", {"UrlLocal": "", "annotations": []})
    known = [str(model) if word == "MODEL" else word for word in arguments]
    assert cli.main(["annotate", str(game), "--no-browser", *known]) == 0
    assert capsys.readouterr().err == f"labels: {taken}, not {other}; --labels NAME takes another\n"


def test_a_label_file_that_is_named_needs_no_line(game, capsys, monkeypatch):
    ends(monkeypatch)
    write_json(game / "Labels-v2.json", {"UrlLocal": "", "annotations": []})
    assert cli.main(["annotate", str(game), "--no-browser", "--labels", "Labels.json"]) == 0
    assert capsys.readouterr().err == ""
