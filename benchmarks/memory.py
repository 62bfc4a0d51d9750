"""Whether data of ten times the memory train: the whole command in a control group that may use little memory.

    python benchmarks/make_pictures.py /tmp/pictures --pictures 20000
    sudo python benchmarks/memory.py /tmp/pictures --limit-mib 1024

Pictures are enlarged to 512×512, so that 14,000 of them fill a cache of 10.3 GiB. The kernel ends a process that
takes more than the group's limit, pages of files counted with it; what it lets go of it must read again. Linux, as
root; either version of control groups.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FIRST, SECOND = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


def limited(mib: int) -> Path:
    """Makes a control group of this process that may use so many MiB, and returns its folder."""
    first = (FIRST / "memory.limit_in_bytes").exists()
    group = (FIRST if first else SECOND) / f"trainwright-{os.getpid()}"
    group.mkdir()
    (group / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(mib * 2**20))
    return group


def peak_mib(group: Path) -> float:
    """Returns the most memory that the group ever used, MiB."""
    files = [group / name for name in ("memory.max_usage_in_bytes", "memory.peak") if (group / name).exists()]
    return int(files[0].read_text()) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit-mib", type=int, default=1024)
    parser.add_argument("--img-size", type=int, default=512)
    parser.add_argument("--most", type=int, default=14_000, help="how many of the folder's pictures to take")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder.parent) as work:
        paths = sorted(arguments.folder.glob("*/*.jpg"), key=lambda path: path.name)[: arguments.most]
        manifest = Path(work, "some.csv")
        manifest.write_text("path,label\n" + "".join(f"{path.absolute()},{path.parent.name}\n" for path in paths))
        group = limited(arguments.limit_mib)
        command = [sys.executable, "-m", "trainwright", "train", str(manifest), "--model", "plain", "--epochs", "1"]
        command += ["--set", "model.width=4", "--set", "model.depth=1", "--img-size", str(arguments.img_size)]
        command += ["--batch-size", "8", "--out", f"{work}/runs", "--json"]
        began = time.perf_counter()
        try:
            done = subprocess.run(
                command,
                env={**os.environ, "TRAINWRIGHT_CACHE": f"{work}/cache"},
                stdout=subprocess.PIPE,
                preexec_fn=lambda: (group / "cgroup.procs").write_text(str(os.getpid())),
            )
            peak = peak_mib(group)
        finally:
            group.rmdir()
        stored = sum(file.stat().st_size for file in Path(work, "cache").rglob("pictures.u8")) / 2**20
        figures = json.loads(done.stdout) if done.returncode == 0 else {}
    print(
        f"exit {done.returncode} after {time.perf_counter() - began:.0f} s; {len(paths):,} pictures, cache "
        f"{stored:,.0f} MiB, limit {arguments.limit_mib:,} MiB ({stored / arguments.limit_mib:.1f} times), "
        f"peak {peak:,.0f} MiB, training {figures.get('wall_time_s', float('nan')):.0f} s"
    )


if __name__ == "__main__":
    main()
