from dataclasses import replace

import pytest

from rmsnet.registry.history import Change
from rmsnet.registry.telling import told
from rmsnet.tracking import Version

VERSIONS = {
    number: Version(number, f"m-{number}", "run", 0, (), {"variant": name, "simulated": "true"})
    for number, name in enumerate(("full", "strong", "poor"), start=1)
}
ASKED = {"version": 2, "champion": 1, "difference": 0.1234, "p_value": 0.0004, "level": 0.0099}


def change_of(kind: str, champion: tuple[int | None, int | None] | None = None, **changed: object) -> Change:
    made = Change(1, kind, "now", "me@here", "the reason", None, {}, {}, True, True)
    return replace(made, **{"moves": {} if champion is None else {"champion": champion}, **changed})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (change_of("promote", (None, 1)), "version 1 (full, simulated) is @champion: the reason"),
        (
            change_of("promote", (1, 2), question=ASKED),
            "version 2 (strong, simulated) is @champion: +12.3 points against version 1; equal models show as much in "
            "0.04 % of cases, 0.99 % may",
        ),
        (
            change_of("refused", question={**ASKED, "version": 3, "champion": 2, "p_value": 0.9993}),
            "version 3 (poor, simulated) is refused: +12.3 points against version 2; equal models show as much in "
            "100 % of cases, 0.99 % may",
        ),
        (change_of("refused", question=ASKED), "version 2 (strong, simulated) is refused: the reason"),
        (change_of("refused", moves={"challenger": (None, 3)}), "version 3 (poor, simulated) is refused: the reason"),
        (change_of("forced", (1, 9)), "version 9 is @champion against the gate: the reason"),
        (
            change_of("rollback", (2, 1)),
            "version 1 (full, simulated) is @champion again, version 2 was taken back: the reason",
        ),
        (change_of("outside", (1, 2)), "@champion 1 → 2: the reason"),
        (
            change_of("promote", (1, 2), holds=False),
            "came too late: version 2 (strong, simulated) is @champion: the reason",
        ),
    ],
)
def test_every_kind_of_change_is_told_in_a_sentence(change, says):
    assert told(change, VERSIONS) == says
