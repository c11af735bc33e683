"""The page that fills."""

import json
import re

from rmsnet.live.page import live_page
from rmsnet.matches.stretches import choose_stretches
from tests.builders import random_model


def test_the_page_has_the_looks_of_the_classes_and_the_names_of_the_periods():
    model = random_model()
    page = live_page("Köln 1 - 0 <Bremen>", model, choose_stretches(model.classes))
    data = json.loads(re.search(r'id="match" type="application/json">(.+?)</script>', page)[1])
    assert list(data["classes"]) == list(model.classes)
    assert data["classes"]["soccer"]["name"] == "Goal"
    assert [period["name"] for period in data["periods"]] == ["1st half", "2nd half"]
    assert "Köln 1 - 0 &lt;Bremen&gt;" in page
    assert "<Bremen>" not in page
    assert "@@" not in page
    assert not re.search(r'(?:src|href)="(?!data:)', page)  # nothing is loaded from anywhere


def test_a_name_cannot_end_the_script():
    looks = {"card": {"name": "</script><b>"}}
    model = random_model(looks=looks)
    page = live_page("match", model, choose_stretches(model.classes))
    assert "</script><b>" not in page
