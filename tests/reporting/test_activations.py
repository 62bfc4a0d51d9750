"""What is read of measured activations, as numbers and as lines."""

from __future__ import annotations

from typing import Any

from trainwright.reporting import activation_lines, activations_view


def row(name: str, kind: str = "Conv2d", **others: object) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "output_shape": [4, 8, 8],
        "mean": 0.25,
        "std": 1.5,
        "zeros": 0.0,
        "saturated": None,
        "gradient_std": 0.001,
        "low": -2.0,
        "high": 6.0,
        "counts": [1, 3, 0, 2],
        **others,
    }


def facts(*rows: dict[str, Any], **others: object) -> dict[str, Any]:
    about = {"data": "photos", "model": "plain", "scheme": "xavier", "centered_weight_norm": False, "pictures": 256}
    return {**about, "first_loss": 2.3, "layers": list(rows), **others}


def test_the_ends_of_the_net_are_its_weighted_layers_without_the_last():
    layers = [row("a"), row("b", "ReLU"), row("c"), row("d", "AvgPool2d"), row("e", "Linear")]
    view = activations_view(facts(*layers))
    assert view.ends is not None
    assert [layer.name for layer in view.ends] == ["a", "c"]
    assert activations_view(facts(row("a"), row("b", "ReLU"))).ends is None


def test_titles_say_what_was_looked_at():
    view = activations_view(facts(row("a"), centered_weight_norm=True, pictures=1))
    assert view.title == "plain before its first step: xavier, centered"
    assert view.subtitle == "1 training picture of photos, as they are"


def test_a_net_without_parts_and_an_output_of_one_number_have_names():
    (layer,) = activations_view(facts(row("", output_shape=[]))).layers
    assert (layer.name, layer.shape) == ("net", "1")


def test_columns_are_aligned_and_what_is_missing_is_a_dash():
    lines = activation_lines(
        activations_view(
            facts(
                row("stem"),
                row("act", "Tanh", zeros=0.5, saturated=0.25, gradient_std=None),
                row("x" * 40, std=None, mean=None),
                row("head", "Linear"),
            )
        )
    )
    table = [line for line in lines if "×" in line]
    assert table[0].split() == ["stem", "Conv2d", "4×8×8", "0.250", "1.50", "0.0", "%", "–", "0.00100"]
    assert table[1].split() == ["act", "Tanh", "4×8×8", "0.250", "1.50", "50.0", "%", "25.0", "%", "–"]
    assert table[2].split()[0] == "…" + "x" * 31
    assert table[2].split()[3:5] == ["–", "–"]
    assert len({line.index("4×8×8") for line in table}) == 1
    assert "std 1.50 in stem, – in" in lines[-2]
    assert "gradients of a picture's loss there: std 0.00100 and 0.00100" in lines[-1]


def test_names_of_data_cannot_command_the_terminal():
    text = "\n".join(activation_lines(activations_view(facts(row("a"), data="\x1b[2Jphotos"))))
    assert "\x1b" not in text
