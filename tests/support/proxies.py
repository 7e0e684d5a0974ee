"""What stands in front of gateways: nginx, and certificates of a test's own authority."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from asking import free_port

REQUIRE_NGINX = os.environ.get("PRIVACY_SDK_REQUIRE_NGINX") == "1"

SHIPPED = (Path(__file__).parents[2] / "deploy" / "nginx.conf").read_text("utf-8")

_AROUND = """
daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;
events {{ worker_connections 64; }}
http {{
access_log {folder}/access.log;
client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
{shipped}
}}
"""


@contextmanager
def path_router(folder: Path, gateways: Mapping[str, str], cert: Path, key: Path) -> Iterator[str]:
    """The address of an nginx, as deploy/ has it, that sends each account's path to its gateway."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        reason = "no nginx found (apt-get install nginx-light)"
        (pytest.fail if REQUIRE_NGINX else pytest.skip)(reason)
    port = free_port()
    route = "    ~^/v1/accounts/{}(/|$)  {};\n"
    routes = (route.format(name, url.removeprefix("http://")) for name, url in gateways.items())
    shipped = re.sub(r"(    ~\^/v1/accounts/\w+.*\n)+", "".join(routes), SHIPPED)
    for ours, here in (
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("/etc/privacy-sdk/cert.pem", str(cert)),
        ("/etc/privacy-sdk/key.pem", str(key)),
    ):
        assert ours in shipped
        shipped = shipped.replace(ours, here)
    file = folder / "nginx.conf"
    file.write_text(_AROUND.format(folder=folder, shipped=shipped))
    with subprocess.Popen([nginx, "-c", str(file), "-p", str(folder)]) as process:
        try:
            yield f"https://localhost:{port}"
        finally:
            process.terminate()
