"""Mutation testing of one room: which changes of its code would no test notice?

``make mutants ROOM=gateway/limits.py TESTS=tests/gateway/test_limits.py`` mutates a copy of the
repository, by cosmic-ray, and lists the survivors: each is to be killed by a test, or equal.
With ``MUTANTS=60`` in the environment only so many are tried, drawn with the same seed each time.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import WorkerOutcome, WorkResult

ROOT = Path(__file__).parents[1]
WITHOUT = "-p no:cacheprovider -p no:nbval -p no:schemathesis"
"""Plugins that take longer to import than most files of tests to run."""

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "node_modules", "__pycache__", ".*_cache")

CONFIG = """\
[cosmic-ray]
module-path = "{module}"
timeout = 60.0
excluded-modules = []
test-command = "{python} -m pytest -q -x {without} {tests} {module}"
distributor.name = "local"
"""


def main(room: str, tests: list[str]) -> None:
    """Mutate ``privacy_sdk/ROOM`` and run ``tests`` and its doctests against every mutant."""
    with TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        module = f"privacy_sdk/{room}"
        config = CONFIG.format(
            module=module, python=sys.executable, tests=" ".join(tests), without=WITHOUT
        )
        (copy / "mutants.toml").write_text(config)
        run(copy, "cosmic-ray", "init", "mutants.toml", "mutants.sqlite")
        run(copy, "cosmic-ray", "baseline", "mutants.toml")
        draw(copy / "mutants.sqlite", int(os.environ.get("MUTANTS", 10**9)))
        run(copy, "cosmic-ray", "exec", "mutants.toml", "mutants.sqlite")
        run(copy, "cr-report", "--show-diff", "--surviving-only", "mutants.sqlite")


def run(copy: Path, program: str, *arguments: str) -> None:
    """Run a program of cosmic-ray in the copy, whose package comes before the installed one."""
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    environment = {"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin"}
    subprocess.run(command, cwd=copy, env=environment, check=True)


def draw(session: Path, limit: int) -> None:
    """Skip all mutants of a session but so many, and those of ``|``, which annotations are full of.

    No annotation is evaluated, so a mutant of one is equal.
    """
    with use_db(str(session)) as database:
        pending = [
            item.job_id
            for item in database.pending_work_items
            if "BitOr" not in item.mutations[0].operator_name
        ]
        tried = random.Random(0).sample(sorted(pending), min(limit, len(pending)))  # noqa: S311
        for item in list(database.pending_work_items):
            if item.job_id not in tried:
                skipped = WorkResult(worker_outcome=WorkerOutcome.SKIPPED)
                database.set_result(item.job_id, skipped)
    print(f"{len(tried)} of {len(pending)} mutants are tried.", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
