"""Completion inside calls, for IPython: ``%load_ext privacy_sdk``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from privacy_sdk.errors import UnknownNameError
from privacy_sdk.model.arguments import as_category
from privacy_sdk.model.types import LIST_CATEGORIES, PrivacyCategory

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

# The text that is matched is a cell up to the cursor, of a length that its author typed.
_QUOTED = r"""(?:["'](?P<quoted>[^"'\n]*)["']|(?:\w+\.)*PrivacyCategory\.(?P<member>\w+))"""
_BEGUN = r"""["'](?P<begun>[^"'\n]*)$"""
_CATEGORY = re.compile(rf"\.set_privacy_setting\(\s*(?:category\s*=\s*)?{_BEGUN}")
_VALUE = re.compile(
    rf"\.set_privacy_setting\(\s*(?:category\s*=\s*)?{_QUOTED}\s*,\s*(?:value\s*=\s*)?{_BEGUN}"
)
_LISTED = re.compile(
    r"\.(?:set_privacy_disallowed_list|fetch_disallowed_list|exclude|include|excluded)"
    rf"\(\s*(?:category\s*=\s*)?{_BEGUN}"
)
# IPython does not evaluate a property to complete its keys.
_CONTROL = re.compile(rf"\.controls\[\s*{_BEGUN}")


def completions(text: str) -> tuple[str, list[str]] | None:
    """What may follow a text that ends inside a call of a client: its last word, and names.

    Example:
        >>> completions('client.set_privacy_setting("onl')
        ('onl', ['online'])
        >>> completions('client.set_privacy_setting("online", "')
        ('', ['all', 'match_last_seen'])
        >>> completions('print("') is None
        True
    """
    names: list[str]
    if match := _CATEGORY.search(text):
        names = list(PrivacyCategory)
    elif match := _VALUE.search(text):
        member = match["member"]
        try:
            category = PrivacyCategory[member] if member else as_category(match["quoted"])
        except (KeyError, UnknownNameError):
            return None
        names = list(category.valid_values)
    elif match := _LISTED.search(text):
        names = list(LIST_CATEGORIES)
    elif match := _CONTROL.search(text):
        names = [*PrivacyCategory, "timer"]
    else:
        return None
    begun = match["begun"]
    found = [str(name) for name in names if name.startswith(begun)]
    return (begun, found) if found else None


@context_matcher(identifier="privacy_sdk")  # type: ignore[untyped-decorator]
def matcher(context: CompletionContext) -> SimpleMatcherResult:
    """The names that complete a cell; others are left out inside our calls."""
    lines = context.full_text.split("\n")[: context.cursor_line]
    found = completions("\n".join([*lines, context.text_until_cursor]))
    if found is None:
        return SimpleMatcherResult(completions=[])
    begun, names = found
    return SimpleMatcherResult(
        completions=[SimpleCompletion(text=name, type="privacy") for name in names],
        matched_fragment=begun,
        suppress=True,
    )


def load(shell: InteractiveShell) -> None:
    """Complete names in a shell from now on."""
    if matcher not in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.append(matcher)


def unload(shell: InteractiveShell) -> None:
    """Complete names in a shell no longer."""
    if matcher in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(matcher)
