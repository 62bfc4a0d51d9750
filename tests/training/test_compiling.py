"""torch.compile: said clearly where it cannot work."""

from __future__ import annotations

import pytest
import torch

from trainwright.errors import InputError
from trainwright.training.compiling import check_compiling


@pytest.mark.parametrize(("device", "needed"), [("cpu", "C++ compiler"), ("meta", "Triton")])
def test_a_machine_without_a_compiler_is_told_by_name(device, needed, monkeypatch):
    def no_compiler(_function):
        raise RuntimeError("InvalidCxxCompiler: none found\nin 40 more lines")

    monkeypatch.setattr(torch, "compile", no_compiler)
    with pytest.raises(InputError) as caught:
        check_compiling(torch.device(device))
    assert needed in caught.value.expected
    assert (caught.value.where, caught.value.got) == ("machine.compile", "InvalidCxxCompiler: none found")
