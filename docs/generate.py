"""The parts of the pages that the program itself knows: a Sphinx extension.

Where a page says ``<!-- generated: errors -->``, the text of the function ``errors`` below stands.
"""

from __future__ import annotations

import ast
import html
import inspect
import json
import re
import shutil
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import readme
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.logging import getLogger

import privacy_sdk as ps
from privacy_sdk.accounts import backends
from privacy_sdk.accounts.problems import PROBLEM_PREFIX, PROBLEMS
from privacy_sdk.cassettes.members import MEMBERS, Kind
from privacy_sdk.cli import output
from privacy_sdk.cli.main import build
from privacy_sdk.gateway import create_app
from privacy_sdk.model import words
from privacy_sdk.model.types import LOCKED_BY_DEFENSE, exposure

logger = getLogger(__name__)

ROOT = Path(__file__).parents[1]
PUBLIC = (ps, ps.policies, ps.accounts, ps.errors, ps.testing, ps.typing)
"""The modules that users import from."""


def picture() -> str:
    """Who sees what, as a notebook shows it for the README's first lines."""
    return f"```{{raw}} html\n{readme.picture()}\n```"


def settings() -> str:
    """Every category with its values, in words, and whether people can be excepted."""
    rows = []
    for category in ps.PrivacyCategory:
        name = f"**{words.label(category)}** `{category.value}`"
        has_list = "yes" if category.supports_disallowed_list() else "no"
        for value in category.valid_values:
            rank = exposure(category, value)
            rows.append(
                (
                    name,
                    f"`{value.value}`<br>{words.audience(value)}",
                    words.meaning(category, value),
                    "–" if rank is None else str(rank),
                    has_list,
                )
            )
            name = has_list = ""
    return _table(("setting", "value", "meaning", "exposure", "list"), rows)


def locked() -> str:
    """Which settings defense mode locks."""
    names = [
        words.label(category) for category in ps.PrivacyCategory if category in LOCKED_BY_DEFENSE
    ]
    return f"While defense mode is on, these are locked: {', '.join(names)}."


def timers() -> str:
    """The default disappearing times that WhatsApp's own screen offers."""
    rows = [(f"`{s:_}`", label) for s, label in words.TIMER_LABELS.items()]
    return _table(("seconds", "on the screen"), rows)


def maximum() -> str:
    """The two policies that come with the package, side by side."""
    maximum, strictest = ps.policies.MAXIMUM, ps.policies.STRICTEST
    rows = [
        (words.label(ps.PrivacyCategory(name)), f"`{maximum[name]}`", f"`{strictest[name]}`")
        for name in strictest
    ]
    return _table(("setting", "`ps.policies.MAXIMUM`", "`ps.policies.STRICTEST`"), rows)


def error_tree() -> str:
    """The tree as errors.py draws it."""
    tree = inspect.getdoc(ps.errors) or ""
    return f"```text\n{inspect.cleandoc(tree.split('::', 1)[1].rpartition('Those that')[0])}\n```"


def errors() -> str:
    """Every error: what it means, what to do, and what stands for it on the wire and in a shell."""
    rows = []
    for cls in _error_classes(ps.errors.PrivacyError):
        slug, status = PROBLEMS.get(cls, ("", 0))
        rows.append(
            (
                f"{{py:exc}}`{cls.__name__} <{cls.__module__}.{cls.__name__}>`",
                _first_sentence(cls),
                getattr(cls, "default_hint", "") or "–",
                f"{status} `{slug}`" if slug else "–",
                str(output.exit_code(cls.__new__(cls))),
            )
        )
    return _table(("error", "meaning", "what to do next", "HTTP status, type", "exit code"), rows)


def problem_prefix() -> str:
    """What every type of problem begins with."""
    return f"The `type` of a problem document is `{PROBLEM_PREFIX}` and the word in the table."


def exit_codes() -> str:
    """What the command ends with."""
    codes = {0: "done", **dict(sorted(output.EXIT_CODES.values()))}
    codes |= {
        output.WOULD_CHANGE: "something would change (`check`, `plan --exit-code`)",
        output.INTERRUPTED: "interrupted",
    }
    return _table(("exit code", "meaning"), [(str(code), text) for code, text in codes.items()])


def command_line() -> str:
    """Every command with its arguments and options."""
    group = build()
    context = group.make_context(output.PROGRAM, [], resilient_parsing=True)
    common = {id(option): option for option in group.params}
    taken_by: dict[int, list[str]] = {each: [] for each in common}
    parts = []
    for name, command in _commands(group):
        own = command.make_context(name, [], parent=context, resilient_parsing=True)
        for each in command.params:
            if id(each) in common:
                taken_by[id(each)].append(name)
        mine = [each for each in command.params if id(each) not in common]
        arguments = [_usage(each) for each in mine if each.param_type_name == "argument"]
        parts += [
            f"## {name}",
            _inline(command.help or ""),
            f"```text\n{' '.join((output.PROGRAM, name, '[OPTIONS]', *arguments))}\n```",
            _table(("", ""), _helps(mine, own)) if mine else "",
        ]
    rows = []
    for option in common.values():
        names = taken_by[id(option)] or ["privacy-sdk alone"]
        ((flag, text),) = _helps([option], context)
        without = [name for name, _ in _commands(group) if name not in names]
        some = ", ".join(names) if len(names) < 9 else f"all but {', '.join(without)}"
        rows.append((flag, text, some if without else "all"))
    shared = _table(("option", "", "commands that take it"), rows)
    return "\n\n".join(["## Options of several commands", shared, *parts])


def http() -> str:
    """Every operation of the gateway, and every body, from its OpenAPI document."""
    document = create_app({}, token="not-a-real-one" * 3).openapi()
    schemas = document["components"]["schemas"]
    parts: list[str] = []
    problems: set[tuple[str, str]] = set()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            title = operation["operationId"].replace("_", " ").capitalize()
            parts += [f"## {title}", f"```text\n{method.upper()} {path}\n```"]
            parts += [_inline(operation["description"])]
            query = [each for each in operation.get("parameters", ()) if each["in"] == "query"]
            if query:
                rows = [(f"`{each['name']}`", _kind(each["schema"]), _said(each)) for each in query]
                parts += ["Query:", _table(("", "", ""), rows)]
            if "requestBody" in operation:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                parts += [f"Body: {_kind(schema)}", _example(schema, schemas)]
            for status, response in operation["responses"].items():
                if status >= "400":
                    problems.add((status, response["description"]))
                    continue
                for kind, content in response.get("content", {"nothing": {}}).items():
                    schema = content.get("schema", {"type": kind})
                    parts += [f"Answer {status}: {_kind(schema)}", _example(schema, schemas)]
    parts += ["## Problems", _table(("status", "meaning"), sorted(problems))]
    parts += ["## Bodies"]
    for name, schema in schemas.items():
        parts += [f"### {name}", _inline(schema.get("description", ""))]
        rows = [
            (
                f"`{member}`" + ("" if member in schema.get("required", ()) else " (optional)"),
                _kind(each),
                _said(each),
            )
            for member, each in schema.get("properties", {}).items()
        ]
        parts += [_table(("member", "type", "meaning"), rows)]
    return "\n\n".join(parts)


def kept() -> str:
    """What a recording keeps of each member of the interface."""
    comments = ModuleAnalyzer.for_module(Kind.__module__).find_attr_docs()
    rows = []
    for kind in Kind:
        names = ", ".join(f"`{name}`" for name, each in MEMBERS.items() if each is kind)
        text = " ".join(comments.get((Kind.__name__, kind.name), ()))
        rows.append((kind.name.lower(), names, _inline(text)))
    return _table(("kind", "members", "what is kept"), rows)


def backends_table() -> str:
    """What each backend is and can do."""
    head, *rows = backends.table()
    return _table(head, rows)


def house() -> str:
    """The rooms of the package in layers, from the contract that the imports are held to."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = project["tool"]["importlinter"]["contracts"][0]
    lines = ['<div class="house" role="list" aria-label="The layers of the package">']
    for layer in contract["layers"]:
        lines.append('<div class="storey" role="listitem">')
        for room in re.split(r" *[|:] *", layer):
            module = import_module(f"privacy_sdk.{room}")
            path = Path(module.__file__ or "")
            files = path.parent.rglob("*.py") if path.stem == "__init__" else [path]
            count = sum(len(file.read_text("utf-8").splitlines()) for file in files)
            text = html.escape((inspect.getdoc(module) or "").splitlines()[0].replace("`", ""))
            lines.append(
                f'<div class="room"><b>{room}</b> <span>{text}</span> <i>{count:,} lines</i></div>'
            )
        lines.append("</div>")
    return "\n".join(["```{raw} html", *lines, "</div>", "```"])


def api(*rooms: str) -> str:
    """The public names that are defined in some rooms of the package."""
    parts = []
    for room, path, item in _public_names():
        if room not in rooms:
            continue
        options = ""
        if inspect.isclass(item):
            kind = "autoexception" if issubclass(item, BaseException) else "autoclass"
        elif inspect.isfunction(item):
            kind = "autofunction"
        else:
            kind, options = "autodata", "   :no-value:\n"
        heading = f"## {path.removeprefix('privacy_sdk.')}"
        parts += [heading, f"```{{eval-rst}}\n.. {kind}:: {path}\n{options}```"]
    return "\n\n".join(parts)


def _public_names() -> Iterator[tuple[str, str, Any]]:
    """Each public name once: its room, where users import it from, and what it is."""
    seen = set()
    for module in PUBLIC:
        definitions = dict(_definitions(module)) if module is ps else {}
        for name in sorted(
            module.__all__, key=lambda name: (name.startswith("Async"), name.lower())
        ):
            item = getattr(module, name)
            if name not in seen and not inspect.ismodule(item):
                seen.add(name)
                home = definitions.get(name, module.__name__)
                yield home.split(".")[1], f"{module.__name__}.{name}", item


def _definitions(module: Any) -> Iterator[tuple[str, str]]:
    """The names that a module hands on, and the modules that define them."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("privacy_sdk."):
            yield from ((alias.name, str(node.module)) for alias in node.names)


def _error_classes(cls: type[ps.PrivacyError]) -> Iterator[type[ps.PrivacyError]]:
    if cls.__name__ in ps.errors.__all__:
        yield cls
        for each in cls.__subclasses__():
            yield from _error_classes(each)


def _first_sentence(item: object) -> str:
    return _inline((inspect.getdoc(item) or "").splitlines()[0])


def _commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _usage(argument: Any) -> str:
    return argument.metavar if argument.required else f"[{argument.metavar}]"


def _helps(parameters: Iterable[Any], context: Any) -> list[tuple[str, str]]:
    found = [parameter.get_help_record(context) for parameter in parameters]
    return [(f"`{flag}`", _inline(text)) for flag, text in found]


def _kind(schema: Mapping[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        return " or ".join(map(_kind, choices))
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(each)}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    return str(schema.get("type", "anything"))


def _said(member: Mapping[str, Any]) -> str:
    return _inline(member.get("description", ""))


def _example(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    """The example of a body, of the first where there are several."""
    first = next(iter(schema.get("oneOf", [schema])))
    found = schemas[first["$ref"].rpartition("/")[2]].get("examples") if "$ref" in first else None
    return f"```json\n{json.dumps(found[0], indent=2, ensure_ascii=False)}\n```" if found else ""


def _inline(text: str) -> str:
    """A docstring's text as Markdown."""
    text = re.sub(r":\w+:`~?(?:privacy_sdk\.)?([^`]+)`", r"`\1`", text)
    return re.sub("``([^`]+)``", r"`\1`", text)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def line(cells: Iterable[str]) -> str:
        escaped = (" ".join(cell.replace("|", "\\|").split()) for cell in cells)
        return f"| {' | '.join(escaped)} |"

    head = list(head)
    return "\n".join([line(head), line(["---"] * len(head)), *map(line, rows)])


GENERATED: dict[str, Callable[..., str]] = {
    "api": api,
    "backends": backends_table,
    "command-line": command_line,
    "errors": errors,
    "error-tree": error_tree,
    "exit-codes": exit_codes,
    "house": house,
    "http": http,
    "kept": kept,
    "locked": locked,
    "maximum": maximum,
    "picture": picture,
    "problem-prefix": problem_prefix,
    "settings": settings,
    "timers": timers,
}


_MARK = re.compile(r"^<!-- generated: (.+) -->$", re.MULTILINE)


def _fill_in(app: Sphinx, page: str, source: list[str]) -> None:
    def text(mark: re.Match[str]) -> str:
        name, *arguments = mark[1].split()
        return GENERATED[name](*arguments)

    source[0] = _MARK.sub(text, source[0])


def _generated_pages(app: Sphinx, environment: Any, *_: object) -> list[str]:
    """The pages to read again, whatever changed; no public name may be on none of them."""
    marks = {
        page: _MARK.findall(Path(environment.doc2path(page)).read_text("utf-8"))
        for page in environment.found_docs
    }
    rooms = {word for found in marks.values() for mark in found for word in mark.split()}
    for room, path, _item in _public_names():
        if room not in rooms:
            logger.warning("%s is on no page: none generates the API of %s.", path, room)
    return [page for page, found in marks.items() if found]


_COLON = "\N{PRESENTATION FORM FOR VERTICAL COLON}"


def _hide_colon(app: Sphinx, what: str, name: str, item: Any, options: Any, lines: Any) -> None:
    """Keep napoleon from taking what is before a colon for the type of an attribute."""
    if what in {"attribute", "data", "property"}:
        lines[0] = lines[0].replace(": ", f"{_COLON} ")


def _show_colon(app: Sphinx, what: str, name: str, item: Any, options: Any, lines: Any) -> None:
    lines[:] = [line.replace(_COLON, ":") for line in lines]


def _bring_notebooks(app: Sphinx) -> None:
    """Copy the notebooks to where Sphinx looks for pages; they lie beside docs/."""
    folder = Path(app.srcdir, "notebooks")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns(".*"))


def _find_comments() -> None:
    """Let autodoc find what stands below members: a class names the module it is imported from."""
    for path in (ROOT / "privacy_sdk").rglob("*.py"):
        defining = ModuleAnalyzer.for_file(
            path, ".".join(path.relative_to(ROOT).with_suffix("").parts)
        )
        defining.analyze()
        for module in PUBLIC:
            public = ModuleAnalyzer.for_module(module.__name__)
            public.analyze()
            for known in ("annotations", "attr_docs", "overloads", "tagorder", "tags"):
                vars(public)[known] |= vars(defining)[known]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    _find_comments()
    app.connect("builder-inited", _bring_notebooks)
    app.connect("source-read", _fill_in)
    app.connect("env-get-outdated", _generated_pages)
    app.connect("autodoc-process-docstring", _hide_colon, priority=400)
    app.connect("autodoc-process-docstring", _show_colon, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
