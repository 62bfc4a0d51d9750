from __future__ import annotations

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
