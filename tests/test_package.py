"""What holds for the package as a whole: its public names, its imports, its docs."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
from IPython.core.completer import IPCompleter, provisionalcompleter

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


PUBLIC = (ps, ps.accounts, ps.errors, ps.policies, ps.testing, ps.typing)
"""The modules that users import from."""


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.__name__)
def test_the_public_names_are_all_there_and_nothing_else_is_offered(module):
    names = module.__all__
    assert sorted(dir(module)) == sorted(names)
    assert len(set(names)) == len(names)
    assert all(getattr(module, name) is not None for name in names)
    namespace = {}
    exec(f"from {module.__name__} import *", namespace)
    assert namespace.keys() >= set(names)


def all_classes() -> set[type]:
    """Every class that a module of the package defines."""
    modules = [importlib.import_module(name) for name in module_names()]
    return {
        item
        for module in modules
        for item in vars(module).values()
        if inspect.isclass(item) and item.__module__.partition(".")[0] == "privacy_sdk"
    }


def module_names() -> list[str]:
    found = pkgutil.walk_packages(ps.__path__, "privacy_sdk.")
    return [each.name for each in found if not each.name.endswith("__main__")]


def test_a_class_names_the_module_that_users_import_it_from():
    modules = {module.__name__: module for module in PUBLIC}
    for cls in all_classes():
        if cls.__module__ in modules and not cls.__name__.startswith("_"):
            assert cls.__name__ in modules[cls.__module__].__all__
        for module in PUBLIC:
            if cls.__name__ in module.__all__ and cls is getattr(module, cls.__name__):
                assert cls.__module__ in modules


def test_the_names_for_type_checkers_are_those_at_run_time():
    for module in PUBLIC:
        source = ast.parse(inspect.getsource(module))
        imported = {
            alias.asname or alias.name
            for node in ast.walk(source)
            if isinstance(node, ast.ImportFrom) and node.module.startswith("privacy_sdk")
            for alias in node.names
        }
        if module is not ps.errors:
            assert imported == set(module.__all__), module.__name__


@pytest.mark.parametrize(
    "enum",
    [
        ps.PrivacyCategory,
        ps.PrivacyValue,
        ps.DisallowedListAction,
        ps.policies.Direction,
        ps.policies.Outcome,
        ps.testing.Fault,
        ps.accounts.Capability,
    ],
)
def test_completion_offers_an_enums_members_and_methods_and_none_of_strings(enum):
    member = next(iter(enum))
    assert {*enum.__members__} <= set(dir(enum))
    assert not set(dir(enum)) & set(dir(str))
    assert {"name", "value"} <= set(dir(member))
    assert not set(dir(member)) & (set(dir(str)) | set(enum.__members__))
    assert all(hasattr(enum, name) for name in dir(enum))
    assert all(hasattr(member, name) for name in dir(member))


def test_completion_in_a_notebook_offers_the_categories_and_what_they_can_do():
    completer, text = IPCompleter(namespace={"ps": ps}), "ps.PrivacyCategory."
    with provisionalcompleter():
        names = {each.text.lstrip(".") for each in completer.completions(text, len(text))}
    methods = {"is_known", "is_valid_value", "other", "supports_disallowed_list", "valid_values"}
    assert names - {"mro"} == {*ps.PrivacyCategory.__members__} | methods  # of any class


@pytest.mark.parametrize("module", [ps, ps.policies], ids=lambda module: module.__name__)
def test_an_unknown_name_is_an_attribute_error(module):
    with pytest.raises(AttributeError, match="Cleint"):
        _ = module.Cleint


def test_importing_the_package_loads_nothing_heavy():
    assert not {name.partition(".")[0] for name in modules_after("import privacy_sdk")} & HEAVY
    nouns = modules_after("import privacy_sdk as ps; ps.PrivacyCategory; ps.IqError; ps.Jid")
    assert not {name.partition(".")[0] for name in nouns} & HEAVY


def test_an_emulated_client_loads_no_http_and_no_table_library():
    code = "import privacy_sdk as ps; ps.Client.emulated().info()"
    assert not {name.partition(".")[0] for name in modules_after(code)} & (HEAVY - {"anyio"})


def test_a_first_table_loads_nothing_that_only_failures_or_pages_need():
    code = "import privacy_sdk as ps; ps.Client.replay('tour').fetch_privacy_settings()"
    spared = {"tenacity", "html"} | {
        f"privacy_sdk.{name}"
        for name in ("views.visibility", "notebook.link", "policies.plan", "cassettes.recorder")
    }
    assert not modules_after(code) & spared


def test_a_script_that_sets_a_setting_on_a_gateway_loads_http_alone():
    sets = "set_privacy_setting('last', 'contacts')"
    with ps.testing.running_gateway({"demo": ps.EmulatedAccount()}) as url:
        code = f"import privacy_sdk as ps; ps.Client({url!r}, token='x').{sets}"
        loaded = {name.partition(".")[0] for name in modules_after(code)}
    assert loaded & {*HEAVY, "IPython", "numpy"} == {"anyio", "httpx2"}


def test_a_refusal_loads_nothing_to_ask_again_with():
    refused = "try: client.fetch_privacy_settings()\nexcept ps.errors.UnknownAccountError: pass\n0"
    with ps.testing.running_gateway({"demo": ps.EmulatedAccount()}) as url:
        code = f"import privacy_sdk as ps; client = ps.Client({url!r}, token='x', account='other')"
        assert "tenacity" not in modules_after(f"{code}\n{refused}")


def test_core_imports_without_the_extras():
    hidden = "fastapi", "uvicorn", "tryx", "segno", "voila", "jupyterlab"
    hide = "; ".join(f"sys.modules[{name!r}] = None" for name in hidden)
    show = "ps.testing.NextAnswer; print(ps.Client.emulated().fetch_privacy_settings())"
    code = f"import sys; {hide}; import privacy_sdk as ps; {show}"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


def public_items() -> list[tuple[str, object]]:
    """Public classes and functions, and the public methods that these classes define."""
    items = []
    for name, item in {
        name: getattr(each, name) for each in PUBLIC for name in each.__all__
    }.items():
        if not (inspect.isclass(item) or inspect.isfunction(item)):
            continue
        items.append((name, item))
        if inspect.isclass(item):
            for method, value in vars(item).items():
                is_callable = callable(value) or isinstance(value, property | classmethod)
                if not method.startswith("_") and is_callable:
                    items.append((f"{name}.{method}", value))
    return items


@pytest.mark.parametrize(
    ("name", "item"), [pytest.param(*found, id=found[0]) for found in public_items()]
)
def test_every_public_name_is_documented(name, item):
    assert inspect.getdoc(item), name


@pytest.mark.parametrize("cls", [ps.Client, ps.Fleet], ids=lambda cls: cls.__name__)
def test_every_method_that_a_user_calls_has_an_example(cls):
    finder = doctest.DocTestFinder(recurse=False)
    without = [
        name
        for name, item in vars(cls).items()
        if not name.startswith("_")
        and not any(test.examples for test in finder.find(getattr(item, "__func__", item), name))
    ]
    assert without == []


def test_every_module_says_what_it_is_for():
    for name in module_names():
        source = Path(importlib.util.find_spec(name).origin).read_text()
        assert source.lstrip().startswith('"""'), name


def test_imports_go_down_and_in_no_circle():
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout


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


def test_the_house_is_small_on_top_and_its_six_files_are_an_evenings_read():
    package = Path(ps.__file__).parent
    on_top = {path.name for path in package.iterdir()} - {"py.typed", "_recordings"}
    assert len({name for name in on_top if not name.startswith("__")}) <= 16
    guide = (package.parent / "CONTRIBUTING.md").read_text("utf-8")
    path = re.findall(r"^\d\. `(privacy_sdk/.*?)`", guide, re.MULTILINE)
    assert len(path) == 6
    lines = [len((package.parent / each).read_text("utf-8").splitlines()) for each in path]
    assert sum(lines) <= 2_450  # 200 of them are the history's
    for room in package.glob("**/__init__.py"):
        assert re.match(r'"""[A-Z`].*[.\w]', room.read_text("utf-8")), room
