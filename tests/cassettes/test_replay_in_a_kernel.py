"""Replaying in a notebook leaves the notebook's other requests alone."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from kernels import running_kernel


class Hello(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def url():
    with HTTPServer(("127.0.0.1", 0), Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_the_users_own_requests_work_before_during_and_after(url):
    with running_kernel() as kernel:
        kernel.run("import urllib.request, httpx2, threading, privacy_sdk as ps")
        kernel.run(f"ask = lambda: urllib.request.urlopen({url!r}).read()")
        assert kernel.run("ask()") == "b'hello'"
        kernel.run('client = ps.Client.replay("tour")')
        assert kernel.run("ask()") == "b'hello'"
        found = kernel.run('client.fetch_privacy_settings().loc["last", "value"]')
        assert found == "'all'"
        assert kernel.run(f"httpx2.get({url!r}).text") == "'hello'"
        kernel.run("client.close()")
        assert kernel.run("ask()") == "b'hello'"
