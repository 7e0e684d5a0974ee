"""`privacy-sdk record` runs a program as it is, and leaves a cassette behind."""

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
    assert "4 exchanges recorded" in printed.err
    assert [row.method for row in show(cassette)] == ["GET", "PUT", "GET", "GET"]
    assert check(cassette) == []


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
    assert len(show(cassette)) == 4


def test_a_program_that_asks_nothing_is_said_to_have_recorded_nothing(cassette, tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text("import privacy_sdk as ps; ps.Client.emulated().info()")
    assert record(cassette, script) == 6
    assert "Nothing was recorded" in capsys.readouterr().err
    assert not cassette.exists()


def test_a_recording_that_exists_is_left_as_it_is(cassette, tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text(CODE)
    cassette.write_text("mine")
    assert record(cassette, script) == 6
    assert "would be replayed" in capsys.readouterr().err
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
