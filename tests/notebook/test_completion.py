"""Names at hand: in an editor by types, in a notebook by Tab and Shift-Tab."""

import inspect
from collections.abc import Iterator
from typing import get_args

import pytest
from kernels import Kernel, running_kernel

import privacy_sdk as ps
from privacy_sdk.model import arguments
from privacy_sdk.model.types import LIST_CATEGORIES
from privacy_sdk.notebook.completion import completions

CATEGORIES = [category.value for category in ps.PrivacyCategory]


@pytest.mark.parametrize(
    ("alias", "names"),
    [
        (arguments.CategoryName, ps.PrivacyCategory),
        (arguments.ListCategoryName, LIST_CATEGORIES),
        (arguments.ValueName, ps.PrivacyValue),
    ],
)
def test_editors_complete_exactly_the_names_of_the_types(alias, names):
    assert list(get_args(alias)) == [name.value for name in names]


@pytest.mark.parametrize("client", [ps.Client, ps.AsyncClient])
def test_shift_tab_shows_all_categories_in_the_first_line_of_args(client):
    lines = inspect.getdoc(client.set_privacy_setting).splitlines()
    first = lines[lines.index("Args:") + 1]
    assert first.split() == ["category:", *CATEGORIES]


@pytest.mark.parametrize("category", ps.PrivacyCategory)
def test_a_category_is_followed_by_its_values(category):
    values = [value.value for value in category.valid_values]
    for written in (f"'{category.value}'", f"ps.PrivacyCategory.{category.name}"):
        for more in ("", "value="):
            code = f'client.set_privacy_setting({written}, {more}"'
            assert completions(code) == ("", values)


@pytest.mark.parametrize(
    "code",
    [
        'print("',
        'client.set_privacy_setting("last", "all", "',
        'client.set_privacy_setting("lst", "',
        'client.set_privacy_setting(ps.PrivacyCategory.LST, "',
        'client.set_privacy_setting("zzz',
        'client.set_privacy_setting("last")\nprint("',
    ],
)
def test_nothing_is_offered_elsewhere(code):
    assert completions(code) is None


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with running_kernel() as kernel:
        kernel.run("import privacy_sdk as ps; client = ps.Client.emulated()")
        yield kernel


def test_tab_completes_categories_values_and_lists_once_the_extension_is_loaded(kernel):
    kernel.run("%load_ext privacy_sdk\n%load_ext privacy_sdk")
    assert kernel.complete('client.set_privacy_setting("') == sorted(CATEGORIES)
    assert kernel.complete('client.set_privacy_setting(\n    "online",\n    "') == [
        "all",
        "match_last_seen",
    ]
    assert kernel.complete('await aclient.exclude("gr') == ["groupadd"]
    assert kernel.complete("panel.controls['rea") == ["readreceipts"]
    assert kernel.complete("client.fetch_pri") == ["fetch_privacy_settings"]
    kernel.run("%unload_ext privacy_sdk")
    assert "readreceipts" not in kernel.complete('client.set_privacy_setting("')


def test_tab_completes_the_keys_of_a_policy(kernel):
    kernel.run("policy = ps.Policy(last='none', status='all')")
    offered = {match.strip("'\"[]") for match in kernel.complete('policy["')}
    assert offered == {"last", "status"}
