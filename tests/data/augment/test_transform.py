"""Transforms of one's own: found, seeded picture by picture, and held to their form."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from trainwright.data.augment import NOTHING, Augmenter
from trainwright.data.augment.transform import AUTOMATIC, load_transform, transform_fingerprint
from trainwright.data.preprocess import Preprocessor
from trainwright.errors import InputError

AS_IT_IS = Preprocessor.from_statistics([0.0] * 3, [1.0] * 3, center=False, scale=False)

MINE = """
import torch

def darker(image): return image // 2
def noisy(image): return (image.int() + torch.randint(0, 9, image.shape)).clamp(0, 255).to(torch.uint8)
def smaller(image): return image[:, 1:]
def floats(image): return image / 255
def broken(image): return image * float("nan")
def failing(image): raise ValueError("no such thing")
def listed(image): return image.tolist()

class Lighter:
    def __call__(self, image): return image // 2 + 100

class Needy:
    def __init__(self, strength): pass

number = 7
"""


@pytest.fixture(autouse=True)
def beside(tmp_path, monkeypatch):
    (tmp_path / "my_tricks.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def images():
    return torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def augmenter(name: str) -> Augmenter:
    return Augmenter(NOTHING.model_copy(update={"transform": name}), AS_IT_IS, seed=0)


def test_a_function_and_a_class_of_the_folder_are_found(images):
    darker = augmenter("my_tricks.darker").train(images, torch.arange(8), 1)
    assert torch.allclose(darker * 255, (images // 2).float())
    lighter = augmenter("my_tricks.Lighter").train(images, torch.arange(8), 1)
    assert torch.allclose(lighter * 255, (images // 2 + 100).float())


@pytest.mark.parametrize("name", ["my_tricks.noisy", *AUTOMATIC])
def test_what_is_drawn_belongs_to_the_picture(images, name):
    one, samples = augmenter(name), torch.arange(30, 38)
    state = torch.random.get_rng_state()
    whole = one.train(images, samples, 2)
    assert torch.equal(torch.random.get_rng_state(), state), "torch's own numbers are left alone"
    assert torch.equal(whole.flip(0), one.train(images.flip(0), samples.flip(0), 2))
    assert torch.equal(whole[3:5], one.train(images[3:5], samples[3:5], 2))
    assert not torch.equal(whole, one.train(images, samples, 3))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("smaller", r"got: \(3, 15, 16\) of uint8"),
        ("floats", r"got: \(3, 16, 16\) of float32$"),
        ("broken", r"got: \(3, 16, 16\) of float32 with NaN"),
        ("listed", "got: list"),
    ],
)
def test_what_is_no_picture_is_named_with_its_sample(images, name, words):
    with pytest.raises(InputError, match=f"my_tricks.{name} returned something else than a picture") as caught:
        augmenter(f"my_tricks.{name}").train(images, torch.arange(40, 48), 3)
    assert "sample 40 in epoch 3" in str(caught.value)
    import re

    assert re.search(words, str(caught.value), re.MULTILINE), str(caught.value)


def test_what_fails_is_said_with_its_sample(images):
    with pytest.raises(InputError, match=r"my_tricks\.failing failed") as caught:
        augmenter("my_tricks.failing").train(images, torch.arange(40, 48), 3)
    assert "ValueError: no such thing" in str(caught.value)
    assert "sample 40 in epoch 3" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("flips", "augment.transform is no dotted path"),
        ("no_such_module.trick", "No module named 'no_such_module'"),
        ("my_tricks.nothing", "has no attribute 'nothing'"),
        ("my_tricks.Needy", "missing 1 required positional argument: 'strength'"),
        ("my_tricks.number", "augment.transform is not callable"),
    ],
)
def test_what_cannot_be_loaded_is_said(name, words):
    with pytest.raises(InputError) as caught:
        load_transform(name)
    assert words in str(caught.value)


def test_code_that_lies_in_a_file_has_a_fingerprint():
    assert transform_fingerprint("none") is None
    assert transform_fingerprint("trivialaugment") is None
    load_transform("time.sleep")
    assert transform_fingerprint("time.sleep") is None
    load_transform("torch.nn.functional.relu")
    expected = hashlib.sha256(Path(torch.nn.functional.__file__).read_bytes()).hexdigest()
    assert transform_fingerprint("torch.nn.functional.relu") == expected
