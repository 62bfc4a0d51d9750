"""`trainwright activations` through the command line and from Python."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET

import pytest

import trainwright as tw

TINY = ["digits", "--model=plain", "--set=model.width=8", "--set=model.depth=1", "--set=machine.threads=1"]
SVG = "{http://www.w3.org/2000/svg}"


def test_the_table_has_a_line_for_every_layer(cli, tmp_path):
    ended = cli("activations", *TINY, "--init=lsuv", "--set=init.head=scheme", f"--out={tmp_path / 'a.svg'}")
    assert ended.code == 0, ended.err
    assert "plain before its first step: lsuv" in ended.out
    assert "256 training pictures of digits, as they are" in ended.out
    rows = {line.split()[0]: line.split() for line in ended.out.splitlines() if line.startswith("  stages")}
    assert list(rows) == [f"stages.{stage}.{layer}" for stage, layers in ((0, 4), (1, 3)) for layer in range(layers)]
    assert rows["stages.0.0"][1:3] == ["Conv2d", "8×8×8"]
    assert float(rows["stages.1.0"][4]) == pytest.approx(1, abs=0.05)
    assert "convolutions and linear layers before the last: std" in ended.out
    svg = ET.parse(tmp_path / "a.svg").getroot()
    panels = [group for group in svg.findall(f"{SVG}g") if group.get("class") == "panel"]
    assert len(panels) == 9
    assert f"histograms of every layer: {tmp_path / 'a.svg'}" in ended.out


def test_json_holds_every_number_and_nothing_else_is_on_stdout(cli):
    ended = cli("activations", *TINY, "--init=xavier", "--json")
    facts = json.loads(ended.out)
    assert (facts["model"], facts["scheme"], facts["pictures"]) == ("plain", "xavier", 256)
    assert facts["first_loss"] == pytest.approx(math.log(10), abs=0.1)
    relu = next(layer for layer in facts["layers"] if layer["kind"] == "ReLU")
    assert 0.3 < relu["zeros"] < 0.7
    assert relu["saturated"] is None
    assert sum(relu["counts"]) == 256 * math.prod(relu["output_shape"])
    assert all(layer["gradient_std"] > 0 for layer in facts["layers"])


def test_from_python_it_is_the_same(cli):
    found = tw.activations(
        "digits",
        model="plain",
        init="xavier",
        settings={"model.width": 8, "model.depth": 1, "machine.threads": 1},
    )
    assert json.loads(json.dumps(dict(found.facts))) == json.loads(
        cli("activations", *TINY, "--init=xavier", "--json").out
    )


def test_numbers_beyond_all_bounds_are_said_and_drawn(cli, tmp_path):
    words = [*TINY, "--init=normal", "--set=init.std=100", "--set=init.head=scheme", "--set=init.class_prior=true"]
    ended = cli("activations", *words, f"--out={tmp_path / 'a.svg'}")
    assert ended.code == 0, ended.err
    assert ET.parse(tmp_path / "a.svg").getroot().tag == f"{SVG}svg"


def test_any_model_of_timm_can_be_looked_at(cli):
    ended = cli("activations", "digits", "--model=resnet18", "--img-size=32", "--init=orthogonal", "--json")
    facts = json.loads(ended.out)
    assert facts["layers"][0]["name"] == "conv1"
    assert facts["layers"][-1]["name"] == "fc"


def test_a_picture_is_an_svg_file_and_nothing_else_is_begun(cli, tmp_path):
    ended = cli("activations", *TINY, f"--out={tmp_path / 'a.png'}")
    assert ended.code == 2
    assert "the picture of activations is an SVG file" in ended.err
    assert f"try: --out {tmp_path / 'a.svg'}" in ended.err
    assert ended.out == ""


def test_a_scheme_that_does_not_exist_gets_the_nearest_name(cli):
    ended = cli("activations", *TINY, "--init=kaimin")
    assert ended.code == 2
    assert "did you mean 'kaiming'?" in ended.err


@pytest.mark.parametrize("words", [["--init=xavier"], ["--set=init.centered_weight_norm=true"]])
def test_loaded_weights_are_not_drawn_again(cli, tmp_path, words):
    ended = cli("train", "digits", "--model=plain", "--weights=some.safetensors", *words, f"--out={tmp_path}")
    assert ended.code == 2
    assert "loaded weights" in ended.err
    assert not list(tmp_path.iterdir())


def test_a_deviation_needs_a_scheme_that_draws_by_it(cli):
    ended = cli("activations", *TINY, "--init=kaiming", "--set=init.std=0.1")
    assert ended.code == 2
    assert "init.std has no effect, since init.scheme is kaiming" in ended.err
    assert "expected: init.scheme one of normal, uniform" in ended.err


def test_timms_own_start_has_no_head_to_choose(cli):
    ended = cli("activations", "digits", "--model=resnet18", "--img-size=32", "--set=init.head=scheme")
    assert ended.code == 2
    assert "init.head has no effect, since init.scheme is native" in ended.err
    assert "auto: timm starts each model as its authors did" in ended.err
