"""Mutation testing of one room: which changes of its code would no test notice?

``make mutants ROOM=gateway/limits.py TESTS=tests/gateway/test_limits.py`` mutates a copy of the
repository, by cosmic-ray, and lists the survivors: each is to be killed by a test, or equal.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "node_modules", "__pycache__", ".*_cache")

CONFIG = """\
[cosmic-ray]
module-path = "{module}"
timeout = 60.0
excluded-modules = []
test-command = "{python} -m pytest -q -x -p no:cacheprovider {tests} {module}"
distributor.name = "local"
"""


def main(room: str, tests: list[str]) -> None:
    """Mutate ``privacy_sdk/ROOM`` and run ``tests`` and its doctests against every mutant."""
    with TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        module = f"privacy_sdk/{room}"
        config = CONFIG.format(module=module, python=sys.executable, tests=" ".join(tests))
        (copy / "mutants.toml").write_text(config)
        for command in (
            ["cosmic-ray", "init", "mutants.toml", "mutants.sqlite"],
            ["cosmic-ray", "baseline", "mutants.toml"],
            ["cosmic-ray", "exec", "mutants.toml", "mutants.sqlite"],
            ["cr-report", "--show-diff", "--surviving-only", "mutants.sqlite"],
        ):
            # The copy comes before the installed package on the path of Python.
            program = str(Path(sys.executable).with_name(command[0]))
            environment = {"PYTHONPATH": str(copy), "PATH": "/usr/bin:/bin"}
            subprocess.run([program, *command[1:]], cwd=copy, env=environment, check=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
