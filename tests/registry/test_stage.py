import re
import shutil
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from rmsnet import tracking
from rmsnet.documents import read_json
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation.stage import evaluate_stage
from rmsnet.features.bank import read_bank
from rmsnet.features.games import all_keys
from rmsnet.files import write_json
from rmsnet.registry.history import history
from rmsnet.registry.levels import share
from rmsnet.registry.stage import promote, register_stage, rollback
from rmsnet.registry.versions import find_version
from rmsnet.tracking.store import NOTE_TAG, our_client
from tests.builders import learnable_bank, write_bank
from tests.registry.conftest import PARAMS
from tests.registry.deaths import Died, mortal

OUT = Path("registration")


def register(shop, *names: str, params=PARAMS, **options):
    options = {"validation": shop.validation, "features": shop.features, **options}
    features = options.pop("features")
    return register_stage([shop.model(name) for name in names], shop.evaluation, features, OUT, params, **options)


@pytest.fixture
def after(shop, once, tmp_path):
    """Leaves shop and store as they are when models were registered one after the other, which happens once."""

    def registered(*names: str) -> None:
        here = []

        def make(folder: Path) -> None:
            for name in names:
                register(shop, name)
            for part in ("mlruns", OUT):
                shutil.copytree(tmp_path / part, folder / part)
            shutil.copy(shop.store, folder)
            here.append(folder)

        folder = once(f"registered-{'-'.join(names)}", make)
        if not here:
            shutil.rmtree(tmp_path / "mlruns")
            for part in ("mlruns", OUT):
                shutil.copytree(folder / part, tmp_path / part)
            shop.store.unlink()
            shutil.copy(folder / shop.store.name, shop.store)

    return registered


def with_gate(**changes):
    return replace(PARAMS, register=replace(PARAMS.register, **changes))


def failed(decision) -> list[str]:
    return [check.name for check in decision.checks if not check.passed]


def test_the_best_by_validation_becomes_the_first_champion(shop):
    decision = register(shop, "poor", "good")
    assert (decision.variant, decision.version, decision.promoted) == ("good", 1, True)
    assert tracking.aliases("rmsnet") == {"champion": 1}
    assert read_json(OUT / "decision.json")["reason"] == "there was no champion"
    summary = (OUT / "summary.md").read_text()
    assert "| good " in summary
    assert "is now @champion" in summary
    assert "Simulated games" in summary


def test_the_pages_of_mlflow_say_what_the_gate_said_above_the_card(shop, after):
    after("good", "poor")
    description = tracking.description("rmsnet", 2)
    assert "(poor) does not replace \\@champion" in description.splitlines()[0]
    assert description.endswith((OUT / "MODEL_CARD.md").read_text())
    run_id = tracking.versions("rmsnet")[0].run_id
    note = tracking.run_tags(run_id)["mlflow.note.content"]
    assert note.startswith("### Verdict\n")
    assert "(#/models/rmsnet/versions/2)" in note
    assert "difference.png&run_uuid=" in note
    assert note.index("### Scores") < note.index("### Training")
    promote("2", shop.features, OUT, PARAMS, validation=shop.validation, force="the cup final needs it")
    forced = tracking.description("rmsnet", 2)
    assert "is now \\@champion against the gate" in forced.splitlines()[0]
    assert "# rmsnet version 2 (poor)\n\n**Champion against the gate" in forced


def questions():
    return [change.question for change in history("rmsnet")[0] if change.question]


def test_a_question_is_kept_with_the_games_the_level_and_the_p_value_and_asked_once(shop, after):
    """Asked again, the same answer at the same level: nothing is spent."""
    after("good")
    first = register(shop, "poor")
    again = register(shop, "poor")
    assert (again.p_value, again.level, again.question) == (first.p_value, first.level, 1)
    assert len(questions()) == 1
    asked = questions()[0]
    assert (asked["p_value"], asked["level"], asked["passed"]) == (first.p_value, first.level, False)
    assert set(asked["games"]) == all_keys(read_bank(shop.features, "gate"))


def test_what_costs_nothing_is_in_order_before_a_question_is_spent(shop, after):
    after("good")
    decision = register(shop, "poor", validation=None)
    assert failed(decision) == ["data validated"]
    assert decision.difference is None
    assert questions() == []


def test_every_question_of_a_line_makes_the_next_one_stricter_and_a_new_name_buys_nothing(shop, after):
    after("poor")
    assert register(shop, "good", params=with_gate(error_rate=1e-300)).level == pytest.approx(2e-301)
    rollback_of = with_gate(model_name="another")
    register(shop, "poor", params=rollback_of)
    decision = register(shop, "good", params=rollback_of)
    assert decision.question == 2
    assert decision.level == pytest.approx(0.05 * share(2), rel=0.02)


def test_a_champion_is_replaced_only_by_games_that_neither_was_chosen_by(shop, tmp_path):
    """Without a gate split the validation games make a first champion, and no other."""
    shutil.copytree(shop.features, tmp_path / "features")
    (tmp_path / "features" / "gate.json").unlink()
    params = with_gate(minimum_games=2)
    assert register(shop, "poor", features=tmp_path / "features", params=params).promoted
    decision = register(shop, "good", features=tmp_path / "features", params=params)
    assert failed(decision) == ["never chosen by these games"]
    assert "rmsnet data split" in decision.reason
    assert tracking.aliases("rmsnet") == {"champion": 1, "challenger": 2}


def test_a_model_is_never_judged_on_its_own_training_games(shop, tmp_path):
    shutil.copytree(shop.features, tmp_path / "features")
    own = replace_games(read_bank(shop.features, "train"), "another name")
    write_bank(tmp_path / "features", "gate", own, content="content of gate")
    decision = register(shop, "good", features=tmp_path / "features")
    assert failed(decision) == ["never learned from these games"]
    assert "the challenger has used 4 of these 4 games" in decision.reason
    assert tracking.aliases("rmsnet") == {"challenger": 1}


def test_a_model_whose_games_nobody_knows_needs_force(shop, monkeypatch):
    from rmsnet.registry import decision as deciding

    monkeypatch.setattr(deciding, "read_used_games", lambda folder: None)
    decision = register(shop, "good")
    assert failed(decision) == ["never learned from these games"]
    assert promote(None, shop.features, OUT, PARAMS, validation=shop.validation, force="made before").forced


def test_a_history_with_a_gap_answers_no_question(shop, after):
    after("poor")
    register(shop, "good", params=with_gate(error_rate=1e-300))
    our_client().delete_model_version("rmsnet-history", "2")
    decision = promote_refused(shop)
    assert "version 2 was decided by a record 2 that is not there" in decision
    assert tracking.aliases("rmsnet")["champion"] == 1


def promote_refused(shop) -> str:
    with pytest.raises(CheckFailed) as refused:
        promote(None, shop.features, OUT, PARAMS, validation=shop.validation)
    assert str(refused.value).count("\n") == 0
    return str(refused.value)


def replace_games(made, prefix: str):
    return replace(made, halves=tuple(replace(half, game=f"{prefix} {half.game}") for half in made.halves))


def test_a_forced_champion_says_so_forever(shop, after):
    after("good", "poor")
    promote(None, shop.features, OUT, PARAMS, validation=shop.validation, force="the cup final needs it")
    change = history("rmsnet")[0][-1]
    assert (change.kind, change.why) == ("forced", "the cup final needs it")
    assert str(Path.cwd()) in change.where
    for file in ("MODEL_CARD.md", "decision.md", "decision.html"):
        assert "against the gate" in (OUT / file).read_text(), file
        assert "the cup final needs it" in (OUT / file).read_text(), file
    register(shop, "poor")
    assert "Champion against the gate: forced by" in (OUT / "MODEL_CARD.md").read_text()
    assert "the cup final needs it" in tracking.versions("rmsnet")[0].tags["forced"]


def test_registering_the_same_model_again_changes_nothing(shop, after):
    after("good")
    again = register(shop, "good")
    assert (again.version, again.promoted, again.reason) == (1, True, "it is the champion already")
    assert tracking.aliases("rmsnet") == {"champion": 1}
    assert len(history("rmsnet")[0]) == 1
    assert tracking.versions("rmsnet")[0].tags["decision"] == "promoted"
    assert "rmsnet version 1 (good) stays @champion: it is the champion already" in (OUT / "summary.md").read_text()


def test_a_worse_model_is_kept_as_challenger(shop, after):
    after("good")
    decision = register(shop, "poor")
    assert (decision.version, decision.promoted) == (2, False)
    assert "better beyond doubt" in failed(decision)
    assert tracking.aliases("rmsnet") == {"champion": 1, "challenger": 2}
    assert "does not replace @champion" in (OUT / "summary.md").read_text()


def test_a_clearly_better_model_replaces_the_champion(shop, after):
    after("poor")
    decision = register(shop, "good")
    assert decision.promoted
    assert decision.difference[1] > 0
    assert tracking.aliases("rmsnet") == {"champion": 2, "previous": 1}
    record = history("rmsnet")[0][-1]
    assert (record.kind, record.moves["champion"], record.decision) == ("promote", (1, 2), decision.url)
    tags = tracking.versions("rmsnet")[0].tags
    assert tags["decision"] == "promoted"
    assert tags["simulated"] == "true"


def test_a_decision_is_written_for_programs_and_for_people_and_kept_in_mlflow(shop, after):
    after("poor")
    decision = register(shop, "good")
    assert {file.name for file in OUT.iterdir()} == {
        "MODEL_CARD.md",
        "decision.html",
        "decision.json",
        "decision.md",
        "difference.png",
        "evidence.npz",
        "summary.md",
    }
    assert read_json(OUT / "decision.json")["difference"] == list(decision.difference)
    text = (OUT / "decision.md").read_text()
    for part in (
        "better beyond doubt",
        "lower bound",
        "a comparison of the two numbers alone",
        "would promote",
        "soccer",
    ):
        assert part in text
    page = (OUT / "decision.html").read_text()
    assert "data:image/png;base64," in page
    assert "http" not in page
    from rmsnet.tracking.store import connect

    kept = Path(connect().artifacts.download_artifacts(decision.url))
    assert (kept / "decision.md").read_text() == text
    assert (kept / "MODEL_CARD.md").exists()


def test_with_few_games_the_first_version_becomes_champion_and_a_challenger_is_refused(shop, tmp_path):
    """The demo's case: ten games."""
    params = with_gate(minimum_games=30)
    assert register(shop, "poor", params=params).promoted
    decision = register(shop, "good", params=params)
    assert not decision.promoted
    assert failed(decision) == ["enough games"]
    assert "22 games decide; 30 are needed" in decision.reason
    assert tracking.aliases("rmsnet") == {"champion": 1, "challenger": 2}


def test_a_single_validation_game_refuses_a_challenger_and_ends_in_no_traceback(shop, after, tmp_path):
    after("good")
    one, evaluation = tmp_path / "one game", tmp_path / "evaluation"
    write_bank(one, "valid", learnable_bank(1, seed=1))
    write_bank(one, "test", learnable_bank(1, seed=2))
    evaluate_stage(shop.model("poor"), one, evaluation / "poor", PARAMS.evaluate, device="cpu")
    decision = register_stage([shop.model("poor")], evaluation, one, OUT, PARAMS, validation=shop.validation)
    assert failed(decision) == ["never chosen by these games", "enough games"]
    assert decision.difference is None


@pytest.mark.parametrize(
    ("params", "options", "check"),
    [
        (with_gate(floor=1.0), {}, "above the floor"),
        (PARAMS, {"validation": None}, "data validated"),
    ],
)
def test_even_the_first_champion_must(shop, params, options, check):
    decision = register(shop, "good", params=params, **options)
    assert not decision.promoted
    assert failed(decision) == [check]
    assert tracking.aliases("rmsnet") == {"challenger": 1}
    assert "does not become @champion" in (OUT / "summary.md").read_text()


@pytest.mark.parametrize(
    ("report", "says"),
    [
        ({"verdict": "failed", "summary": "failed: 2 critical checks", "dataset": "test"}, "failed: 2 critical checks"),
        ({"verdict": "passed", "dataset": "another"}, "'another'"),
        ({}, "None"),
        ({"verdict": "passed", "dataset": "test"}, "neither contents nor DVC hashes say"),
        (
            {"verdict": "passed", "dataset": "test", "content": {"train": "of another"}},
            "about other games, labels or features than the train split",
        ),
        (
            {"verdict": "passed", "dataset": "test", "content": {"train": "content of train", "gate": "of another"}},
            "about other games, labels or features than the gate split",
        ),
    ],
)
def test_data_that_did_not_pass_or_another_dataset_s_report_stop_a_promotion(shop, tmp_path, report, says):
    write_json(tmp_path / "report" / "validation.json", report)
    decision = register(shop, "good", validation=tmp_path / "report")
    assert failed(decision) == ["data validated"]
    assert says in decision.reason


def test_a_level_that_the_p_value_does_not_reach_is_a_refusal(shop, after):
    after("poor")
    decision = register(shop, "good", params=with_gate(error_rate=1e-300))
    assert failed(decision) == ["better beyond doubt"]
    assert decision.point_comparison is True


def test_simulated_and_real_are_never_compared(shop, after, tmp_path):
    """A champion that learned from simulated games meets a challenger's real ones."""
    after("poor")
    real = tmp_path / "real"
    write_bank(real, "valid", learnable_bank(6, seed=1), simulated=False)
    write_bank(real, "gate", learnable_bank(22, seed=3), simulated=False)
    write_bank(real, "test", learnable_bank(3, seed=2), simulated=False)
    decision = register(shop, "good", features=real)
    assert "same kind of data" in failed(decision)
    assert "never compared" in decision.reason
    assert decision.difference is None


def test_a_champion_that_cannot_read_the_new_features_is_not_beaten(shop, after, tmp_path, monkeypatch):
    after("poor")
    from rmsnet.registry import decision as deciding

    check_fits = deciding.check_fits

    def refuse(model, bank):
        raise UserError("width: the model was trained on 8, the frame bank holds 9")

    monkeypatch.setattr(deciding, "check_fits", refuse)
    decision = register(shop, "good")
    assert failed(decision) == ["champion scored on the same games"]
    assert "trained on 8" in decision.reason
    assert check_fits is not refuse


def test_nothing_is_registered_when_the_logged_model_gives_other_events(shop, monkeypatch):
    predict = tracking.predict_with_logged_model

    def disturbed(model_id, features):
        return predict(model_id, features).assign(confidence=0.5)

    monkeypatch.setattr(tracking, "predict_with_logged_model", disturbed)
    with pytest.raises(CheckFailed, match="gives other events"):
        register(shop, "good")
    assert tracking.versions("rmsnet") == []
    assert not OUT.exists()


def test_an_evaluation_of_something_else_is_refused(shop, tmp_path):
    for split in ("valid", "test"):
        metrics = read_json(shop.evaluation / "good" / split / "metrics.json")
        write_json(tmp_path / "evaluation" / "good" / split / "metrics.json", {**metrics, "average_map": 0.01})
    with pytest.raises(UserError, match="run rmsnet evaluate again"):
        register_stage([shop.model("good")], tmp_path / "evaluation", shop.features, OUT, PARAMS)
    assert tracking.versions("rmsnet") == []


def test_a_model_that_is_not_there_is_refused(shop):
    with pytest.raises(UserError, match="no such file"):
        register(shop, "nowhere")


def test_in_a_store_that_knows_nothing_of_them_the_models_are_logged_again_and_the_champion_loads(
    shop, tmp_path, monkeypatch, capsys
):
    """A fresh clone with a shared cache, or mlflow.db removed: the model folders are all there is."""
    register(shop, "good", "poor")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/anew/mlflow.db")
    assert register(shop, "good", "poor").promoted
    assert capsys.readouterr().err.count("logged again from the folder") == 2
    folder = tracking.model_folder("models:/rmsnet@champion")
    assert (folder / "model.safetensors").read_bytes() == (shop.model("good") / "model.safetensors").read_bytes()
    (version,) = tracking.versions("rmsnet")
    record = tracking.run_record(version.run_id, version.model_id)
    assert record.scores["test_average_map"][0] == pytest.approx(float(version.tags["test_average_map"]), abs=1e-6)
    assert register(shop, "good", "poor").reason == "it is the champion already"
    assert not capsys.readouterr().err


def test_a_champion_whose_files_are_lost_is_replaced_by_the_same_model_and_by_no_other(shop, after, tmp_path):
    after("good")
    shutil.rmtree(tmp_path / "mlruns")
    decision = register(shop, "poor")
    assert failed(decision) == ["champion scored on the same games"]
    decision = register(shop, "good")
    assert (decision.promoted, decision.version) == (True, 3)
    assert "version 1 is lost, and this is the same model" in decision.reason
    tracking.model_folder("models:/rmsnet@champion")


@pytest.mark.parametrize("lives", range(6))
def test_register_that_died_anywhere_is_finished_by_asking_again(shop, monkeypatch, lives):
    with monkeypatch.context() as patch:
        mortal(patch, lives)
        with suppress(Died):
            register(shop, "good")
    assert register(shop, "good").promoted
    assert tracking.aliases("rmsnet") == {"champion": 1}
    assert [(change.kind, change.holds) for change in history("rmsnet")[0]] == [("promote", True)]
    assert [version.tags["decision"] for version in tracking.versions("rmsnet")] == ["promoted"]
    assert read_json(OUT / "decision.json")["promoted"] is True


@pytest.mark.parametrize("lives", range(7))
def test_a_forced_promotion_that_died_anywhere_is_finished_by_asking_again(shop, after, monkeypatch, lives):
    after("good", "poor")
    ask = partial(promote, "2", shop.features, OUT, PARAMS, validation=shop.validation, force="for a test")
    with monkeypatch.context() as patch:
        mortal(patch, lives)
        with suppress(Died):
            ask()
    assert ask().promoted
    assert tracking.aliases("rmsnet") == {"champion": 2, "previous": 1}
    assert [change.kind for change in history("rmsnet")[0]] == ["promote", "refused", "forced"]
    assert history("rmsnet")[0][-1].why == "for a test"
    assert tracking.versions("rmsnet")[0].tags["decision"] == "forced"


def test_promote_asks_the_gate_again(shop, after):
    after("poor")
    register(shop, "good", params=with_gate(minimum_games=30))
    decision = promote(None, shop.features, OUT, PARAMS, validation=shop.validation)
    assert decision.promoted
    assert tracking.aliases("rmsnet") == {"champion": 2, "previous": 1}
    with pytest.raises(CheckFailed, match=r"version 1 is not promoted: better beyond doubt.*decision\.md"):
        promote("1", shop.features, OUT, PARAMS, validation=shop.validation)
    with pytest.raises(UserError, match=r"no version or alias '7'; there are: 2 @champion, 1 @challenger @previous"):
        promote("7", shop.features, OUT, PARAMS)


def test_a_version_that_was_rolled_back_comes_back_only_by_force(shop, after):
    after("poor", "good")
    change = rollback("rmsnet", "misses every second card")
    assert change.moves["champion"] == (2, 1)
    assert tracking.aliases("rmsnet") == {"champion": 1}
    for number, decision in ((2, "taken back"), (1, "promoted")):
        version = find_version("rmsnet", str(number))
        assert version.tags["decision"] == decision
        for page in (tracking.description("rmsnet", number), our_client().get_run(version.run_id).data.tags[NOTE_TAG]):
            assert "is \\@champion again, version 2 was taken back: misses every second card" in page, number
            assert "is now" not in page, number
        assert "# " in tracking.description("rmsnet", number)  # the card is there still
    with pytest.raises(CheckFailed, match="not rolled back"):
        promote("2", shop.features, OUT, PARAMS, validation=shop.validation)
    assert tracking.aliases("rmsnet")["champion"] == 1
    decision = promote("2", shop.features, OUT, PARAMS, validation=shop.validation, force="the cards were mislabelled")
    assert decision.forced
    assert tracking.aliases("rmsnet") == {"champion": 2, "previous": 1}
    assert history("rmsnet")[0][-1].why == "the cards were mislabelled"
    assert tracking.versions("rmsnet")[0].tags["decision"] == "forced"


def test_a_damaged_model_is_refused_at_load_promotion_and_rollback(after):
    after("poor", "good")
    folder = tracking.model_folder("models:/rmsnet/1")
    weights = folder / "model.safetensors"
    config = folder / "config.json"
    for file in (weights, config):
        content = file.read_bytes()
        file.chmod(0o644)
        file.write_bytes(content[:-9] + b" " + content[-8:])
        try:
            with pytest.raises(UserError, match="hash mismatch"):
                tracking.model_folder("models:/rmsnet@previous")
            with pytest.raises(UserError, match="hash mismatch"):
                rollback("rmsnet", "try")
        finally:
            file.write_bytes(content)
    assert tracking.aliases("rmsnet") == {"champion": 2, "previous": 1}


def test_the_model_card_is_made_of_the_facts(shop, after):
    after("good")
    card = re.sub(" +", " ", (OUT / "MODEL_CARD.md").read_text())
    for part in (
        "# rmsnet version 1 (good)",
        "simulated features: of no use on real broadcasts",
        "| card |",
        "## Slices of the test split",
        "| league league |",
        "| half 2 |",
        "| minutes 0–15 |",
        read_json(shop.model("good") / "config.json")["weights_hash"],
        "hash 0",
        "## Licence",
    ):
        assert part in card


def test_only_a_former_champion_that_was_not_taken_back_comes_back(shop, after):
    after("good", "poor")
    with pytest.raises(UserError, match="version 2 never was champion by a decision"):
        rollback("rmsnet", "why not", 2)
    promote("2", shop.features, OUT, PARAMS, validation=shop.validation, force="try")
    rollback("rmsnet", "bad")
    with pytest.raises(UserError, match="version 2 was champion and was taken back"):
        rollback("rmsnet", "again", 2)
    assert tracking.aliases("rmsnet") == {"champion": 1}


def test_rollback_without_anything_to_go_back_to_is_refused(shop):
    with pytest.raises(UserError, match="has no champion"):
        rollback("rmsnet", "why not")
    register(shop, "good")
    with pytest.raises(UserError, match="no champion before version 1"):
        rollback("rmsnet", "why not")
    with pytest.raises(UserError, match="no version or alias '9'"):
        rollback("rmsnet", "why not", 9)
