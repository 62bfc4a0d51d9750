from __future__ import annotations

import pytest

from trainwright.errors import InputError
from trainwright.recipe import Given, Origin, parse_assignments, read_recipe_file


def refused(path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_recipe_file(path)
    return caught.value


def test_keys_values_and_lines(recipe_file):
    path = recipe_file("# mine\noptim:\n  lr: 1e-3   # small\n\n  name: adamw\ndata: {source: 'a # b', img_size: 32}\n")
    assert read_recipe_file(path) == {
        "optim.lr": Given(0.001, Origin("file", f"{path}:3")),
        "optim.name": Given("adamw", Origin("file", f"{path}:5")),
        "data.source": Given("a # b", Origin("file", f"{path}:6")),
        "data.img_size": Given(32, Origin("file", f"{path}:6")),
    }


@pytest.mark.parametrize(
    "text", ["", "\n", "# nothing yet\n", "---\n", "null\n", "{}\n", "\ufeff", "optim:\n", "optim: {}\n"]
)
def test_an_empty_file_or_section_sets_nothing(recipe_file, text):
    assert read_recipe_file(recipe_file(text)) == {}


def test_quoted_numbers_are_texts(recipe_file):
    given = read_recipe_file(recipe_file("data:\n  label_column: '1'\n  source: \"\\u00e9\"\n"))
    assert given["data.label_column"].value == "1"
    assert given["data.source"].value == "é"


def test_unknown_names_wait_for_compose(recipe_file):
    given = read_recipe_file(recipe_file("otpim:\n  lr: 1\nlr: [1, {a: b}]\nempty:\n"))
    assert {key: entry.value for key, entry in given.items()} == {
        "otpim.lr": 1,
        "lr": [1, {"a": "b"}],
        "empty": None,
    }


def test_a_key_that_stands_twice(recipe_file):
    path = recipe_file("optim:\n  lr: 0.1\n  name: sgd\n  lr: 0.2\n")
    error = refused(path)
    assert error.problem == "optim.lr stands twice"
    assert error.where == f"{path}:2 and {path}:4"
    assert error.hint == "keep one of them"


def test_a_section_that_stands_twice(recipe_file):
    path = recipe_file("optim:\n  lr: 0.1\ndata:\n  source: x\noptim:\n  name: sgd\n")
    error = refused(path)
    assert (error.problem, error.where) == ("optim stands twice", f"{path}:1 and {path}:5")


def test_keys_that_stand_twice_do_not_hide_other_mistakes(recipe_file):
    path = recipe_file("optim:\n  lr: 0.1\n  lr: 0.2\n  lr: 0.3\n  nmae: sgd\noptim.eps: 1\n")
    text = str(refused(path))
    assert text.startswith("4 mistakes in the recipe\n1. optim.lr stands twice")
    assert f"where: {path}:2 and {path}:4" in text
    assert "3. optim.eps stands on one line" in text
    assert "write `optim:` and under it `  eps: ...`" in text
    assert "4. there is no setting 'optim.nmae'" in text


@pytest.mark.parametrize(
    ("text", "got", "line"),
    [
        ("optim: &a\n  lr: 1\n", "the anchor &a", 1),
        ("optim:\n  lr: &a 1\n  eps: *a\n", "the anchor &a", 2),
        ("optim:\n  lr: *a\n", "the alias *a", 2),
        ("data:\n  source: *.png\n", "the alias *.png", 2),
        ("optim:\n  lr: !!python/object/apply:os.system ['true']\n", "the tag tag:yaml.org,2002:python/object", 2),
        ("optim: !!map\n  lr: 1\n", "the tag tag:yaml.org,2002:map", 1),
        ("data:\n  source: !photos\n", "the tag !photos", 2),
    ],
)
def test_anchors_aliases_and_tags_are_refused(recipe_file, text, got, line):
    path = recipe_file(text)
    error = refused(path)
    if "*.png" in text:
        assert error.problem in ("a recipe holds plain values only", "the recipe is not valid YAML")
    else:
        assert error.problem == "a recipe holds plain values only"
        assert error.got is not None
        assert error.got.startswith(got)
    assert error.where == f"{path}:{line}"


def test_tabs_are_named(recipe_file):
    path = recipe_file("optim:\n\tlr: 1\n")
    error = refused(path)
    assert error.problem == "the recipe is not valid YAML"
    assert error.where == f"{path}:2"
    assert error.hint == "indent with spaces, not with tabs"


@pytest.mark.parametrize(
    ("text", "line"),
    [("optim: {lr: 1\n", 2), ("a: b: c\n", 1), ("a: 'b\n", 2), ("a: 1\n---\nb: 2\n", 2), ("%YAML 2.0\n---\na: 1\n", 1)],
)
def test_broken_yaml_is_told_with_its_line(recipe_file, text, line):
    path = recipe_file(text)
    error = refused(path)
    assert error.problem == "the recipe is not valid YAML"
    assert error.where == f"{path}:{line}"
    assert error.got


@pytest.mark.parametrize(
    ("text", "got"), [("- optim\n", "a list"), ("lr=0.1\n", "the text 'lr=0.1'"), ("3\n", "the text '3'")]
)
def test_something_else_than_sections(recipe_file, text, got):
    path = recipe_file(text)
    error = refused(path)
    assert error.problem == "the recipe is not a mapping of sections"
    assert (error.got, error.where) == (got, f"{path}:1")


def test_a_key_that_is_no_word(recipe_file):
    path = recipe_file("optim:\n  [a, b]: 1\n")
    error = refused(path)
    assert (error.problem, error.where) == ("a key is not a word", f"{path}:2")


def test_a_file_that_is_no_text(recipe_file):
    path = recipe_file(b"optim:\n  lr: \xff\n")
    error = refused(path)
    assert error.problem == "the recipe is not a text in UTF-8"
    assert (error.got, error.where) == ("byte 0xff", f"{path}:2")


def test_a_forbidden_character(recipe_file):
    path = recipe_file("optim:\n  lr: \x07\n")
    error = refused(path)
    assert error.problem == "the recipe holds a character that YAML forbids"
    assert (error.got, error.where) == ("U+0007", f"{path}:2")


def test_nested_beyond_reason(recipe_file):
    path = recipe_file("a: " + "[" * 5000)
    assert refused(path).problem == "the recipe is nested too deeply"


def test_a_file_that_is_too_large(recipe_file):
    path = recipe_file("#" * 1_000_001)
    assert refused(path).problem == "the file is too large for a recipe"


def test_no_such_file_lists_the_recipes_beside_it(recipe_file):
    path = recipe_file("")
    error = refused(path.with_name("recpie.yaml"))
    assert error.problem == "there is no such recipe file"
    assert error.hint == "here are: recipe.yaml"
    assert refused(path.parent / "none" / "recipe.yaml").hint is None
    assert refused(path / "recipe.yaml").problem == "the recipe file cannot be read"


def test_a_folder_lists_the_recipes_in_it(recipe_file):
    path = recipe_file("")
    error = refused(path.parent)
    assert error.problem == "the recipe is a folder, not a file"
    assert error.hint == "here are: recipe.yaml"


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("optim.lr=1e-3", "optim.lr", 0.001),
        (" optim.lr = 0.1 ", "optim.lr", 0.1),
        ("machine.compile=true", "machine.compile", True),
        ("data.source=a=b, c: d #e", "data.source", "a=b, c: d #e"),
        ("data.source=~/photos", "data.source", "~/photos"),
        ("data.source='2024'", "data.source", "2024"),
        ('data.source="\\n"', "data.source", "\n"),
        ("data.source=*.png", "data.source", "*.png"),
        ("data.source=", "data.source", None),
        ("machine.precision=on", "machine.precision", "on"),
    ],
)
def test_assignments(word, key, value):
    given = parse_assignments([word])
    assert list(given) == [key]
    assert given[key].value == value


def test_the_words_are_kept_as_the_place():
    assert parse_assignments(["optim.lr=0.1"])["optim.lr"].origin == Origin("user", "--set optim.lr=0.1")
    assert parse_assignments(["optim.lr=0.1"], "-s")["optim.lr"].origin.detail == "-s optim.lr=0.1"


@pytest.mark.parametrize(("word", "got"), [("optim.lr", "optim.lr"), ("=3", "=3"), ("", "nothing")])
def test_an_assignment_without_key_or_value(word, got):
    with pytest.raises(InputError) as caught:
        parse_assignments([word])
    assert caught.value.problem == "--set needs a key and a value"
    assert (caught.value.expected, caught.value.got) == ("section.key=value", got)


@pytest.mark.parametrize("text", ["'a", '"a\\q"', "'a' b", "'"])
def test_an_assignment_with_a_broken_quote(text):
    with pytest.raises(InputError, match=r"the quotes of data\.source do not match"):
        parse_assignments([f"data.source={text}"])


def test_assignments_that_differ_for_one_key():
    parse_assignments(["optim.lr=0.1", "optim.lr=1e-1"])
    with pytest.raises(InputError) as caught:
        parse_assignments(["optim.lr=0.1", "optim.lr=0.2", "nothing"])
    assert str(caught.value).startswith("2 mistakes in the recipe\n1. optim.lr is given twice")
    assert "where: --set optim.lr=0.1 and --set optim.lr=0.2" in str(caught.value)
