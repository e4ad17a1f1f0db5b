"""A running web_app.py and a plain client for it."""

import http.client
import json
import re
import signal
import subprocess
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conftest import start

SECONDS = 300  # that an answer, or the end, may take: the machine may have much else to do


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


class Client:
    """Sends requests to a port of this machine, from the address `source` if one is given."""

    def __init__(self, port: int, host: str = "127.0.0.1", source: str = ""):
        self.port = port
        self.host = host
        self.source = source
        self.url = f"http://{host}:{port}"

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection(
            self.host.strip("[]"), self.port, timeout=SECONDS,
            source_address=(self.source, 0) if self.source else None)
        try:
            connection.request(method, path, body, {
                name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def post(self, path: str, files: list[tuple[str, bytes]], headers: dict | None = None,
             **fields: str) -> Answer:
        boundary = uuid.uuid4().hex
        parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
                 for name, value in fields.items()]
        parts += [f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
                  "Content-Type: application/octet-stream\r\n\r\n".encode() + content + b"\r\n"
                  for name, content in files]
        body = b"".join(f"--{boundary}\r\n".encode() + part for part in parts)
        return self.send("POST", path, body + f"--{boundary}--\r\n".encode(),
                         Content_Type=f"multipart/form-data; boundary={boundary}",
                         **(headers or {}))


@contextmanager
def serving(cwd: Path, *options: object):
    """Run web_app.py on a free port; yield (its process, a client); end it if it still runs."""
    process: subprocess.Popen = start("web_app.py", "--port", 0, *options, cwd=cwd)
    try:
        for line in process.stdout:
            if found := re.search(r"open http://(\S+?):(\d+)(/\S+)? in", line):
                break
        else:
            raise AssertionError(process.stderr.read())
        yield process, Client(int(found[2]), found[1])
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=SECONDS)
        except (subprocess.TimeoutExpired, ValueError):
            process.kill()
