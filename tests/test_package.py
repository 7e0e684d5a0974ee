"""What holds for the package as a whole: its public names, its imports, its docs."""

import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import privacy_sdk as ps

HEAVY = {
    "anyio", "fastapi", "httpx2", "ipywidgets", "pandas", "phonenumbers", "platformdirs",
    "pydantic", "rich", "starlette", "tenacity", "tryx", "typer", "uvicorn", "vcr", "yaml",
}  # fmt: skip


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_the_public_names_are_sorted_and_all_there():
    assert ps.__all__ == sorted(ps.__all__)
    assert len(set(ps.__all__)) == len(ps.__all__)
    for name in ps.__all__:
        assert getattr(ps, name) is not None
    assert set(dir(ps)) == set(ps.__all__)


def test_every_error_and_every_noun_of_the_specification_is_public():
    for home in (ps.errors, importlib.import_module("privacy_sdk.model.types")):
        for name, item in vars(home).items():
            is_own = inspect.isclass(item) and item.__module__ == home.__name__
            if is_own and not name.startswith("_"):
                assert name in ps.__all__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Cleint'"):
        _ = ps.Cleint


def test_importing_the_package_loads_nothing_heavy():
    assert not {name.partition(".")[0] for name in modules_after("import privacy_sdk")} & HEAVY
    nouns = modules_after("import privacy_sdk as ps; ps.PrivacyCategory; ps.IqError; ps.Jid")
    assert not {name.partition(".")[0] for name in nouns} & HEAVY


def test_an_emulated_client_loads_no_http_and_no_table_library():
    code = "import privacy_sdk as ps; ps.Client.emulated().info()"
    assert not {name.partition(".")[0] for name in modules_after(code)} & (HEAVY - {"anyio"})


def test_core_imports_without_the_extras():
    hidden = "fastapi", "uvicorn", "tryx", "segno", "voila", "jupyterlab"
    hide = "; ".join(f"sys.modules[{name!r}] = None" for name in hidden)
    show = "print(ps.Client.emulated().fetch_privacy_settings())"
    code = f"import sys; {hide}; import privacy_sdk as ps; {show}"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def public_items() -> list[tuple[str, object]]:
    """Public classes and functions, and the public methods that these classes define."""
    items = []
    for name in ps.__all__:
        item = getattr(ps, name)
        if not (inspect.isclass(item) or inspect.isfunction(item)):
            continue
        items.append((name, item))
        if inspect.isclass(item):
            for method, value in vars(item).items():
                is_callable = callable(value) or isinstance(value, property | classmethod)
                if not method.startswith("_") and is_callable:
                    items.append((f"{name}.{method}", value))
    return items


@pytest.mark.parametrize(("name", "item"), public_items(), ids=lambda item: str(item)[:40])
def test_every_public_name_is_documented(name, item):
    assert inspect.getdoc(item), name


def test_every_method_that_a_user_calls_has_an_example():
    finder = doctest.DocTestFinder(recurse=False)
    without = [
        name
        for name, item in vars(ps.Client).items()
        if not name.startswith("_")
        and name not in {"close", "from_account"}
        and not any(test.examples for test in finder.find(item, name))
    ]
    assert without == []


def test_every_module_says_what_it_is_for():
    for module in pkgutil.walk_packages(ps.__path__, "privacy_sdk."):
        source = Path(importlib.util.find_spec(module.name).origin).read_text()
        assert source.lstrip().startswith('"""'), module.name


def test_the_package_is_marked_as_typed():
    assert (Path(ps.__file__).parent / "py.typed").exists()


MADE_UP = {b"5511912345678", b"203948576102938"}
"""People that the tests of redaction hide: it leaves the fictional range alone."""


def test_no_file_names_a_person_outside_the_fictional_range():
    root = Path(__file__).parents[1]
    jid = re.compile(rb"(?<!\d)(\d{7,20})(?:[.:]\d+)*@(?:s\.whatsapp\.net|lid|c\.us)")
    for folder in ("privacy_sdk", "tests", "cassettes", "notebooks", "benchmarks", "tools"):
        for path in sorted((root / folder).rglob("*")):
            if path.name != "test_redact.py" and path.suffix in {
                ".py",
                ".yaml",
                ".ipynb",
                ".md",
                ".json",
            }:
                for number in jid.findall(path.read_bytes()):
                    assert number.startswith(b"999") or number in MADE_UP, f"{path}: {number!r}"
