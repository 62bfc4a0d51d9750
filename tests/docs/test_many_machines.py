"""A search by ssh, Slurm and Kubernetes: the lines of the page are run here, on one machine and a small search."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from trainwright.runs import open_search

PAGE = (Path(__file__).parents[2] / "docs/many-machines.md").read_text("utf-8")
TINY = "digits --model plain --batch-size 64 --set model.width=8 --set model.depth=1 --trials 3 --stages 1"
SSH = """#!/bin/bash
shift
exec bash -c "$*"
"""


def block(heading: str) -> str:
    """Gives the first block below a heading of the page."""
    return re.search(r"```\w*\n(.*?)^```", PAGE.partition(f"### {heading}\n")[2], re.DOTALL | re.MULTILINE)[1]


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """Gives an environment with the programs that the page names: trainwright, and an ssh that stays here."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "trainwright").write_text(f'#!/bin/bash\nexec {sys.executable} -m trainwright "$@"\n')
    (programs / "ssh").write_text(SSH)
    for program in programs.iterdir():
        program.chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "OMP_NUM_THREADS": "1"}


def here(script: str, tmp_path: Path) -> str:
    """Gives a script of the page with the pictures and the shared disk of this machine."""
    return script.replace("/shared/photos", TINY).replace("/shared", str(tmp_path))


def all_was_done(tmp_path: Path) -> None:
    folder = open_search(tmp_path / "searches/mine")
    assert [one.trial for one in folder.read_trials()] == [1, 2, 3]
    assert folder.read_facts()["ended"] == "all trials done"


def started(script: str, environment: dict[str, str], **named: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", "-c", script],
        env={**environment, **named}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def ended_well(*processes: subprocess.Popen[str]) -> None:
    said = [process.communicate(timeout=240)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(said)


@pytest.mark.slow
def test_the_lines_of_ssh(machine, tmp_path):
    script = block("By ssh").replace("--workers 4", "--workers 2").replace("0 1 2 3", "0")  # for two cores
    ended_well(started(here(script, tmp_path), machine))
    all_was_done(tmp_path)
    assert (tmp_path / "searches/mine/worker-1.txt").is_file()


@pytest.mark.slow
def test_the_script_of_slurm(machine, tmp_path):
    script = here(block("A Slurm job array of workers"), tmp_path)
    tasks = [started(script, machine, SLURM_ARRAY_TASK_ID=task, SLURM_CPUS_PER_TASK="1") for task in "10"]
    ended_well(*tasks)
    all_was_done(tmp_path)


@pytest.mark.slow
def test_the_script_of_the_pods(machine, tmp_path):
    (container,) = job()["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["bash", "-c"]
    (script,) = container["args"]
    database = f"sqlite:///{tmp_path}/trials.db"
    script = here(script.replace("postgresql://postgres@trials/trials", database), tmp_path)
    ended_well(*[started(script, machine, JOB_COMPLETION_INDEX=index) for index in "10"])
    all_was_done(tmp_path)


@pytest.mark.parametrize("heading", ["By ssh", "A Slurm job array of workers"])
def test_the_scripts_can_be_read_by_bash(heading):
    assert shutil.which("bash")
    subprocess.run(["bash", "-n"], input=block(heading), text=True, check=True)


def manifests() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(block("Kubernetes, with PostgreSQL")))


def job() -> dict[str, Any]:
    (found,) = [one for one in manifests() if one["kind"] == "Job"]
    return found


def test_the_parts_of_kubernetes_name_each_other():
    assert [one["kind"] for one in manifests()] == ["Secret", "Service", "StatefulSet", "Job"]
    secret, service, database, search = manifests()
    labels = database["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == database["spec"]["selector"]["matchLabels"] == labels
    assert database["spec"]["serviceName"] == service["metadata"]["name"]
    (server,) = database["spec"]["template"]["spec"]["containers"]
    (trainer,) = search["spec"]["template"]["spec"]["containers"]
    host, name = re.search(r"postgresql://postgres@(\w+)/(\w+)", trainer["args"][0]).groups()
    assert host == service["metadata"]["name"]
    values = {one["name"]: one for one in [*server["env"], *trainer["env"]]}
    assert values["POSTGRES_DB"]["value"] == name
    for password in ("POSTGRES_PASSWORD", "PGPASSWORD"):
        reference = values[password]["valueFrom"]["secretKeyRef"]
        assert reference["name"] == secret["metadata"]["name"]
        assert reference["key"] in secret["stringData"]
    mounts = {one["name"]: one["mountPath"] for one in [*server["volumeMounts"], *trainer["volumeMounts"]]}
    volumes = [one["name"] for one in search["spec"]["template"]["spec"]["volumes"]]
    claims = [one["metadata"]["name"] for one in database["spec"]["volumeClaimTemplates"]]
    assert set(mounts) == {*volumes, *claims}
    assert values["PGDATA"]["value"].startswith(f"{mounts['data']}/")
    assert search["spec"]["completionMode"] == "Indexed"
    assert search["spec"]["completions"] == search["spec"]["parallelism"]
