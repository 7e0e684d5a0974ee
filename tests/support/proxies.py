"""What stands in front of gateways: nginx, and certificates of a test's own authority."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from asking import free_port

REQUIRE_NGINX = os.environ.get("PRIVACY_SDK_REQUIRE_NGINX") == "1"

_CONFIGURATION = """
daemon off; pid {folder}/pid; error_log stderr; worker_processes 1;
events {{ worker_connections 64; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {cert}; ssl_certificate_key {key};
    {routes}
    location / {{ return 404; }}
  }}
}}
"""


@contextmanager
def path_router(folder: Path, gateways: Mapping[str, str], cert: Path, key: Path) -> Iterator[str]:
    """The address of an nginx that sends each account's path to the gateway that serves it."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        reason = "no nginx found (apt-get install nginx-light)"
        (pytest.fail if REQUIRE_NGINX else pytest.skip)(reason)
    port = free_port()
    routes = "\n".join(
        f"location /v1/accounts/{name}/ {{ proxy_pass {url}; }}\n"
        f"location = /v1/accounts/{name} {{ proxy_pass {url}; }}"
        for name, url in gateways.items()
    )
    file = folder / "nginx.conf"
    file.write_text(
        _CONFIGURATION.format(folder=folder, port=port, cert=cert, key=key, routes=routes)
    )
    with subprocess.Popen([nginx, "-c", str(file), "-p", str(folder)]) as process:
        try:
            yield f"https://localhost:{port}"
        finally:
            process.terminate()
