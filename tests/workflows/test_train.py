import csv
import io
import json
import math
import os
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
from PIL import Image

import trainwright as tw
from trainwright.runs import EvaluationRecord, read_records

TINY = ["--model=plain", "--epochs=2", "--batch-size=32", "--set=model.width=16", "--set=machine.threads=1"]

WHOLE_RUN = [
    "recipe.yaml",
    "environment.json",
    "command.txt",
    "events.jsonl",
    "metrics.csv",
    "findings.json",
    "checks.json",
    "layers.json",
    "report.html",
    "data/audit.json",
    "data/classes.json",
    "data/split.csv",
    "data/rejected.csv",
    "plots/first-batch.png",
    "checkpoints/last/manifest.json",
    "checkpoints/best/manifest.json",
]


@pytest.fixture
def trained(cli, tmp_path):
    ended = cli("train", "digits", *TINY, "--name=one", f"--out={tmp_path}", "--json")
    assert ended.code == 0, ended.err
    return tmp_path / "one", json.loads(ended.out), ended


def test_train_makes_a_whole_run(trained):
    run, figures, ended = trained
    assert figures["run"] == str(run)
    assert figures["epochs"] == 2
    assert figures["stopped_because"] == "all 2 epochs done"
    low, high = figures["test_accuracy_interval"]
    assert 0 <= low < figures["test_accuracy"] < high <= 1
    assert figures["test_accuracy"] > 0.2, "twice chance"
    told = {finding["code"] for finding in figures["findings"] if finding["severity"] != "note"}
    assert told <= {"learning-rate-too-low"}, "80 steps lie on that rule's border: the processor's rounding decides"
    assert set(figures) == {
        "run",
        "model",
        "parameters",
        "epochs",
        "stopped_because",
        "wall_time_s",
        "valid_accuracy",
        "retrained",
        "test_accuracy",
        "test_accuracy_interval",
        "guard",
        "findings",
    }
    weights = safetensors.torch.load_file(run / "checkpoints" / "best" / "model.safetensors")
    learned = sum(t.numel() for name, t in weights.items() if "running" not in name and "num_batches" not in name)
    assert figures["parameters"] == learned
    for name in WHOLE_RUN:
        assert (run / name).stat().st_size > 0, name
    assert "95 % interval" in ended.err
    with (run / "metrics.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]


def test_the_test_part_is_looked_at_once(trained):
    run, figures, _ = trained
    evaluations = [r for r in read_records(run / "events.jsonl") if isinstance(r, EvaluationRecord)]
    assert [evaluation.part for evaluation in evaluations] == ["test"]
    assert evaluations[0].accuracy == figures["test_accuracy"]
    assert sum(map(sum, evaluations[0].confusion_KK)) == evaluations[0].pictures


def test_the_same_words_give_the_same_weights(trained, cli, tmp_path):
    _, figures, _ = trained
    ended = cli("train", "digits", *TINY, "--name=two", f"--out={tmp_path}", "--json")
    assert json.loads(ended.out)["test_accuracy"] == figures["test_accuracy"]
    one, two = ((tmp_path / name / "checkpoints/best/model.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


def test_a_run_is_never_overwritten(trained, cli, tmp_path):
    ended = cli("train", "digits", *TINY, "--name=one", f"--out={tmp_path}")
    assert ended.code == 2
    assert "never overwritten" in ended.err
    assert "another --name" in ended.err


def test_resuming_a_finished_run_changes_nothing(trained, cli):
    run, figures, _ = trained
    before = (run / "events.jsonl").read_bytes()
    ended = cli("train", "--resume", run, "--json")
    assert ended.code == 0
    assert json.loads(ended.out) == figures
    assert (run / "events.jsonl").read_bytes() == before


def test_the_recipe_of_a_run_reproduces_it(trained, cli, tmp_path):
    run, figures, _ = trained
    ended = cli("train", "--recipe", run / "recipe.yaml", "--name=again", f"--out={tmp_path}", "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["test_accuracy"] == figures["test_accuracy"]


def test_evaluate_says_what_train_said(trained, cli):
    run, figures, _ = trained
    ended = cli("evaluate", run, "--json")
    assert ended.code == 0, ended.err
    said = json.loads(ended.out)
    assert said["accuracy"] == figures["test_accuracy"]
    assert said["accuracy_interval"] == figures["test_accuracy_interval"]
    assert set(said) >= {"balanced_accuracy", "loss", "calibration_error", "per_class"}
    assert set(said["per_class"]) == set("0123456789")


def test_python_and_command_line_agree(trained, tmp_path):
    run, figures, _ = trained
    opened = tw.Run.open(run)
    assert opened.metrics == figures
    assert opened.evaluate()["accuracy"] == figures["test_accuracy"]
    again = tw.train(
        "digits",
        model="plain",
        epochs=2,
        batch_size=32,
        settings={"model.width": 16, "machine.threads": 1},
        out=tmp_path,
        name="python",
    )
    assert again.metrics["test_accuracy"] == figures["test_accuracy"]
    assert again.report() == tmp_path / "python" / "report.html"


def test_an_unknown_keyword_names_the_nearest():
    with pytest.raises(tw.InputError, match="did you mean 'batch_size'"):
        tw.train("digits", batchsize=3)


def test_ema_and_adamw_and_accumulation_and_clipping_train(cli, tmp_path):
    words = ["--opt=adamw", "--sched=cosine", "--set=training.ema=0.9", "--set=optim.accumulate=2"]
    ended = cli(
        "train", *TINY, *words, "--set=optim.clip_norm=1", "--name=x", f"--out={tmp_path}", "--set=logging.step_every=1"
    )
    assert ended.code == 0, ended.err
    steps = [json.loads(line) for line in (tmp_path / "x/events.jsonl").read_text().splitlines()]
    norms = [step["gradient_norm_before_clip"] for step in steps if "gradient_norm_before_clip" in step]
    assert len(norms) == 2 * 20
    assert all(norm > 0 for norm in norms)


def test_early_stopping_keeps_the_best(cli, tmp_path):
    ended = cli(
        "train",
        *TINY,
        "--epochs=50",
        "--lr=1e-7",
        "--set=training.patience=1",
        "--name=x",
        f"--out={tmp_path}",
        "--json",
    )
    figures = json.loads(ended.out)
    assert figures["epochs"] < 50
    with (tmp_path / "x" / "metrics.csv").open() as file:
        accuracies = [float(row["valid_accuracy"]) for row in csv.DictReader(file)]
    kept = json.loads((tmp_path / "x/checkpoints/best/manifest.json").read_text())["meta"]["epoch"]
    assert figures["stopped_because"] == f"no better validation accuracy since epoch {kept}"
    assert accuracies[kept - 1] == max(accuracies)
    assert kept < figures["epochs"]
    assert figures["valid_accuracy"] == max(accuracies)


def test_plateau_lowers_the_rate_after_epochs_without_a_better_one(cli, tmp_path):
    words = ["--epochs=8", "--sched=plateau", "--set=schedule.drop_epochs=1", "--set=schedule.drop_factor=0.2"]
    words += ["--set=schedule.warmup=0", "--set=model.width=4", "--set=machine.threads=1", "--model=plain", "--lr=2"]
    ended = cli("train", "digits", *words, "--batch-size=32", "--name=slower", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    with (tmp_path / "slower" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    best, drops = (0.0, 0.0), 0
    for row in rows:
        assert float(row["learning_rate"]) == pytest.approx(2 * 0.2**drops)
        epoch = (float(row["valid_accuracy"]), -float(row["valid_loss"]))
        drops += epoch <= best
        best = max(best, epoch)
    assert drops > 0, "a rate this high comes to a plateau; choose another if it no longer does"


@pytest.mark.parametrize("setting", ["schedule.name: plateau", "training.patience"])
def test_what_looks_at_the_validation_needs_one(cli, tmp_path, setting):
    word = "--sched=plateau" if "plateau" in setting else "--set=training.patience=3"
    ended = cli("train", "digits", "--epochs=20", word, "--set=data.valid_share=0", f"--out={tmp_path}")
    assert ended.code == 2
    assert f"{setting} needs a validation part" in ended.err
    assert not list(tmp_path.iterdir())


def test_a_loss_that_is_not_finite_stops_and_says_where(cli, tmp_path):
    wild = ["--lr=100", "--weight-decay=10", "--sched=constant", "--set=schedule.warmup=0", "--epochs=40"]
    ended = cli("train", *TINY, *wild, "--set=machine.precision=float32", "--name=x", f"--out={tmp_path}")
    assert ended.code == 3
    assert "the loss became nan at step" in ended.err
    assert "; it began in " in ended.err
    run = tmp_path / "x"
    again = f"trainwright train --recipe {run / 'recipe.yaml'} --set optim.lr=auto --out {tmp_path}"
    assert f"  try: {again}\n" in ended.err
    assert again in " ".join((run / "report.html").read_text("utf-8").split())
    resumed = cli("train", "--resume", run)
    assert resumed.code == 3
    told = resumed.out + resumed.err
    assert told.index("The same recipe from the same checkpoint does so again") < told.index(f"instead: {again}")
    used = cli("evaluate", run)
    assert used.code == 2
    assert "this run broke down in its first epoch" in used.err
    assert f"  try: {again}\n" in used.err
    assert "--resume" not in used.err
    assert cli(*shlex.split(again)[1:], "--epochs=1").code in (0, 3), "as pasted it starts, whatever becomes of it"
    assert len(list(tmp_path.iterdir())) == 2
    findings = json.loads((tmp_path / "x" / "findings.json").read_text())
    assert [found["severity"] for found in findings if found["code"] == "non-finite-loss"] == ["stop"]
    assert (tmp_path / "x" / "report.html").exists()


def test_tensorboard_files_on_request(cli, tmp_path):
    ended = cli("train", *TINY, "--set=logging.tensorboard=true", "--name=x", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "x" / "tensorboard"))
    events.Reload()
    assert len(events.Scalars("loss/train")) == 2
    assert "accuracy/valid" in events.Tags()["scalars"]


def test_tensorboard_has_each_step_once_after_a_resume(cli, tmp_path, monkeypatch):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    words = ["--set=logging.tensorboard=true", "--set=training.checkpoint_every_s=0"]
    assert cli("train", *TINY, *words, "--name=x", f"--out={tmp_path}").code == 0
    run = tmp_path / "x"
    shutil.rmtree(run / "checkpoints" / "last")
    (run / "checkpoints" / "last.previous").rename(run / "checkpoints" / "last")
    made = json.loads((run / "checkpoints/last/manifest.json").read_text())["meta"]["step"]
    lines = (run / "events.jsonl").read_text().splitlines(keepends=True)
    (run / "events.jsonl").write_text(
        "".join(line for line in lines if '"kind":' not in line and '"confusion_KK"' not in line)
    )
    assert 0 < made < 80, "an older checkpoint than the last"
    assert cli("train", "--resume", run).code == 0
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    assert [event.step for event in events.Scalars("loss/step")] == list(range(1, 81))


def test_tensorboard_that_is_not_installed_is_told_before_anything_is_read(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("trainwright.workflows.observers.find_spec", lambda name: None)
    ended = cli("train", *TINY, "--set=logging.tensorboard=true", f"--out={tmp_path / 'out'}")
    assert ended.code == 2
    assert "trainwright[tensorboard]" in ended.err
    assert not (tmp_path / "out").exists()


def test_weights_of_another_run_are_where_a_run_starts(trained, cli, tmp_path, monkeypatch):
    run, _, _ = trained
    monkeypatch.chdir(run)
    weights = "checkpoints/best/model.safetensors"
    ended = cli("train", "digits", *TINY, "--weights", weights, "--name=w", f"--out={tmp_path}", "--json")
    assert ended.code == 0, ended.err
    assert "tensors loaded" in ended.err
    assert tw.Run.open(tmp_path / "w").recipe.model.weights == str(run / weights)
    ended = cli("train", "digits", "--model=plain", "--weights=nowhere.pt", f"--out={tmp_path / 'out'}")
    assert ended.code == 2
    assert "no such file of weights" in ended.err
    with pytest.raises(tw.InputError, match="no such file of weights"):
        tw.train("digits", model="plain", weights=tmp_path / "nowhere.pt")


def test_evaluate_says_how_many_pictures_were_learned(photos, cli, tmp_path):
    cli("train", photos, *TINY, "--batch-size=8", "--name=x", f"--out={tmp_path}")
    with (tmp_path / "x/data/split.csv").open() as file:
        learned = sum(row["part"] == "train" for row in csv.DictReader(file))
    ended = cli("evaluate", tmp_path / "x", photos, "--json")
    figures = json.loads(ended.out)
    assert figures["trained_on"] == learned
    assert figures["unseen"]["pictures"] == 40 - learned
    assert f"{learned} of these 40 pictures stood in the training part" in ended.err
    low, high = figures["unseen"]["accuracy_interval"]
    told = f"unseen {100 * figures['unseen']['accuracy']:.1f} % of {40 - learned} pictures right "
    told += f"(95 % interval: {100 * low:.1f} to {100 * high:.1f} %): those that it has not learned"
    assert told in " ".join(ended.err.split())
    assert f"of the {40 - learned} others" in ended.err
    unseen = tmp_path / "unseen.csv"
    with (tmp_path / "x/data/split.csv").open() as file:
        rows = [(photos / row["name"], row["label"]) for row in csv.DictReader(file) if row["part"] != "train"]
    unseen.write_text("path,label\n" + "".join(f"{path},{label}\n" for path, label in rows))
    alone = json.loads(cli("evaluate", tmp_path / "x", unseen, "--json").out)
    assert (alone["accuracy"], alone["accuracy_interval"]) == tuple(
        figures["unseen"][key] for key in ("accuracy", "accuracy_interval")
    )
    assert json.loads(cli("evaluate", tmp_path / "x", "--json").out)["trained_on"] is None


def test_predict_says_when_nothing_could_be_read(trained, cli):
    ended = cli("predict", trained[0], "nowhere.png", "no*.jpg", "--json")
    assert ended.code == 2
    assert [answer["path"] for answer in json.loads(ended.out)] == ["nowhere.png", "no*.jpg"]
    assert "none of the pictures could be read" in ended.err
    ended = cli("predict", trained[0], "nowhere.png")
    assert ended.code == 2
    assert "nowhere.png" in ended.out
    assert "nowhere.png" not in ended.err, "each line has said why; it is not said again"
    with pytest.raises(tw.InputError, match="no pictures are named"):
        tw.Run.open(trained[0]).predict([])


def test_predict_answers_every_input_in_order(photos, cli, tmp_path):
    ended = cli("train", photos, *TINY, "--batch-size=8", "--epochs=8", "--name=x", f"--out={tmp_path}")
    assert ended.code == 0, ended.err
    broken, text = tmp_path / "broken.png", tmp_path / "text.jpg"
    broken.write_bytes((photos / "re d" / "00.png").read_bytes()[:60])
    text.write_text("no picture")
    inputs = [photos / "re d" / "03.png", broken, tmp_path / "missing.png", photos / "<b>'blue'" / "07.png", text]
    ended = cli("predict", tmp_path / "x", *inputs, "--json", "--top=2")
    assert ended.code == 0, ended.err
    answers = json.loads(ended.out)
    assert [answer["path"] for answer in answers] == list(map(str, inputs))
    assert [answer["label"] for answer in answers] == ["re d", None, None, "<b>'blue'", None]
    assert all(bool(answer["error"]) == (answer["label"] is None) for answer in answers)
    assert answers[0]["top"][0] == ["re d", answers[0]["probability"]]
    assert sum(probability for _, probability in answers[0]["top"]) == pytest.approx(1.0)


def test_predict_gives_the_numbers_of_evaluate(photos, cli, tmp_path):
    cli("train", photos, *TINY, "--batch-size=8", "--name=x", f"--out={tmp_path}")
    said = json.loads(cli("evaluate", tmp_path / "x", photos, "--json").out)
    answers = json.loads(cli("predict", tmp_path / "x", photos, "--json").out)
    labels = [Path(answer["path"]).parent.name for answer in answers]
    right = sum(answer["label"] == label for answer, label in zip(answers, labels, strict=True))
    assert len(answers) == said["pictures"] == 40
    assert right / 40 == said["accuracy"]
    of_truth = [
        answer["probability"] if answer["label"] == label else 1 - answer["probability"]
        for answer, label in zip(answers, labels, strict=True)
    ]
    assert sum(-math.log(probability) for probability in of_truth) / 40 == pytest.approx(said["loss"], rel=1e-5)


def test_predict_writes_csv(photos, cli, tmp_path):
    cli("train", photos, *TINY, "--batch-size=8", "--name=x", f"--out={tmp_path}")
    ended = cli("predict", tmp_path / "x", photos / "re d", "--csv", tmp_path / "answers.csv")
    assert ended.code == 0, ended.err
    with (tmp_path / "answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["path"]).name for row in rows] == [f"{n:02d}.png" for n in range(20)]
    assert all(float(row["probability"]) > 0.4 for row in rows)


def test_python_takes_one_picture_or_several(trained, photos):
    run, picture = tw.Run.open(trained[0]), photos / "re d" / "00.png"
    assert run.predict(str(picture)) == run.predict(picture) == run.predict([picture])
    assert len(run.predict([picture, "none.png"])) == 2
    assert repr(run) == f"Run('{trained[0]}')"


def test_csv_has_as_many_classes_as_asked_for(trained, cli, photos, tmp_path):
    picture = photos / "re d" / "00.png"
    ended = cli("predict", trained[0], picture, "no.png", "--csv", tmp_path / "answers.csv", "--top=3")
    assert ended.code == 0, ended.err
    with (tmp_path / "answers.csv").open() as file:
        first, missing = csv.DictReader(file)
    values = [float(first[name]) for name in ("probability", "probability_2", "probability_3")]
    assert values == sorted(values, reverse=True)
    assert len({first["label"], first["label_2"], first["label_3"]}) == 3
    assert missing["error"]
    assert missing["label_3"] == ""


def test_predict_reads_paths_from_standard_input(trained, cli, photos, monkeypatch):
    paths = sorted(map(str, (photos / "re d").glob("*.png")))[:2]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(paths) + "\n"))
    answers = json.loads(cli("predict", trained[0], "-", "--json").out)
    assert [answer["path"] for answer in answers] == paths
    answers = json.loads(cli("predict", trained[0], photos / "re d" / "0[01].png", "--json").out)
    assert [answer["path"] for answer in answers] == paths


def test_predict_shows_lines_for_a_person(trained, cli, photos):
    ended = cli("predict", trained[0], photos / "re d" / "00.png", "none.png")
    first, second = ended.out.splitlines()
    assert first.endswith(" %")
    assert "no answer" in second


def test_the_log_holds_what_stood_on_the_screen(trained):
    run, _, ended = trained
    log = (run / "log.txt").read_text()
    assert "95 % interval" in log
    assert [line.strip() for line in ended.err.splitlines() if "test pictures right" in line] == [
        line.strip() for line in log.splitlines() if "test pictures right" in line
    ]


def test_a_run_without_pictures_to_judge_is_finished_too(cli, tmp_path):
    words = [*TINY, "--set=data.valid_share=0", "--set=data.test_share=0", "--name=x", f"--out={tmp_path}"]
    ended = cli("train", *words, "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)["test_accuracy"] is None
    assert cli("train", *words).code == 2
    assert tw.Run.open(tmp_path / "x").finished
    ended = cli("evaluate", tmp_path / "x")
    assert ended.code == 2
    assert "set no pictures apart" in ended.err


def test_the_report_of_a_run_killed_before_it_is_written_on_resume(trained, cli):
    run, _, _ = trained
    (run / "report.html").unlink()
    assert cli("train", "--resume", run).code == 0
    assert (run / "report.html").exists()
    (run / "report.html").write_text("of an earlier stop")
    os.utime(run / "report.html", (0, 0))
    assert cli("train", "--resume", run).code == 0
    assert "of an earlier stop" not in (run / "report.html").read_text()
    (run / "report.html").unlink()
    ended = cli("report", run)
    assert ended.out.strip() == str(run / "report.html")
    assert (run / "report.html").exists()


def test_a_resumed_run_keeps_its_folder(trained, cli, tmp_path):
    ended = cli("train", "--resume", trained[0], "--name=other", f"--out={tmp_path}")
    assert ended.code == 2
    assert "a resumed run keeps its folder" in ended.err
    with pytest.raises(tw.InputError, match="a resumed run keeps its folder"):
        tw.train(resume=trained[0], name="other")


def test_weights_that_cease_to_be_numbers_are_never_kept(cli, tmp_path):
    """One step an epoch: the loss of the last step is finite, what it did to the weights is not."""
    wild = ["--lr=100", "--weight-decay=10", "--sched=constant", "--set=schedule.warmup=0", "--batch-size=1200"]
    words = [word for word in TINY if not word.startswith(("--batch-size", "--epochs"))]
    ended = cli(
        "train",
        *words,
        *wild,
        "--epochs=30",
        "--set=machine.precision=float32",
        "--set=training.ema=0",
        "--name=x",
        f"--out={tmp_path}",
    )
    assert ended.code == 3, ended.out
    for name in ("last", "best"):
        weights = safetensors.torch.load_file(tmp_path / "x" / "checkpoints" / name / "model.safetensors")
        assert all(bool(tensor.isfinite().all()) for tensor in weights.values())


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_wrong_device_is_refused(trained, cli, command):
    ended = cli(command, trained[0], "--device=gpux", *(["x.png"] if command == "predict" else []))
    assert ended.code == 2
    assert "gpux" in ended.err
    assert "machine.device" in ended.err


def test_version(cli):
    ended = cli("--version")
    assert (ended.code, ended.out) == (0, f"{tw.__version__}\n")


def test_doctor_and_recipe_speak(cli):
    facts = json.loads(cli("doctor", "--json").out)
    assert facts["python"].startswith("3.")
    assert facts["memory_mib"] > 100
    assert facts["cpu"]["usable_cores"] >= 1
    assert facts["auto"]["machine.precision"]["value"] in ("float32", "bfloat16")
    shown = cli("doctor").out
    assert f"torch {facts['packages']['torch']}" in " ".join(shown.split())
    assert "machine.precision" in shown
    assert "optim.lr" in cli("recipe", "--explain").out
    assert "lr: auto" in cli("recipe", "--model=plain").out


def test_data_looks_without_training(cli):
    ended = cli("data", "digits")
    assert "1,797 pictures of 10 classes" in ended.out
    audit = json.loads(cli("data", "digits", "--json").out)
    assert audit


def test_predict_refuses_less_than_one_class(trained, cli):
    ended = cli("predict", trained[0], "x.png", "--top=0")
    assert ended.code == 2
    assert "at least one class" in ended.err


def test_data_previews_augmentation(photos, cli, tmp_path):
    words = ["--set=augment.policy=none", "--set=augment.rotate=30", "--set=augment.fancy_pca=0.2 @ 0.5"]
    ended = cli("data", photos, f"--preview={tmp_path / 'sheet.png'}", *words, "--json")
    assert ended.code == 0, ended.err
    assert "a column for each of 2 tricks" in ended.err
    with Image.open(tmp_path / "sheet.png") as sheet:
        # Original, two tricks, all together; pictures of 16 pixels are enlarged six times.
        assert sheet.size == (4 * 98 - 2, 34 + 6 * 98 - 2)


def test_views_of_the_same_picture_are_averaged(trained, cli, tmp_path):
    run = trained[0]
    plain, flipped = (json.loads(cli("evaluate", run, f"--tta={tta}", "--json").out) for tta in ("none", "flip"))
    assert (plain["tta"], flipped["tta"]) == ("none", "flip")
    assert plain["loss"] != flipped["loss"]
    ended = cli("evaluate", run, "--tta=ten")
    assert "answers are averaged over 10 views of each picture (ten)" in ended.out
    picture, mirrored = tmp_path / "one.png", tmp_path / "two.png"
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(picture)
    Image.fromarray(pixels[:, ::-1]).save(mirrored)
    one, two = (dict(answer.top) for answer in tw.Run.open(run).predict([picture, mirrored], top=10))
    both = dict(tw.Run.open(run).predict(picture, top=10, tta="flip")[0].top)
    assert both == pytest.approx({label: (one[label] + two[label]) / 2 for label in one}, abs=1e-3)
    ended = cli("predict", run, picture, "--tta=twelve")
    assert ended.code == 2
    assert "one of none, flip, five, ten, scales" in ended.err


def test_a_preview_is_a_png(photos, cli, tmp_path):
    ended = cli("data", photos, f"--preview={tmp_path / 'sheet.jpg'}")
    assert ended.code == 2
    assert "the preview is drawn as a PNG file" in ended.err
