"""`lr-find` and `train --lr auto` through the command line and from Python."""

from __future__ import annotations

import base64
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import torch

import trainwright as tw
from trainwright.workflows import range_test

TINY = [
    "--model=plain",
    "--batch-size=64",
    "--set=model.width=16",
    "--set=model.depth=1",
    "--set=machine.threads=1",
]
SETTINGS = {"model.width": 16, "model.depth": 1, "machine.threads": 1}
SHORT = ["--steps=150", "--seeds=2"]
SVG = "{http://www.w3.org/2000/svg}"


def test_the_terminal_shows_curve_range_and_reason_and_the_picture_is_drawn(cli, tmp_path):
    ended = cli("lr-find", "digits", *TINY, *SHORT, f"--out={tmp_path / 'curve.svg'}")
    assert ended.code == 0, ended.err
    assert "Range test: plain, sgd, digits" in ended.out
    assert "2 seeds, 150 steps each, from 1e-05 to 10.0, exponential" in ended.out
    told = re.search(r"suggested   (\S+) for one-cycle, range (\S+) to (\S+)", ended.out)
    assert told is not None
    suggested, lower, upper = map(float, told.groups())
    assert 1e-3 < lower < suggested < upper < 10
    assert f"with the same words and --lr {suggested:g}" in ended.out
    assert ET.parse(tmp_path / "curve.svg").getroot().tag == f"{SVG}svg"


def test_json_is_all_of_it_and_python_gives_the_same(cli):
    ended = cli("lr-find", "digits", *TINY, *SHORT, "--seed=3", "--json")
    facts = json.loads(ended.out)
    assert facts["informative"] is True
    assert facts["lower"] < facts["suggested"] < facts["upper"]
    assert "over the mean of 2 seeds the loss falls from 2.3" in facts["reason"]
    assert [row["seed"] for row in facts["traces"]] == [3, 4]
    assert len(facts["rates"]) == 150
    assert facts["rates"][: len(facts["curve"]["rates"])] == facts["curve"]["rates"]
    found = tw.lr_find("digits", model="plain", batch_size=64, seed=3, settings=SETTINGS, steps=150, seeds=2)
    assert json.loads(json.dumps(dict(found.facts))) == facts
    assert (found.suggested, found.lower, found.upper) == (facts["suggested"], facts["lower"], facts["upper"])
    assert found.informative
    assert found.reason == facts["reason"]


def test_the_rate_is_that_of_the_short_cycles_and_without_them_that_of_the_curve(cli, tmp_path):
    words = ["lr-find", "digits", *TINY, *SHORT, f"--out={tmp_path / 'curve.svg'}"]
    facts = json.loads(cli(*words, "--json").out)
    tried = dict(zip(facts["cycles"]["rates"], facts["cycles"]["losses"], strict=True))
    assert facts["cycles"]["steps"] == 150
    assert 5 <= len(tried) <= 12
    assert facts["suggested"] in tried
    assert tried[facts["suggested"]] in sorted(tried.values())[:3]
    assert tried[facts["suggested"]] < 0.5
    assert len(ET.parse(tmp_path / "curve.svg").getroot().findall(f"{SVG}circle")) == len(tried)
    alone = json.loads(cli(*words, "--cycles=0", "--json").out)
    assert alone["cycles"] is None
    assert alone["suggested"] == alone["by_curve"] == facts["by_curve"]
    assert "10% of the fall is done at" in alone["reason"]
    assert not ET.parse(tmp_path / "curve.svg").getroot().findall(f"{SVG}circle")


def test_the_short_trainings_follow_the_schedule_of_the_recipe(cli):
    words = ["lr-find", "digits", *TINY, *SHORT, "--set=schedule.name=constant"]
    facts = json.loads(cli(*words, "--json").out)
    assert facts["cycles"]["schedule"] == "constant"
    assert "short trainings with the schedule constant of 150 steps" in facts["reason"]
    assert f"suggested   {facts['suggested']:g} for constant" in cli(*words).out


def test_an_optimizer_whose_rate_is_0_is_refused():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: step / 10)
    loader = [(torch.randn(8, 1, 6, 6), torch.arange(8) % 2)]
    for called in (tw.lr_find_loop, tw.check_loop):
        with pytest.raises(tw.InputError, match=f"call {called.__name__} before a warm-up scheduler is attached"):
            called(model, loader, optimizer=optimizer)


def test_labels_of_few_pictures_that_are_drawn_at_random_have_no_rate(tmp_path):
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 255, (400, 8, 8), dtype=np.uint8), rng.integers(0, 10, 400)
    np.savez(tmp_path / "noise.npz", images=images, labels=labels)
    small = {"machine.threads": 1, "model.width": 8, "model.depth": 1}
    found = tw.lr_find(tmp_path / "noise.npz", model="plain", settings=small, steps=100, seeds=1, cycles=6)
    assert (found.informative, found.suggested) == (False, None)
    assert "Short trainings do not tell either: fewer than 500 pictures are not trained on" in found.reason


def test_a_loop_is_judged_by_validation_pictures_that_it_is_given():
    generator = torch.Generator().manual_seed(0)
    images_NCHW, labels_N = torch.randn(1200, 1, 6, 6, generator=generator), torch.arange(1200) % 2
    images_NCHW[labels_N == 1] += 1.0
    batches = list(zip(images_NCHW.split(32), labels_N.split(32), strict=True))
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    words = {"optimizer": optimizer, "steps": 40, "seeds": 2, "cycles": 7}
    own = tw.lr_find_loop(model, batches[:16], valid_loader=batches[20:], **words)
    turned = [(images, 1 - labels) for images, labels in batches[20:]]
    other = tw.lr_find_loop(model, batches[:16], valid_loader=turned, **words)
    assert own.informative, own.reason
    assert not other.informative
    assert own.facts["traces"] == other.facts["traces"]


def test_a_curve_that_was_not_seen_to_its_end_is_no_ground_for_a_rate(cli, tmp_path):
    ended = cli("lr-find", "digits", *TINY, "--seeds=2", "--to=0.1", "--json")
    facts = json.loads(ended.out)
    assert (ended.code, facts["informative"]) == (0, False)
    assert (facts["suggested"], facts["lower"], facts["upper"]) == (None, None, None)
    assert "falls all the way to the last rate, 0.1" in facts["reason"]
    plain = cli("lr-find", "digits", *TINY, "--seeds=2", "--to=0.1")
    assert "suggested   nothing" in plain.out
    assert "next:" not in plain.out


def test_rates_too_low_to_learn_with_tell_nothing(cli):
    facts = json.loads(cli("lr-find", "digits", *TINY, *SHORT, "--from=1e-9", "--to=1e-6", "--json").out)
    assert facts["informative"] is False
    assert "the loss never clearly falls: below 2.3" in facts["reason"]


def test_all_that_is_wrong_with_the_words_is_told_before_pictures_are_read(cli):
    ended = cli("lr-find", "nowhere", "--growth=cubic", "--from=1", "--to=0.1", "--steps=3", "--seeds=0")
    assert (ended.code, ended.out) == (2, "")
    for words in ("one of: exponential, linear", "from 1 to 0.1", "too few to see a curve", "--seeds 3"):
        assert words in ended.err


def test_a_picture_is_an_svg_file_and_nothing_else_is_begun(cli, tmp_path):
    ended = cli("lr-find", "digits", *TINY, f"--out={tmp_path / 'a.png'}")
    assert ended.code == 2
    assert "the curve of a range test is drawn as an SVG file" in ended.err
    assert ended.out == ""


def line_of_rate(run: Path) -> str:
    return next(line for line in (run / "recipe.yaml").read_text().splitlines() if line.startswith("  lr: "))


def test_train_with_lr_auto_takes_the_rate_of_the_test_and_keeps_its_evidence(cli, tmp_path):
    words = ["digits", *TINY, "--epochs=2"]  # by which auto chooses the augmentation
    ended = cli("train", *words, "--lr=auto", "--no-check", f"--out={tmp_path}", "--name=found")
    assert ended.code == 0, ended.err
    kept = json.loads((tmp_path / "found/lr_find.json").read_text())
    asked = json.loads(cli("lr-find", *words, "--json").out)
    assert kept["suggested"] == asked["suggested"]
    line = line_of_rate(tmp_path / "found")
    assert float(line.split()[1]) == kept["suggested"]
    assert re.search(r"# auto: range test: of \d+ one-cycles of 40 steps, .* end lowest: loss 0\.", line)
    assert ET.parse(tmp_path / "found/plots/lr-find.svg").getroot().tag == f"{SVG}svg"
    page = (tmp_path / "found/report.html").read_text()
    assert "How the learning rate was found" in page
    assert f"the one with a peak of {kept['suggested']:g} and its neighbors end lowest" in page
    drawn = re.search(r'class="drawn" src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert ET.fromstring(base64.b64decode(drawn[1])).tag == f"{SVG}svg"
    assert re.search(r"optim\.lr\s+\S+\s+range test: of \d+ one-cycles", ended.out)


def test_without_the_word_and_for_the_key_itself_auto_is_the_rule(cli, tmp_path):
    words = ["train", "digits", *TINY, "--epochs=1", "--no-check", f"--out={tmp_path}"]
    assert cli(*words, "--name=left-out").code == 0
    assert cli(*words, "--set=optim.lr=auto", "--name=said").code == 0
    for name in ("left-out", "said"):
        assert "at 128 pictures a step" in line_of_rate(tmp_path / name)
        assert not (tmp_path / name / "lr_find.json").exists()


def test_recipes_have_a_word_of_their_own_for_it(cli):
    assert re.search(r"lr: find +# user: --lr auto", cli("recipe", "--lr=auto").out)
    assert re.search(r"lr: find +# user: --set optim.lr=find", cli("recipe", "--set=optim.lr=find").out)
    assert re.search(r"lr: auto +# default", cli("recipe").out)


def test_a_run_with_a_found_rate_resumes_bit_for_bit(resumes_the_same):
    words = ["train", "digits", *TINY, "--epochs=2", "--lr=auto", "--no-check"]
    resumes_the_same(*words, interrupted_in_step=25)


def test_a_resume_takes_the_found_rate_and_does_not_search_again(cli, interrupt, tmp_path, monkeypatch):
    words = ["train", "digits", *TINY, "--epochs=2", "--lr=auto", "--no-check", f"--out={tmp_path}", "--name=broken"]
    interrupt(25)
    assert cli(*words).code == 130
    line = line_of_rate(tmp_path / "broken")

    def search(*_):
        raise AssertionError("searched again")

    monkeypatch.setattr(range_test, "range_test", search)
    assert cli("train", "--resume", tmp_path / "broken", "--lr=0.5").code == 2
    ended = cli(*words)
    assert ended.code == 0, ended.err
    assert line_of_rate(tmp_path / "broken") == line
    assert cli("train", "--resume", tmp_path / "broken", "--lr=auto").code == 0


def test_a_run_with_a_rate_of_the_user_s_is_another_recipe(cli, interrupt, tmp_path):
    words = ["train", "digits", *TINY, "--epochs=2", "--no-check", f"--out={tmp_path}", "--name=broken"]
    interrupt(25)
    assert cli(*words, "--lr=0.1").code == 130
    ended = cli(*words, "--lr=auto")
    assert ended.code == 2
    assert "optim.lr is another than in the run" in ended.err


def test_a_curve_that_tells_nothing_ends_a_training_that_asked_for_it(cli, tmp_path, monkeypatch):
    test = tw.RangeTest({"suggested": None, "reason": "the loss never clearly falls"})
    monkeypatch.setattr(range_test, "range_test", lambda *_: test)
    ended = cli("train", "digits", *TINY, "--lr=auto", f"--out={tmp_path / 'runs'}")
    assert ended.code == 3
    assert "the range test found no learning rate" in ended.err
    assert "got: the loss never clearly falls" in ended.err
    assert "no --lr to have the rate by optimizer and batch size" in ended.err
    assert not list(tmp_path.glob("runs/*"))


def test_checks_are_made_at_the_found_rate(cli, monkeypatch):
    test = tw.RangeTest({"suggested": 40.0, "reason": "made up"})
    monkeypatch.setattr(range_test, "range_test", lambda *_: test)
    ended = cli("check", "digits", *TINY, "--epochs=4", "--lr=auto", "--json")
    rate = next(row for row in json.loads(ended.out)["checks"] if row["name"] == "learning-rate")
    assert (ended.code, rate["evidence"]["learning_rate"]) == (3, 40.0)


def test_a_drawing_of_the_schedule_cannot_know_a_rate_that_is_to_be_found(cli, tmp_path):
    ended = cli("recipe", f"--plot={tmp_path / 'a.svg'}", "--pictures=1000", "--lr=auto")
    assert ended.code == 2
    assert "the rate is to be found on the data" in ended.err
    assert "where: --lr auto" in ended.err


def test_activations_need_no_rate(cli):
    ended = cli("activations", "digits", "--model=plain", "--set=optim.lr=find", "--json")
    assert ended.code == 0, ended.err


def squared_error(outputs_NK: torch.Tensor, labels_N: torch.Tensor) -> torch.Tensor:
    """A loss that diverges, as that of a linear layer under cross-entropy never does."""
    return (outputs_NK - torch.nn.functional.one_hot(labels_N, 4)).square().mean()


def test_a_loop_of_one_s_own_gets_its_rate_and_stays_as_it_was(tmp_path):
    generator = torch.Generator().manual_seed(0)
    labels_N = torch.arange(256) % 4
    centers_4F = torch.randn(4, 16, generator=generator)
    inputs_NF = centers_4F[labels_N] + 0.3 * torch.randn(256, 16, generator=generator)
    torch.manual_seed(0)
    model = torch.nn.Linear(16, 4)
    pictures = torch.utils.data.TensorDataset(inputs_NF, labels_N)
    loader = torch.utils.data.DataLoader(pictures, 32, shuffle=True, generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    drawn, own = torch.get_rng_state(), generator.get_state()
    found = tw.lr_find_loop(model, loader, optimizer=optimizer, loss=squared_error, low=1e-6, high=1e3)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert torch.equal(generator.get_state(), own)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert (optimizer.param_groups[0]["lr"], len(optimizer.state)) == (0.1, 0)
    assert found.informative, found.reason
    assert found.suggested is not None
    assert 1e-3 < found.suggested < 10
    assert (found.facts["data"], found.facts["model"], found.facts["optimizer"]) == (None, "Linear", "SGD")
    assert found.draw(tmp_path / "own.svg").read_text().startswith("<svg")


@pytest.mark.parametrize("words", [{"growth": "cubic"}, {"seeds": 0}, {"low": 1.0, "high": 0.1}, {"steps": 1}])
def test_python_is_told_what_is_wrong_too(words):
    with pytest.raises(tw.InputError):
        tw.lr_find("digits", **words)
    model = torch.nn.Linear(2, 2)
    with pytest.raises(tw.InputError):
        tw.lr_find_loop(model, [], optimizer=torch.optim.SGD(model.parameters(), lr=0.1), **words)
