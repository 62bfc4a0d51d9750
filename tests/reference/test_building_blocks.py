"""Recalculates every number of docs/building-blocks.md with the blocks in NumPy."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reference import (
    average_pooling,
    batch_norm,
    convolution,
    dropout,
    linear,
    max_pooling,
    relu,
    softmax_cross_entropy,
)
from reference.checking import assert_equal

DOCS = Path(__file__).parents[2] / "docs"
Numbers = dict[str, Any]


def examples() -> dict[str, str]:
    """Finds the example of each section of the page."""
    sections = re.split(r"^## ", (DOCS / "building-blocks.md").read_text("utf-8"), flags=re.MULTILINE)[1:]
    found = {section.partition("\n")[0]: re.findall(r"```python\n(.*?)```", section, re.DOTALL) for section in sections}
    return {name: block for name, (block,) in found.items()}


def numbers_of(example: str) -> tuple[Numbers, list[str]]:
    """Reads an example: its arrays, and the equations in it that are wrong."""
    names: Numbers = {}
    wrong = []
    for line in ast.parse(example).body:
        if isinstance(line, ast.Assign):
            exec(compile(ast.Module([line], []), "example", "exec"), {}, names)
        else:
            assert isinstance(line, ast.Expr)
            assert isinstance(line.value, ast.Compare)
            if not eval(ast.unparse(line), {}, names):
                wrong.append(ast.unparse(line))
    return {name: np.array(value, dtype=float) for name, value in names.items()}, wrong


def map_of(values: np.ndarray) -> np.ndarray:
    """Takes rows and columns for one picture with one channel."""
    return values[None, None]


def column(values: np.ndarray) -> np.ndarray:
    """Takes a row of numbers for a batch with one feature."""
    return values[:, None]


def check_linear(of: Numbers) -> None:
    assert_equal(linear.forward(of["x"], of["W"], of["b"]), of["y"])
    for found, name in zip(linear.backward(of["g"], of["x"], of["W"]), ("dx", "dW", "db"), strict=True):
        assert_equal(found, of[name])


def check_convolution(of: Numbers) -> None:
    x, w, g = (map_of(of[name]) for name in "xwg")
    assert_equal(convolution.forward(x, w, np.zeros(1)), map_of(of["y"]))
    assert_equal(convolution.weight_gradient(g, x, (2, 2)), map_of(of["dw"]))
    assert_equal(convolution.input_gradient(g, w, (3, 3)), map_of(of["dx"]))
    assert_equal(of["w"][::-1, ::-1], of["turned"])


def check_max_pooling(of: Numbers) -> None:
    x, g = map_of(of["x"]), map_of(of["g"])
    assert_equal(max_pooling.forward(x, 2, stride=2), map_of(of["y"]))
    assert_equal(max_pooling.backward(g, x, 2, stride=2), map_of(of["dx"]))


def check_average_pooling(of: Numbers) -> None:
    x, g = map_of(of["x"]), map_of(of["g"])
    assert_equal(average_pooling.forward(x, 2, stride=2), map_of(of["y"]))
    assert_equal(average_pooling.backward(g, x.shape[2:], 2, stride=2), map_of(of["dx"]))


def check_relu(of: Numbers) -> None:
    assert_equal(relu.forward(of["x"]), of["y"])
    assert_equal(relu.backward(of["g"], of["x"]), of["dx"])


def check_batch_norm(of: Numbers) -> None:
    scale, shift, eps = of["scale"][None], of["shift"][None], float(of["eps"])
    batch = batch_norm.forward(column(of["x"]), scale, shift, eps=eps)
    assert_equal(batch.mean_F, of["mean"][None])
    assert_equal(batch.variance_F, of["variance"][None])
    assert_equal(batch.standardized, column(of["standardized"]))
    assert_equal(batch.outputs, column(of["y"]))
    dx, dscale, dshift = batch_norm.backward(column(of["g"]), batch, scale)
    assert_equal(dx, column(of["dx"]))
    assert_equal(dscale, of["dscale"][None])
    assert_equal(dshift, of["dshift"][None])
    running = of["running_mean"][None], of["running_variance"][None]
    assert_equal(batch_norm.evaluate(column(of["x"]), scale, shift, *running, eps=eps), column(of["evaluated"]))


def check_dropout(of: Numbers) -> None:
    assert_equal(dropout.forward(of["x"], of["kept"], float(of["p"])), of["y"])
    assert_equal(dropout.backward(of["g"], of["kept"], float(of["p"])), of["dx"])


def check_softmax(of: Numbers) -> None:
    s, t = of["s"][None], of["t"][None]
    assert_equal(softmax_cross_entropy.softmax(s).round(3), of["p"][None])
    assert_equal(round(softmax_cross_entropy.forward(s, t), 2), of["loss"])
    assert_equal(softmax_cross_entropy.backward(s, t).round(3), of["ds"][None])


CHECKS: dict[str, Callable[[Numbers], None]] = {
    "Linear": check_linear,
    "Convolution": check_convolution,
    "Max-pooling": check_max_pooling,
    "Average pooling": check_average_pooling,
    "ReLU": check_relu,
    "Batch normalization": check_batch_norm,
    "Dropout": check_dropout,
    "Softmax with cross-entropy": check_softmax,
}


def test_every_section_is_recalculated():
    assert list(examples()) == list(CHECKS)


@pytest.mark.parametrize("section", CHECKS)
def test_the_numbers_of_the_page_are_right(section):
    of, wrong = numbers_of(examples()[section])
    assert not wrong
    CHECKS[section](of)


def test_the_picture_shows_the_numbers_of_the_page():
    of, _ = numbers_of(examples()["Convolution"])
    of["around"] = np.pad(of["g"], 1)
    drawn: dict[str, list[float]] = {}
    for grid in ET.parse(DOCS / "pictures" / "convolution.svg").iter("{http://www.w3.org/2000/svg}g"):
        cells = [float(cell.text.replace("−", "-")) for cell in grid.iterfind("{*}text[@class='cell']")]
        assert drawn.setdefault(grid.attrib["id"].partition("-")[0], cells) == cells
    assert drawn == {name: of[name].flatten().tolist() for name in ("x", "w", "y", "g", "dw", "around", "turned", "dx")}
