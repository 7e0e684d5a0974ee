"""The README and the pages in docs/ are true: examples run; names, commands and links exist.

In a page, Python blocks run one after the other, and a text block below one is what it prints.
In console blocks the `privacy-sdk` commands run, and what is below one is what it writes; `…` on
a line of its own stands for any lines, elsewhere for any text. A block whose first line is a
comment with a file's name is that file. `% not run: …` above a block says why it is not run; its
names are checked all the same.
"""

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import privacy_sdk as ps
from privacy_sdk.cli.main import build, main
from privacy_sdk.testing import running_gateway

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROSE = [*PAGES, *(ROOT / name for name in ("deploy/README.md", "CONTRIBUTING.md", "SECURITY.md"))]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ACCOUNTS = {"many-accounts": ("office", "private", "shop")}
"""The accounts of the gateway beside a page; else the one that a gateway serves by itself."""

BLOCKING = {"gateway", "watch", "app", "link", "unlink"}
"""Commands that run until they are stopped, or need a phone: their options are checked."""


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    is_run: bool


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    fence = r"^(% not run: .*\n)?```(\w*)\n(.*?)^```"
    found = re.findall(fence, page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [Block(language, text, not reason) for reason, language, text in found]


def of_pages(*languages: str) -> list[Any]:
    return [
        pytest.param(page, id=named(page))
        for page in PAGES
        if any(block.language in languages for block in blocks(page))
    ]


def expect(printed: str, expected: str, where: str) -> None:
    """Compare line by line; an expected `…` stands for any text, alone for any lines."""
    parts = [
        ".*" if line.strip() == "…" else re.escape(line.rstrip()).replace("…", "[^\n]*")
        for line in expected.rstrip("\n").splitlines()
    ]
    lines = "\n".join(line.rstrip() for line in printed.rstrip("\n").splitlines())
    pattern = r"\n?".join(parts) if ".*" in parts else "\n".join(parts)
    assert re.fullmatch(pattern, lines, re.DOTALL), f"{where} prints:\n{lines}"


@pytest.fixture
def beside(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """A folder with the files of a page, beside a gateway that its clients find."""
    page = request.getfixturevalue("page")
    for block in blocks(page):
        if file := re.match(r"# ([\w.-]+\.\w+)\n", block.text):
            (tmp_path / file[1]).write_text(block.text, "utf-8")
    (tmp_path / "script.py").write_text(
        "import privacy_sdk as ps\n\nps.Client().fetch_privacy_settings()\n"
    )
    names = ACCOUNTS.get(page.stem, ("demo",))
    monkeypatch.chdir(tmp_path)
    with running_gateway({name: ps.EmulatedAccount(name) for name in names}, token="any") as url:
        monkeypatch.setenv("PRIVACY_SDK_URL", url)
        monkeypatch.setenv("PRIVACY_SDK_TOKEN", "any")
        yield tmp_path


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # theirs live as long as a kernel
@pytest.mark.parametrize("page", of_pages("python", "console"))
def test_its_examples_run_and_print_what_stands_below(
    page: Path, beside: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names: dict[str, Any] = {}
    printed = ""
    for block in blocks(page):
        where = f"{named(page)}, {block.text!r}"
        if block.language == "python" and block.is_run and not block.text.startswith("# test_"):
            exec(compile(block.text, named(page), "exec"), names)
            printed = capsys.readouterr().out
        elif block.language == "text" and printed:
            expect(printed, block.text, where)
            printed = ""
        elif block.language == "console":
            monkeypatch.setattr(sys, "stdin", io.StringIO("+999 11 555 0101\n"))
            run_commands(block.text, capsys, where)


def run_commands(text: str, capsys: pytest.CaptureFixture[str], where: str) -> None:
    """Run the commands of a console block; each has to end well, or say its exit code."""
    code = 0
    for step in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = step.partition("\n")
        if command == "echo $?":
            assert code == int(expected), where
            code = 0
            continue
        assert code == 0, f"{where}: {code} before {command}"
        program, *arguments = shlex.split(command.rpartition(" | ")[2])
        if program == "privacy-sdk" and arguments[0] not in BLOCKING:
            code = main(arguments)
            output = capsys.readouterr()
            if expected:
                expect(output.out + output.err, expected, f"{where}, {command}")
    assert code == 0, where


def commands(text: str) -> set[str]:
    """What stands behind `privacy-sdk` in code, up to the end of the command."""
    code = [*re.findall(r"^ {4}(?=\S).*$", text, re.MULTILINE)]
    code += re.findall(r"`(privacy-sdk[^`\n]*)`", text)
    code += [
        line
        for block in re.findall(r"^```\w+\n(.*?)^```", text, re.S | re.M)
        for line in block.splitlines()
    ]
    found = (
        re.search(r"(?:^ *(?:\$ )?|[/`]|\| |entry: )privacy-sdk +([a-z-][^#|>&]*)", line)
        for line in code
    )
    return {each[1].strip() for each in found if each}


def texts() -> list[Any]:
    found = [pytest.param(page.read_text("utf-8"), id=named(page)) for page in PROSE]
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        found.append(pytest.param("\n".join(prose), id=named(path)))
    return found


@pytest.mark.parametrize("text", texts())
def test_every_command_that_is_named_is_one_of_the_program(text: str) -> None:
    for command in sorted(commands(text)):
        words = [word for word in shlex.split(command) if word not in {"[ARGUMENTS]", "…"}]
        if words[0].isupper() or words == ["--help"]:
            continue
        parse_named(words)


def parse_named(words: list[str]) -> None:
    """Parse a command that prose names; it may leave arguments out."""
    command: Any = build()
    known = {option for each in command.params for option in each.opts}
    for place, word in enumerate(words):
        if hasattr(command, "commands") and word in command.commands:
            command = command.commands[word]
            known |= {
                option for each in command.params for option in (*each.opts, *each.secondary_opts)
            }
        elif word == "--":
            break
        elif word.startswith("-") and word != "-":
            assert word.partition("=")[0] in known | {"--help"}, f"privacy-sdk {' '.join(words)}"
        elif hasattr(command, "commands"):
            raise AssertionError(
                f"there is no command {word}: privacy-sdk {' '.join(words[: place + 1])}"
            )
        else:
            continue


@pytest.mark.parametrize("text", texts())
def test_every_name_of_the_package_that_is_written_exists(text: str) -> None:
    roots = {"ps": ps, "privacy_sdk": ps, "client": ps.Client, "fleet": ps.Fleet}
    for root, path in set(
        re.findall(r"(?<![/\w])(ps|privacy_sdk|client|fleet)\.([a-zA-Z_][\w.]*)", text)
    ):
        item: Any = roots[root]
        for name in path.rstrip(".").split("."):
            assert hasattr(item, name), f"{root}.{path}"
            item = getattr(item, name)
            if isinstance(item, property):
                break


@pytest.mark.parametrize("page", [pytest.param(page, id=named(page)) for page in PROSE])
def test_every_local_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\]\(((?!https?:|#)[^)\s]+)\)", text)
    links += re.findall(r'(?:src|srcset|href)="((?!https?:)[^"]+)"', text)
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve()
        assert target.exists(), f"{named(page)}: {link}"
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
            assert anchor in slugs, f"{named(page)}: {link}"


def test_the_file_of_the_page_on_ci_records_once_and_then_replays(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    (test,) = [
        block.text
        for block in blocks(ROOT / "docs/howto/ci.md")
        if block.text.startswith("# test_mine.py")
    ]
    pytester.makepyfile(test_mine=test)
    with ps.Client.replay("tour") as client:  # a run forgets the modules that it was first to need
        client.fetch_privacy_settings()
    with running_gateway({"me": ps.EmulatedAccount("me")}) as url:
        monkeypatch.setenv("PRIVACY_SDK_URL", url)
        monkeypatch.setenv("PRIVACY_SDK_TOKEN", "any")
        pytester.runpytest_inprocess("--privacy-record", "test_mine.py").assert_outcomes(passed=2)
    assert Path("cassettes/test_mine/test_my_report.privacy.yaml").exists()
    pytester.runpytest_inprocess("test_mine.py").assert_outcomes(passed=2)


def test_the_readme_says_which_methods_only_one_of_the_clients_has() -> None:
    def public(cls: type) -> set[str]:
        return {name for name in dir(cls) if not name.startswith("_")}

    assert public(ps.Client) - public(ps.AsyncClient) == {"panel", "close"}
    text = (ROOT / "README.md").read_text("utf-8")
    assert "`panel` is `ps.Client`'s alone" in text
    assert "`close` is\n`aclose`" in text


def test_the_readme_leads_to_every_page_and_notebook() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    pages = [page for page in PAGES if page.parent.name == "howto" and page.stem != "index"]
    assert [named(page) for page in [*pages, *NOTEBOOKS] if f"]({named(page)})" not in text] == []


def test_the_readme_names_every_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = (ROOT / "README.md").read_text("utf-8").partition("## Install")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)` \(", text))
    assert named == project["optional-dependencies"].keys()


def test_the_readme_says_which_commands_take_no_json() -> None:
    def leaves(command: Any) -> Iterator[Any]:
        for each in command.commands.values():
            yield from leaves(each) if hasattr(each, "commands") else (each,)

    without = [each.name for each in leaves(build()) if "json" not in {p.name for p in each.params}]
    assert f"All commands but `{'` and `'.join(without)}` take `--json`" in (
        ROOT / "README.md"
    ).read_text("utf-8")


def test_the_reference_lists_the_environment_variables_that_are_read() -> None:
    used = {
        name
        for path in Path(ps.__file__).parent.rglob("*.py")
        for name in re.findall(r"PRIVACY_SDK_[A-Z_]+", path.read_text("utf-8"))
    }
    listed = re.findall(
        r"^\| `(PRIVACY_SDK_\w+)`",
        (ROOT / "docs/reference/command-line.md").read_text("utf-8"),
        re.M,
    )
    assert set(listed) == used - {"PRIVACY_SDK_APP"}  # between the command and its own page


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze found")
def test_systemd_understands_the_units_of_the_page_on_schedules(tmp_path: Path) -> None:
    units = [
        each.text for each in blocks(ROOT / "docs/howto/scheduled.md") if each.language == "ini"
    ]
    for unit in units:
        name = re.match(r"# (\S+)\n", unit)[1]
        (tmp_path / name).write_text(re.sub(r"(?<=^ExecStart=)\S+", "/bin/true", unit, flags=re.M))
    files = sorted(map(str, tmp_path.iterdir()))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True
    )
    assert len(files) == 2
    assert (done.returncode, done.stderr) == (0, "")
