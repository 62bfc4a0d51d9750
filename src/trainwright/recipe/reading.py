"""Recipes from YAML and from `--set section.key=value`, each value with its place."""

# PyYAML's parser has no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from ..errors import InputError
from .recipe import Given, Origin, Recipe
from .resolving import mistakes
from .rules import joined
from .scalars import parse_plain

_LARGEST_BYTES = 1_000_000


def read_recipe_file(path: str | Path) -> dict[str, Given]:
    """Reads a recipe file into dotted keys; an empty file gives no settings.

    Values keep the file and line they stand on. Names and values are judged later, by `compose`; what is judged here is
    the form: YAML, one mapping of sections, no key twice, no anchors, aliases or tags.

    Raises:
        InputError: no such file, not UTF-8, not YAML, not of that form. Where keys stand twice or on one line with
            their section, the other mistakes of the file are told with them.
    """
    path = Path(path)
    text = _read_text(path)
    try:
        root = _Composer(text, path).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(path, error) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InputError(
            "the recipe holds a character that YAML forbids",
            got=f"U+{ord(text[error.position]):04X}",
            where=f"{path}:{line}",
        ) from None
    except RecursionError:
        raise InputError(
            "the recipe is nested too deeply", expected="sections with settings", where=str(path)
        ) from None
    if root is None or _is_nothing(root):
        return {}
    if not isinstance(root, yaml.MappingNode):
        raise InputError(
            "the recipe is not a mapping of sections",
            expected="sections with settings under them, such as `optim:` and under it `  lr: 0.1`",
            got="a list" if isinstance(root, yaml.SequenceNode) else f"the text {root.value[:60]!r}",
            where=_place(path, root),
        )
    return _settings(root, path)


def parse_assignments(words: Iterable[str], option: str = "--set") -> dict[str, Given]:
    """Reads `section.key=value` words by the same rules for values as a file.

    Args:
        words: the arguments that stood after the option.
        option: the option's name, for messages.

    Raises:
        InputError: no `=`, no key, a broken quote, or a key with two values.

    >>> parse_assignments(["optim.lr=1e-3"])["optim.lr"].value
    0.001
    """
    given: dict[str, Given] = {}
    errors: list[InputError] = []
    for word in words:
        key, equals, text = word.partition("=")
        key, text, place = key.strip(), text.strip(), f"{option} {word}"
        if not equals or not key:
            errors.append(
                InputError(f"{option} needs a key and a value", expected="section.key=value", got=word or "nothing")
            )
            continue
        try:
            value = _parse_value(text)
        except yaml.YAMLError:
            errors.append(InputError(f"the quotes of {key} do not match", got=text, where=place))
            continue
        earlier = given.setdefault(key, Given(value, Origin("user", place)))
        if earlier.value != value:
            errors.append(
                InputError(f"{key} is given twice", expected="one value", where=f"{earlier.origin.detail} and {place}")
            )
    if errors:
        raise joined(errors)
    return given


class _Composer(yaml.SafeLoader):
    """Builds YAML's nodes, with their lines, and refuses what a recipe does not need."""

    def __init__(self, text: str, path: Path) -> None:
        super().__init__(text)
        self._path = path

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        word = None
        if isinstance(event, yaml.AliasEvent):
            word = f"the alias *{event.anchor}"
        elif getattr(event, "anchor", None):
            word = f"the anchor &{event.anchor}"
        elif getattr(event, "tag", None):
            word = f"the tag {event.tag}"
        if word is not None:
            raise InputError(
                "a recipe holds plain values only",
                expected="no anchors, aliases or tags",
                got=word,
                where=f"{self._path}:{event.start_mark.line + 1}",
                hint="write the value out; put a text that begins with * & or ! in quotes",
            )
        return super().compose_node(parent, index)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            blob = file.read(_LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise InputError("there is no such recipe file", got=str(path), hint=_neighbors(path)) from None
    except IsADirectoryError:
        raise InputError("the recipe is a folder, not a file", got=str(path), hint=_neighbors(path / "x")) from None
    except OSError as error:
        raise InputError("the recipe file cannot be read", got=str(path), where=error.strerror) from None
    if len(blob) > _LARGEST_BYTES:
        raise InputError("the file is too large for a recipe", expected="at most 1 MB of YAML", got=str(path))
    try:
        return blob.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = blob.count(b"\n", 0, error.start) + 1
        raise InputError(
            "the recipe is not a text in UTF-8", got=f"byte 0x{blob[error.start]:02x}", where=f"{path}:{line}"
        ) from None


def _neighbors(path: Path) -> str | None:
    if not path.parent.is_dir():
        return None
    names = sorted(entry.name for entry in path.parent.iterdir() if entry.suffix in (".yaml", ".yml"))
    return f"here are: {', '.join(names[:5])}" if names else None


def _settings(root: yaml.MappingNode, path: Path) -> dict[str, Given]:
    given: dict[str, Given] = {}
    lines: dict[str, int] = {}
    malformed: list[InputError] = []

    def enter(key: str, node: yaml.Node, value: yaml.Node | None) -> None:
        line = node.start_mark.line + 1
        if key in lines:
            malformed.append(
                InputError(
                    f"{key} stands twice",
                    expected="every key once",
                    where=f"{path}:{lines[key]} and {path}:{line}",
                    hint="keep one of them",
                )
            )
        elif value is not None:
            given[key] = Given(_value(value), Origin("file", f"{path}:{line}"))
        lines.setdefault(key, line)

    for section_node, content in root.value:
        section = _key(section_node, path)
        if "." in section:
            malformed.append(_flat_key(section, _place(path, section_node)))
        elif isinstance(content, yaml.MappingNode) and (content.value or section in Recipe.model_fields):
            enter(section, section_node, None)
            for key_node, value in content.value:
                enter(f"{section}.{_key(key_node, path)}", key_node, value)
        else:
            is_empty = section in Recipe.model_fields and _is_nothing(content)
            enter(section, section_node, None if is_empty else content)
    if malformed:
        raise joined([*malformed, *mistakes(given)])
    return given


def _key(node: yaml.Node, path: Path) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise InputError("a key is not a word", expected="the name of a section or setting", where=_place(path, node))
    return node.value


def _flat_key(key: str, place: str) -> InputError:
    section, _, name = key.partition(".")
    return InputError(
        f"{key} stands on one line",
        expected="the section, and its settings indented under it",
        where=place,
        hint=f"write `{section}:` and under it `  {name}: ...`",
    )


def _value(node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_value(entry) for entry in node.value]
    if isinstance(node, yaml.MappingNode):
        return {str(_value(key)): _value(entry) for key, entry in node.value}
    assert isinstance(node, yaml.ScalarNode)
    return node.value if node.style is not None else parse_plain(node.value)


def _is_nothing(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and _value(node) is None


def _parse_value(text: str) -> Any:
    """Reads the value of an assignment; unquoted text is taken whole, so that paths need no care."""
    if not text.startswith(("'", '"')):
        return parse_plain(text)
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert node is not None
    return _value(node)


def _not_yaml(path: Path, error: yaml.MarkedYAMLError) -> InputError:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "it cannot be parsed"
    return InputError(
        "the recipe is not valid YAML",
        got=problem,
        where=str(path) if mark is None else f"{path}:{mark.line + 1}",
        hint="indent with spaces, not with tabs" if "\\t" in problem else None,
    )


def _place(path: Path, node: yaml.Node) -> str:
    return f"{path}:{node.start_mark.line + 1}"
