"""Words on the command line that no command knows: one message in our form, exit code 2."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["recipe", "--explan"],
            "there is no option '--explan'\n  try: did you mean '--explain'? otherwise trainwright recipe --help",
        ),
        (["train", "--zzz", "1"], "there is no option '--zzz'\n  try: trainwright train --help"),
        (["train", "-q"], "there is no option '-q'\n  try: trainwright train --help"),
        (
            ["train", "--momentum", "0.8"],
            "there is no option '--momentum'\n"
            "  try: did you mean '--set optim.momentum=0.8'? otherwise trainwright train --help",
        ),
        (
            ["train", "--patience=3"],
            "there is no option '--patience'\n"
            "  try: did you mean '--set training.patience=3'? otherwise trainwright train --help",
        ),
        (
            ["train", "--nesterov", "--json"],
            "there is no option '--nesterov'\n"
            "  try: did you mean '--set optim.nesterov=…'? otherwise trainwright train --help",
        ),
        (
            ["recipe", "--name", "adam"],
            "there is no option '--name'\n  try: did you mean '--set model.name=adam' or '--set loss.name=adam' or "
            "'--set optim.name=adam'? otherwise trainwright recipe --help",
        ),
        (["--vers"], "there is no option '--vers'\n  try: did you mean '--version'? otherwise trainwright --help"),
        (["trian", "digits"], "there is no command 'trian'\n  try: did you mean 'train'?"),
        (
            ["frobnicate"],
            "there is no command 'frobnicate'\n"
            "  try: one of: ablate, activations, check, data, diagnose, doctor, evaluate, lr-find, predict, recipe, "
            "report, search, train",
        ),
        (["evaluate"], "evaluate needs RUN\n  expected: folder of a run\n  try: trainwright evaluate --help"),
        (["train", "--epochs"], "--epochs needs a value\n  expected: --epochs N\n  try: trainwright train --help"),
        (["train", "--json=3"], "--json takes no value\n  try: trainwright train --help"),
        (
            ["doctor", "x"],
            "doctor has no place for 'x'\n  expected: options alone\n  try: trainwright doctor --help",
        ),
        (
            ["train", "--data", "photos"],
            "there is no option '--data'\n  try: DATA stands without an option: trainwright train photos",
        ),
        (
            ["evaluate", "--run=r"],
            "there is no option '--run'\n  try: RUN stands without an option: trainwright evaluate r",
        ),
        (["digits", "--epochs", "3"], "there is no command 'digits'\n  try: trainwright train digits --epochs 3"),
        *(
            (
                ["train", *words],
                "--set takes the key and the value in one word\n  expected: section.key=value\n"
                f"  got: {' '.join(words[1:])}\n  try: --set optim.lr=0.1",
            )
            for words in (
                ["--set", "optim.lr", "0.1"],
                ["--set", "optim.lr", "=", "0.1"],
                ["--set", "optim.lr=", "0.1"],
                ["--set", "optim.lr", "=0.1"],
            )
        ),
    ],
)
def test_what_no_command_knows(cli, words, says):
    ended = cli(*words)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"trainwright: {says}\n"


def test_the_same_from_a_process_of_its_own(start):
    process = start("train", "digits", "--epoch", "3")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, "")
    assert err == (
        "trainwright: there is no option '--epoch'\n"
        "  try: did you mean '--epochs'? otherwise trainwright train --help\n"
    )


@pytest.mark.parametrize("words", [["--help"], ["train", "-h"]])
def test_help_is_no_mistake(cli, words):
    ended = cli(*words)
    assert ended.code == 0
    assert "Usage: trainwright" in ended.out


def test_no_word_at_all_gets_help(cli):
    ended = cli()
    assert ended.code == 2
    assert "train a classifier" in (ended.out + ended.err).lower()


def test_wrong_options_hide_no_mistake_of_the_recipe_and_no_missing_data(cli):
    ended = cli("train", "nosuch", "--zzz", "3", "--set", "optim.lr=-1", "--epcohs=3")
    assert ended.code == 2
    lines = [line for line in ended.err.splitlines() if not line.startswith("  ")]
    assert lines == [
        "trainwright: 4 mistakes",
        "1. there is no option '--zzz'",
        "2. there is no option '--epcohs'",
        "3. optim.lr is out of range",
        "4. no such data",
    ]


def test_mistakes_of_the_recipe_hide_no_missing_data(cli):
    ended = cli("data", "nosuch", "--set", "optim.lr=-1", "--set", "optim.lrr=1")
    assert ended.code == 2
    assert ended.err.startswith("trainwright: 3 mistakes\n1. optim.lr is out of range\n")
    assert "\n3. no such data\n" in ended.err


def told(ended):
    return [line for line in ended.err.splitlines() if not line.startswith("  ")]


def test_stray_words_and_wrong_values_are_told_with_the_rest(cli):
    assert told(cli("evaluate", "a", "b", "c", "--device=zz")) == [
        "trainwright: 4 mistakes",
        "1. evaluate has no place for 'c'",
        "2. there is no such run",
        "3. machine.device has no such choice",
        "4. no such data",
    ]
    for words in (["--top", "two"], ["--top=two"]):
        assert told(cli("predict", "nosuch", *words, "--zzz")) == [
            "trainwright: 3 mistakes",
            "1. there is no option '--zzz'",
            "2. --top has no such value",
            "3. there is no such run",
        ]
    assert told(cli("train", "digits", "more", "--set", "optim.lr", "-1", "--epochs=01")) == [
        "trainwright: 4 mistakes",
        "1. --set takes the key and the value in one word",
        "2. train has no place for 'more'",
        "3. training.epochs is not a whole number",
        "4. optim.lr is out of range",
    ]


def test_a_word_without_a_value_hides_no_other_mistake(cli):
    assert told(cli("data", "nosuch", "--set", "foo", "--img-size", "0")) == [
        "trainwright: 3 mistakes",
        "1. --set needs a key and a value",
        "2. data.img_size is out of range",
        "3. no such data",
    ]


def test_what_a_wrong_option_may_have_taken_is_not_said_to_be_missing(cli):
    ended = cli("evaluate", "--zzz", "runs/one")
    assert ended.err == "trainwright: there is no option '--zzz'\n  try: trainwright evaluate --help\n"


def test_an_option_is_not_mistaken_for_one_that_shares_no_more_than_its_dashes(cli):
    assert (
        cli("train", "--foo", "3").err == "trainwright: there is no option '--foo'\n  try: trainwright train --help\n"
    )


def test_a_single_word_that_cannot_be_read_is_told_alone(cli):
    ended = cli("recipe", "--set=optim.lr")
    assert ended.code == 2
    assert "mistakes" not in ended.err
    assert "optim.lr" in ended.err


def test_a_setting_is_explained_and_not_printed_without_being_asked_for(cli):
    ended = cli("recipe", "optim")
    assert ended.code == 2
    assert "recipe has no place for 'optim'" in ended.err
    assert "trainwright recipe --explain optim" in ended.err


def test_a_run_that_is_not_there_is_told_as_one(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = cli("predict", "nosuch", "a.png")
    assert ended.code == 2
    assert "nosuch" in ended.err
    assert "stands before the pictures" not in ended.err
