"""What a notebook shows of an error: the frames that are not ours."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

_OURS = str(Path(__file__).parents[1])
_MACHINERY = ("IPython", "ipykernel")


def notebook_traceback(error: BaseException, message: list[str]) -> list[str]:
    """The lines that IPython shows of an error.

    All frames where they are asked for, by ``%tb`` or ``%xmode Verbose``. Otherwise those that
    are not ours: neither this package nor what it calls, nor the notebook's own machinery.

    Args:
        error: The error.
        message: What to say of it.
    """
    shell = _shell()
    if shell is not None and _is_all_asked_for(shell):
        maker = shell.InteractiveTB
        lines: list[str] = maker.structured_traceback(
            type(error), error, error.__traceback__, tb_offset=maker.tb_offset
        )
        return lines
    frames = [_described(frame, shell) for frame in _not_ours(error.__traceback__)]
    return [*frames, *([""] if frames else []), *message]


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _is_all_asked_for(shell: Any) -> bool:
    if shell.InteractiveTB.mode == "Verbose":
        return True
    frame = sys._getframe()
    while frame := frame.f_back:  # type: ignore[assignment]
        magics = frame.f_globals.get("__name__", "").startswith("IPython.core.magics.")
        if magics and frame.f_code.co_name == "tb":
            return True
    return False


def _not_ours(error: TracebackType | None) -> list[traceback.FrameSummary]:
    import sysconfig

    libraries = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
    kept = []
    is_inside = False  # whether a frame of ours called this one, through libraries alone
    modules = [frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error)]
    for frame, module in zip(traceback.extract_tb(error), modules, strict=True):
        is_library = frame.filename.startswith((*libraries, "<frozen "))
        if frame.filename.startswith(_OURS):
            is_inside = True
        elif not is_library:
            is_inside = False
        if not (is_inside or module.partition(".")[0] in _MACHINERY):
            kept.append(frame)
    return kept


def _described(frame: traceback.FrameSummary, shell: Any) -> str:
    cell = None if shell is None else shell.compile.format_code_name(frame.filename)
    if cell is None:
        where = f'File "{_under_home(frame.filename)}", line {frame.lineno}, in {frame.name}'
    else:
        where = f"{' '.join(cell)}, line {frame.lineno}"
    return f"{where}\n----> {frame.lineno} {frame.line}" if frame.line else where


def _under_home(path: str) -> str:
    home = str(Path.home())
    return f"~{path.removeprefix(home)}" if path.startswith(f"{home}/") else path
