"""Doctests of public classes, which name the module that users import them from."""

import doctest
import inspect
import re
from types import ModuleType

_is_of_module = doctest.DocTestFinder._from_module


def _from_module(finder: doctest.DocTestFinder, module: ModuleType | None, item: object) -> bool:
    """Whether a module defines an item; of a class its source tells, not its ``__module__``."""
    if module is not None and inspect.isclass(item):
        defined = rf"^class {item.__name__}\b"
        return re.search(defined, inspect.getsource(module), re.MULTILINE) is not None
    return _is_of_module(finder, module, item)


doctest.DocTestFinder._from_module = _from_module
