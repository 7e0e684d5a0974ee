"""`privacy-sdk record` runs a program as it is, and leaves a cassette behind."""

import json
import signal
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import privacy_sdk as ps
from privacy_sdk.cassettes.check import check, show
from privacy_sdk.cli.main import main

CODE = """
import privacy_sdk as ps
with ps.Client() as client:
    client.set_default_disappearing_mode(604_800)
"""


pytestmark = pytest.mark.usefixtures("gateway")


@pytest.fixture
def cassette(tmp_path):
    return tmp_path / "my.yaml"


def record(cassette, program, *arguments: str) -> int:
    return main(["record", str(cassette), "--", str(program), *arguments])


def test_a_script_is_recorded_with_its_arguments_and_exit_code(cassette, tmp_path, capfd):
    script = tmp_path / "script.py"
    script.write_text(f"import sys\n{CODE}\nprint(sys.argv[1:])\nsys.exit(7)\n")
    assert record(cassette, script, "--json", "x") == 7
    printed = capfd.readouterr()
    assert printed.out == "['--json', 'x']\n"
    assert "2 exchanges recorded" in printed.err
    assert [row.method for row in show(cassette)] == ["GET", "PUT"]
    assert not any(finding.is_wrong for finding in check(cassette))


def test_a_notebook_is_recorded_and_its_file_is_left_alone(cassette, tmp_path):
    path = tmp_path / "notebook.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(CODE)]), path)
    before = path.read_bytes()
    assert record(cassette, path) == 0
    assert path.read_bytes() == before
    with ps.Client.replay(cassette) as client:
        client.set_default_disappearing_mode(604_800)


def test_a_cell_that_fails_is_said_and_what_came_before_is_recorded(cassette, tmp_path, capsys):
    path = tmp_path / "notebook.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(f"{CODE}\n1 / 0")]), path)
    assert record(cassette, path) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err
    assert len(show(cassette)) == 2


def test_a_program_that_asks_nothing_is_said_to_have_recorded_nothing(cassette, tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text("import privacy_sdk as ps; ps.Client.emulated().info()")
    assert record(cassette, script) == 0
    assert "Nothing was recorded" in capsys.readouterr().err
    assert not cassette.exists()


def test_a_recording_that_exists_is_left_as_it_is(cassette, tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text(CODE)
    cassette.write_text("mine")
    assert record(cassette, script) == 6
    assert f"{cassette} exists." in capsys.readouterr().err
    assert cassette.read_text() == "mine"


@pytest.mark.parametrize(
    ("cassette_name", "program", "said"),
    [
        ("my", "script.py", "no name for a cassette"),
        ("my.yaml", "absent.py", "no script or notebook 'absent.py'"),
        ("my.yaml", "broken.ipynb", "is no notebook"),
    ],
)
def test_bad_input_is_code_2(cassette_name, program, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "script.py").write_text(CODE)
    (tmp_path / "broken.ipynb").write_text("{")
    assert record(cassette_name, program) == 2
    assert said in capsys.readouterr().err


def replay(cassette, *program: str) -> int:
    return main(["replay", str(cassette), "--", *map(str, program)])


SESSION = """
import sys
import privacy_sdk as ps
with ps.Client() as client:
    client.set_privacy_setting("last", "none")
with ps.Client() as client:
    print(client.fetch_privacy_settings().loc["last", "value"])
sys.exit(3)
"""


def test_a_program_is_replayed_as_it_was_recorded_without_a_gateway(
    cassette, tmp_path, capfd, monkeypatch
):
    script = tmp_path / "mine.py"
    script.write_text(SESSION)
    assert record(cassette, script) == 3
    monkeypatch.setenv("PRIVACY_SDK_URL", "http://127.0.0.1:9")
    capfd.readouterr()
    assert replay(cassette, script) == 3
    assert capfd.readouterr().out == "none\n"
    monkeypatch.chdir(tmp_path)
    assert replay(cassette, "-m", "mine") == 3
    path = tmp_path / "notebook.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(SESSION.replace("sys.exit(3)", ""))]), path)
    assert replay(cassette, path) == 0


def test_what_was_recorded_is_told_as_json(cassette, tmp_path, capfd):
    script = tmp_path / "script.py"
    script.write_text(CODE)
    assert main(["record", "--json", str(cassette), "--", str(script)]) == 0
    assert json.loads(capfd.readouterr().out) == {"recording": str(cassette), "exchanges": 2}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_program_and_its_exit_code_is_kept(cassette, tmp_path, number):
    script = tmp_path / "script.py"
    script.write_text(
        "import signal, sys, time\n"
        "for n in (signal.SIGTERM, signal.SIGINT):\n"
        "    signal.signal(n, lambda number, frame: sys.exit(40 + number))\n"
        "print('ready', flush=True)\ntime.sleep(30)\n"
    )
    command = [sys.executable, "-m", "privacy_sdk", "record", cassette, "--", script]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(20) == 40 + number


def test_a_program_that_a_signal_killed_has_the_code_that_a_shell_gives(cassette, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert record(cassette, script) == 128 + signal.SIGKILL


@pytest.mark.parametrize(
    ("cell", "kernel", "code", "said"),
    [
        ("import os; os._exit(1)", "python3", 1, "kernel died"),
        ("1", "nonesuch", 1, "kernel 'nonesuch' is not installed"),
    ],
)
def test_a_kernel_that_dies_or_is_missing_is_one_line(
    cassette, tmp_path, capsys, cell, kernel, code, said
):
    path = tmp_path / "notebook.ipynb"
    notebook = new_notebook(cells=[new_code_cell(cell)])
    notebook.metadata.kernelspec = {"name": kernel, "display_name": kernel}
    nbformat.write(notebook, path)
    assert record(cassette, path) == code
    assert said in capsys.readouterr().err


def test_a_bundled_recording_keeps_its_name_in_a_program_that_is_replayed(tmp_path, capfd):
    script = tmp_path / "script.py"
    script.write_text('import privacy_sdk as ps\nps.Client().set_privacy_setting("last", "all")\n')
    assert main(["replay", "tour", "--", str(script)]) == 1
    said = capfd.readouterr().err
    assert "The recording 'tour' does not have the change of last → everyone" in said
    assert "record_mode" not in said


def test_a_tilde_is_the_home_folder_wherever_a_path_is_given(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    script = tmp_path / "script.py"
    script.write_text(CODE)
    assert main(["record", "~/by-command.yaml", "--", "~/script.py"]) == 0
    assert main(["replay", "~/by-command.yaml", "--", "~/script.py"]) == 0
    assert main(["show", "--replay", "~/by-command.yaml"]) == 6  # read: it holds no settings
    assert main(["cassette", "check", "~/by-command.yaml", "~"]) == 0
    assert main(["cassette", "show", "~/by-command.yaml"]) == 0
    for client in (
        ps.Client(record="~/by-argument.yaml"),
        ps.Client.emulated(record="~/by-emulated.yaml"),
    ):
        with client:
            client.fetch_privacy_settings()
    monkeypatch.setenv("PRIVACY_SDK_RECORD", "~/by-variable.yaml")
    with ps.Client() as client:
        client.fetch_privacy_settings()
    monkeypatch.delenv("PRIVACY_SDK_RECORD")
    for name in ("by-argument", "by-emulated", "by-variable"):
        with ps.Client.replay(f"~/{name}.yaml") as client:
            assert len(client.fetch_privacy_settings()) == 9
    monkeypatch.setenv("PRIVACY_SDK_REPLAY", "~/by-argument.yaml")
    with ps.Client() as client:
        assert len(client.fetch_privacy_settings()) == 9
    assert not list(tmp_path.rglob("~"))
