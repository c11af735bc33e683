from rmsnet.params import Params, SpotParams, params_from
from rmsnet.study.plan import plan, planned_study


def test_a_row_that_changes_the_decoding_is_planned_with_it_and_ensembles_are_left_out():
    params = Params(spot=SpotParams(suppression="hard"))
    planned = {item["variant"]: params_from(item["params"], "plan") for item in plan("options", params, seeds=1)}
    assert planned["stride 1, votes"].spot == SpotParams(stride=1, votes=True, suppression="hard")
    assert planned["paper"].spot == params.spot
    assert [row.name for row in planned_study("options", params).rows] == list(planned)
    assert not any("models" in name for name in planned)
