"""Write the lowest version of every direct dependency, as constraints for pip: `make lowest`."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest(requirements: Iterable[str]) -> dict[str, str]:
    """Return the lower bound of each requirement, by name; our own extras are left out.

    Raises:
        ValueError: A requirement has none, or two.
    """
    pins: dict[str, str] = {}
    for requirement in map(Requirement, requirements):
        if requirement.name == "privacy-sdk":
            continue
        bounds = {each.version for each in requirement.specifier if each.operator in (">=", "==")}
        bounds |= {pins[requirement.name]} if requirement.name in pins else set()
        if len(bounds) != 1:
            raise ValueError(f"{requirement} needs one lower bound.")
        (pins[requirement.name],) = bounds
    return pins


if __name__ == "__main__":
    project = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    pins = lowest([*project["dependencies"], *(each for extra in extras for each in extra)])
    for name, version in sorted(pins.items()):
        print(f"{name}=={version}")
