"""With what it was trained: the recipe with the source of each value, the machine, the layers of the net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

ORIGINS = ("user", "file", "auto", "default")


@dataclass(frozen=True, kw_only=True)
class RecipeRow:
    """One setting: dotted key, value as the file writes it, where it came from, and the reason or the words given."""

    key: str
    value: str
    origin: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class LayerLine:
    """One layer of the net.

    `output_shape` is without the batch, None where the net does not use the layer; `multiply_adds` are those of one
    picture forward; `receptive_field` is height and width in pixels of the picture, None where it cannot be known.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...] | None
    parameters: int
    multiply_adds: int
    receptive_field: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True)
class Layers:
    """The layers in order and their sums."""

    rows: tuple[LayerLine, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, kw_only=True)
class WatchedLoop:
    """What is known of a training loop that is not ours and was watched.

    `settings` are rows of a name and a value that were told when watching began; `missing` names what was not.
    """

    model: str
    optimizer: str
    parameters: int
    epochs: int | None
    settings: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]


def watched_loop(plain: Mapping[str, Any]) -> WatchedLoop:
    """Lays out what watch.json holds.

    Args:
        plain: the file's object.
    """
    told = {**{key: plain[key] for key in ("trainwright", "torch", "device")}, **plain["settings"]}
    shown = {key: ", ".join(map(str, value)) if isinstance(value, list) else value for key, value in told.items()}
    return WatchedLoop(
        model=plain["model"],
        optimizer=plain["optimizer"],
        parameters=plain["parameters"],
        epochs=plain["settings"]["epochs"],
        settings=tuple((key.replace("_", " "), str(value)) for key, value in shown.items() if value is not None),
        missing=tuple(plain["missing"]),
    )


def recipe_rows(text: str) -> tuple[RecipeRow, ...]:
    """Reads a written recipe with the comments behind its values, which say where each came from.

    Args:
        text: recipe.yaml as the run keeps it.

    >>> recipe_rows("optim:\\n  lr: 0.1  # user: --lr 0.1\\n")
    (RecipeRow(key='optim.lr', value='0.1', origin='user', detail='--lr 0.1'),)
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    rows: list[RecipeRow] = []
    if isinstance(root, yaml.MappingNode):
        _walk(root, "", text, rows)
    return tuple(rows)


def _walk(node: yaml.MappingNode, above: str, text: str, rows: list[RecipeRow]) -> None:
    for key_node, value_node in node.value:
        key = f"{above}.{key_node.value}" if above else str(key_node.value)
        if isinstance(value_node, yaml.MappingNode) and value_node.value:
            _walk(value_node, key, text, rows)
            continue
        start, end = value_node.start_mark.index, value_node.end_mark.index
        rest = text[end:].split("\n", 1)[0]
        comment = rest.partition("#")[2].strip()
        kind, _, detail = comment.partition(":")
        origin = kind.strip() if kind.strip() in ORIGINS else ""
        value = value_node.value if isinstance(value_node, yaml.ScalarNode) else text[start:end].strip()
        rows.append(RecipeRow(key=key, value=value, origin=origin, detail=detail.strip() if origin else comment))


def environment_rows(environment: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Flattens the machine's description to rows of name and value, in the order of the file.

    >>> environment_rows({"python": "3.11", "git": {"commit": "abc", "dirty": False}})
    (('python', '3.11'), ('git commit', 'abc'), ('git dirty', 'no'))
    """
    rows: list[tuple[str, str]] = []
    for name, value in environment.items():
        label = str(name).replace("_", " ")
        if isinstance(value, Mapping):
            rows += [(f"{label} {inner}", text) for inner, text in environment_rows(value)]
        elif value is not None:
            rows.append((label, _plain(value)))
    return tuple(rows)


def layers(rows: Sequence[Mapping[str, Any]]) -> Layers:
    """Sums the layer table of the net.

    Args:
        rows: as layers.json keeps them.
    """
    lines = tuple(
        LayerLine(
            name=row["name"],
            kind=row["kind"],
            output_shape=None if row["output_shape"] is None else tuple(row["output_shape"]),
            parameters=row["parameters"],
            multiply_adds=row["multiply_adds"],
            receptive_field=None if row["receptive_field"] is None else tuple(row["receptive_field"]),
        )
        for row in rows
    )
    return Layers(
        rows=lines,
        parameters=sum(line.parameters for line in lines),
        multiply_adds=sum(line.multiply_adds for line in lines),
    )


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_plain(item) for item in value)
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
