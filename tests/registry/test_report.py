"""What tables of the registry say of how their numbers were made."""

import pytest

from rmsnet.evaluation.assessment import NAMED_TOLERANCES
from rmsnet.registry.report import judged_by


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        ({"tolerances": list(NAMED_TOLERANCES["loose"]), "protocol": "devkit"}, "loose, devkit protocol"),
        ({"tolerances": list(NAMED_TOLERANCES["tight"]), "protocol": "paper"}, "tight, paper protocol"),
        ({"tolerances": [2, 7.5], "protocol": "devkit"}, "2, 7.5 s, devkit protocol"),
    ],
)
def test_a_summary_says_by_which_protocol_and_tolerances_it_was_judged(metrics, says):
    assert judged_by(metrics) == says
