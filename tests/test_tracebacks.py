"""What a notebook shows of an error, in a real kernel."""

import textwrap
from collections.abc import Iterator

import pytest
from kernels import Kernel, running_kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with running_kernel() as kernel:
        kernel.run("import privacy_sdk as ps; client = ps.Client.emulated()")
        yield kernel


def shown(kernel: Kernel, code: str) -> str:
    """The traceback that a cell ends with, as text."""
    reply = kernel.reply_to(kernel.start(code))
    assert reply["status"] == "error", reply
    return "\n".join(reply["traceback"])


def test_a_cell_shows_its_line_the_message_and_the_hint(kernel):
    lines = shown(kernel, "x = 1\nclient.set_privacy_setting('online', 'none')").splitlines()
    assert lines[0].startswith("Cell In[")
    assert lines[0].endswith("], line 2")
    assert lines[1:] == [
        "----> 2 client.set_privacy_setting('online', 'none')",
        "",
        "InvalidPairError: 'online' cannot be set to 'none'.",
        "Allowed for 'online': all, match_last_seen.",
    ]


@pytest.mark.parametrize("call", ["hide(client)", "await ahide(aclient)"])
def test_every_frame_of_a_module_of_ones_own_is_shown_with_file_and_line(kernel, tmp_path, call):
    helpers = tmp_path / "helpers_of_mine.py"
    helpers.write_text(
        textwrap.dedent("""\
        def hide(client):
            return deeper(client)
        def deeper(client):
            return client.set_privacy_setting("online", "none")
        async def ahide(client):
            return await client.set_privacy_setting("online", "none")
        """)
    )
    kernel.run(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "sys.modules.pop('helpers_of_mine', None)\n"
        "from helpers_of_mine import *; aclient = ps.AsyncClient.emulated()"
    )
    text = shown(kernel, call)
    assert f"1 {call}" in text
    expected = {"hide": (2, 4), "await ahide": (6,)}[call.partition("(")[0]]
    for line in expected:
        assert f'File "{helpers}", line {line}, in ' in text
    assert text.count("----> ") == 1 + len(expected)


def test_libraries_that_call_ones_own_code_are_shown_and_what_we_call_is_not(kernel):
    kernel.run("import pandas as pd")
    text = shown(
        kernel, "pd.Series(['none']).map(lambda v: client.set_privacy_setting('online', v))"
    )
    assert "/pandas/" in text
    assert "privacy_sdk/" not in text
    assert "asyncio" not in text


def test_ones_own_code_that_we_call_is_shown(kernel):
    kernel.run("plan = client.plan({'last': 'contacts'})")
    tell = "def tell(done, total):\n    raise ps.PrivacyError('stop')\n"
    text = shown(kernel, f"{tell}client.apply(plan, progress=tell)")
    assert "----> 3 client.apply(plan, progress=tell)" in text
    assert "----> 2 raise ps.PrivacyError('stop')" in text
    assert "privacy_sdk/" not in text


def test_all_frames_are_shown_to_whoever_asks(kernel):
    code = "client.exclude('online', 'x')"
    assert "sync.py" not in shown(kernel, code)
    assert "sync.py" in kernel.run("%tb")
    assert "sync.py" not in shown(kernel, code)
    kernel.run("%xmode Verbose")
    try:
        assert "sync.py" in shown(kernel, code)
    finally:
        kernel.run("%xmode Context")
