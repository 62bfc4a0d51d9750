from __future__ import annotations

import pytest

from trainwright.errors import InputError
from trainwright.recipe import describe
from trainwright.reporting import setting_lines


def test_every_setting_is_explained() -> None:
    text = "\n".join(setting_lines())
    for setting in describe():
        assert f"  {setting.key} = " in text
    assert "  optim.lr = auto\n            Peak learning rate" in text
    assert "may be    a number above 0 and at most 100 (learning rate), or auto" in text
    assert "only where optim.name is sgd" in text
    assert "  machine.compile = false" in text
    assert max(map(len, setting_lines(80))) <= 80


def test_one_section_or_setting_is_explained_alone() -> None:
    keys = [line.split()[0] for line in setting_lines(what="optim") if " = " in line and line.startswith("  o")]
    assert "optim.lr" in keys
    assert all(key.startswith("optim.") for key in keys)
    assert setting_lines(what="clip_norm") == setting_lines(what="optim.clip_norm")
    assert setting_lines(what="clip_norm")[1].startswith("  optim.clip_norm = ")
    with pytest.raises(InputError, match="no section and no setting 'clip_nrm'") as caught:
        setting_lines(what="clip_nrm")
    assert caught.value.hint == "did you mean 'clip_norm'?"
