"""What acts on activations, through the real command line."""

import pytest

from trainwright.runs import StepRecord, read_records

WORDS = [
    "digits",
    "--model=plain",
    "--epochs=2",
    "--batch-size=64",
    "--set=model.width=8",
    "--set=model.depth=1",
    "--set=machine.threads=1",
    "--set=logging.step_every=1",
]


def steps(run) -> list[StepRecord]:
    return [record for record in read_records(run / "events.jsonl") if isinstance(record, StepRecord)]


def test_sparsity_is_in_the_penalty_and_falls(cli, tmp_path):
    ended = cli("train", *WORDS, "--set=regularization.sparsity=0.3", "--name=sparse", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    penalties = [step.penalty for step in steps(tmp_path / "sparse")]
    assert all(penalty is not None and penalty > 0 for penalty in penalties)
    assert sum(penalties[-5:]) < 0.7 * sum(penalties[:5])


@pytest.mark.parametrize("setting", ["sparsity=1e-3", "activation_noise=0.3"])
def test_an_interrupted_run_ends_as_if_it_had_not_been(cli, tmp_path, interrupt, setting):
    words = ["train", *WORDS, f"--set=regularization.{setting}", "--name=run"]
    assert cli(*words, f"--out={tmp_path / 'whole'}").code == 0
    interrupt(25)
    out = f"--out={tmp_path / 'broken'}"
    assert cli(*words, out).code == 130
    assert cli(*words, out).code == 0
    for name in ("last", "best"):
        whole, broken = (
            (tmp_path / kind / "run/checkpoints" / name / "model.safetensors").read_bytes()
            for kind in ("whole", "broken")
        )
        assert whole == broken


@pytest.mark.parametrize("setting", ["sparsity", "activation_noise"])
def test_a_compiled_net_lets_nothing_in(cli, setting):
    ended = cli("train", *WORDS, f"--set=regularization.{setting}=0.1", "--set=machine.compile=true")
    assert ended.code == 2
    assert f"regularization.{setting} reaches into the net between its layers" in ended.err


def test_a_net_whose_units_are_never_silent_is_refused_before_a_folder_is_made(cli, tmp_path, photos):
    words = ["train", photos, "--model=mobilenetv3_small_050", "--set=regularization.sparsity=0.1"]
    ended = cli(*words, "--batch-size=8", "--img-size=32", f"--out={tmp_path / 'runs'}", "--epochs=1")
    assert ended.code == 2
    assert "how far a unit fires is not defined" in ended.err
    assert "hardswish" in ended.err
    assert not (tmp_path / "runs").exists()
