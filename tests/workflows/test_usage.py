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
            "  try: one of: activations, data, doctor, evaluate, predict, recipe, report, train",
        ),
        (["evaluate"], "evaluate needs RUN\n  expected: folder of a run\n  try: trainwright evaluate --help"),
        (["train", "--epochs"], "--epochs needs a value\n  expected: --epochs N\n  try: trainwright train --help"),
        (["train", "--json=3"], "--json takes no value\n  try: trainwright train --help"),
        (
            ["evaluate", "a", "b", "c"],
            "evaluate has no place for 'c'\n  expected: at most RUN [DATA]\n  try: trainwright evaluate --help",
        ),
        (
            ["doctor", "x"],
            "doctor has no place for 'x'\n  expected: options alone\n  try: trainwright doctor --help",
        ),
        *(
            (
                words,
                "--top has no such value\n  expected: a whole number\n  got: two\n  try: trainwright predict --help",
            )
            for words in (["predict", "x", "--top", "two"], ["predict", "x", "--top=two"])
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
