import pytest
import torch
from torch import nn

from trainwright.errors import InputError
from trainwright.recipe import MachineSection
from trainwright.training import machine
from trainwright.training.machine import Machine, choose_machine, choose_workers, open_device, open_machine


def chosen(section: MachineSection, img_size: int = 32) -> dict[str, object]:
    return {choice.key: choice.value for choice in choose_machine(section, img_size=img_size)}


def test_everything_that_is_auto_is_decided_with_a_reason():
    choices = [*choose_workers(MachineSection()), *choose_machine(MachineSection(), img_size=32)]
    keys = [choice.key for choice in choices]
    assert sorted(keys) == [f"machine.{key}" for key in ("channels_last", "device", "precision", "threads", "workers")]
    assert all(choice.value != "auto" and len(choice.reason) > 10 for choice in choices)


def test_what_is_given_is_left_alone():
    section = MachineSection(device="cpu", threads=3, workers=0, precision="float32", channels_last=False)
    assert chosen(section) == {}
    assert choose_workers(section) == []


def test_tiny_pictures_get_one_thread(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert chosen(MachineSection(), img_size=16)["machine.threads"] == 1
    assert chosen(MachineSection(), img_size=17)["machine.threads"] == machine.cores()


def test_threads_follow_what_the_environment_says(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert chosen(MachineSection(), img_size=17)["machine.threads"] == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert chosen(MachineSection(), img_size=17)["machine.threads"] == machine.cores()


@pytest.mark.parametrize(("amx", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_precision_follows_the_processor(monkeypatch, amx, precision):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert chosen(MachineSection(device="cpu"))["machine.precision"] == precision


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(InputError, match="this machine does not have that device") as error:
        open_device("cuda:99")
    assert "auto picks the first that works" in str(error.value)


def test_a_device_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="no such device") as error:
        open_device("gpux")
    assert "machine.device" in str(error.value)


def test_float16_is_refused_on_a_cpu_that_auto_picked(monkeypatch):
    section = MachineSection(device="cpu", threads=1, channels_last=False).model_copy(update={"precision": "float16"})
    with pytest.raises(InputError, match="float16 needs a CUDA device"):
        open_machine(section)


def test_the_section_becomes_torch():
    before = torch.get_num_threads()
    section = MachineSection(device="cpu", threads=1, precision="bfloat16", channels_last=True)
    try:
        opened = open_machine(section)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert opened == Machine(torch.device("cpu"), torch.bfloat16, channels_last=True)
    filters = opened.place(nn.Conv2d(3, 8, 3)).weight
    assert filters.is_contiguous(memory_format=torch.channels_last)
