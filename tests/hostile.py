"""What no honest visitor sends: raw HTTP requests by kind, and a client that sends them.

Each kind is a function random generator -> bytes, so that ten thousand differ and can be repeated.
"""

import io
import random
import socket
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from conftest import draw
from PIL import Image

BOUNDARY = "xYzZy"
SLOW = "slow client"
UNFINISHED = ("false length", "huge headers", "no HTTP")  # kinds that say they have sent all
# That an answer may take on a busy machine; a client that sends nothing is dropped earlier.
SECONDS = 300
NAMES = (
    "../../../../etc/passwd", "..\\..\\windows\\win.ini", "/dev/zero", "C:\\con.png", "|id",
    "<script>alert(1)</script>.png", "\"><img src=x onerror=alert(1)>", "'; drop table x; --",
    "{{7*7}}${7*7}%s%n", "=HYPERLINK(\"http://evil.example\")", "a\r\nSet-Cookie: x=1\r\n\r\n.png",
    "nul\0byte.png", "\u202egnp.exe", "x" * 5000, ".", "")
TARGETS = (
    "/../../etc/passwd", "/static/..%2f..%2fapplication.py", "/static/%2e%2e/words.py", "//evil/x",
    "/%00", "/" + "a" * 9000, "/api/predict?top_k=" + "9" * 4000, "/predict?lang=<script>", "/?" +
    "&".join(f"a{number}=1" for number in range(2000)), "/static/samples/../../safety.py", "*")


@dataclass(frozen=True)
class Answered:
    """What came back.

    Attributes:
        status: None where the server hung up without an answer.
        seconds: until the answer or the end of the connection.
    """

    status: int | None
    seconds: float


def request(head: str, body: bytes = b"", **headers: object) -> bytes:
    """Return a request whose length is told truly, unless `headers` tell another."""
    told = {"Host": "localhost", "Connection": "close", "Content-Length": len(body), **{
        name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"{head} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def upload(content: bytes, name: str = "a.png", path: str = "/api/predict", more: bytes = b"",
           **headers: object) -> bytes:
    """Return a well-formed upload of one file, whatever is in it."""
    body = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: image/png\r\n\r\n").encode("utf-8", "surrogateescape")
    return request(f"POST {path}", body + content + b"\r\n" + more + f"--{BOUNDARY}--\r\n".encode(),
                   **{"Content_Type": f"multipart/form-data; boundary={BOUNDARY}", **headers})


def picture(form: str = "PNG", number: int = 0) -> bytes:
    """Return a small picture that can be read."""
    file = io.BytesIO()
    Image.fromarray(draw("mars", number)).save(file, format=form)
    return file.getvalue()


def broken_multipart(rng: random.Random) -> bytes:
    """A form that ends early, lacks its boundary, or in which bytes have changed."""
    whole = upload(picture(), rng.choice(NAMES[:4]))
    head, _, body = whole.partition(b"\r\n\r\n")
    kind = rng.randrange(6)
    if kind == 0:
        body = body[:rng.randrange(len(body))]
    elif kind == 1:
        body = body.replace(BOUNDARY.encode(), b"other", rng.randrange(1, 3))
    elif kind == 2:
        body = bytes(byte if rng.random() > 0.02 else rng.randrange(256) for byte in body)
    elif kind == 3:
        body = b"".join(b"--%s\r\nContent-Disposition: form-data; name=f%d\r\n\r\nx\r\n" % (
            BOUNDARY.encode(), number) for number in range(500))
    elif kind == 4:
        body = (f"--{BOUNDARY}\r\n".encode() + b"A: b\r\n" * rng.randrange(2000)) + b"\r\n"
    else:
        return whole.replace(b"boundary=" + BOUNDARY.encode(), rng.choice(
            (b"boundary=", b"boundary=\"", b"charset=x", b"boundary=" + b"b" * 300)))
    head = b"\r\n".join(line if not line.startswith(b"Content-Length") else
                        b"Content-Length: %d" % len(body) for line in head.split(b"\r\n"))
    return head + b"\r\n\r\n" + body


def false_length(rng: random.Random) -> bytes:
    """A length that is no number, negative, far too large, told twice, or chunks that lie."""
    return rng.choice((
        request("POST /api/predict", b"x" * 9, Content_Length=-1),
        request("POST /api/predict", b"x" * 9, Content_Length="9e9"),
        request("POST /api/predict", b"x" * 9, Content_Length=10 ** 15),
        request("POST /api/predict", b"x" * 9, Content_Length="9\r\nContent-Length: 4"),
        request("POST /api/predict", b"zz\r\n", Transfer_Encoding="chunked"),
        request("POST /api/predict", b"ffffffffffffffff\r\nx\r\n0\r\n\r\n",
                Transfer_Encoding="chunked"),
        request("POST /api/predict", b"5\r\nhello\r\n0\r\n\r\n", Transfer_Encoding="chunked",
                Content_Type=f"multipart/form-data; boundary={BOUNDARY}")))


def huge_headers(rng: random.Random) -> bytes:
    """Headers that are long, many, or no headers at all."""
    return rng.choice((
        request("GET /", X="a" * rng.choice((9_000, 40_000, 300_000))),
        request("GET /", **{f"X_{number}": "b" * 50 for number in range(rng.choice((99, 3000)))}),
        request("GET /", Cookie="c=" + "d" * 200_000), request("GET /", Host="e" * 20_000),
        request("GET /", Accept_Language=",".join(["zh;q=0.1"] * 3000)),
        b"GET / HTTP/1.1\r\nHost localhost\r\n: x\r\n\r\n", b"\0" * 5000,
        b"GET / " + b"f" * 50_000))


def no_http(rng: random.Random) -> bytes:
    """Another protocol, or noise."""
    return rng.choice((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n" * 1000,
                       b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"SSH-2.0-x\r\n",
                       rng.randbytes(2000), b"POST /api/predict HTTP/9.9\r\n\r\n",
                       b"GET / HTTP/1.1\r\n\r\n"))


def strange_target(rng: random.Random) -> bytes:
    """A path that leads out of the page, or a method that nothing answers."""
    method = rng.choice(("GET", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "OPTIONS", "BREW"))
    return request(f"{method} {rng.choice(TARGETS)}")


def strange_name(rng: random.Random) -> bytes:
    """A file name that is a path, a script, a formula, or another header."""
    return upload(picture(number=rng.randrange(3)), rng.choice(NAMES),
                  rng.choice(("/api/predict", "/predict", "/api/preview")))


def wrong_type(rng: random.Random) -> bytes:
    """What is no picture."""
    return upload(rng.choice((
        b"", b"MZ" + bytes(200), b"%PDF-1.7\n", b"PK\3\4" + rng.randbytes(300),
        b"\xff\xd8\xff" * 99, b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"<?xml version='1.0'?>"
        b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>", rng.randbytes(4000),
        b"SIMPLE  =                    T" + b" " * 2850, b"GIF89a", b"RIFF\xff\xff\xff\xffWEBP",
        b"II*\0\xff\xff\xff\xff", b"8BPS\0\1" + bytes(40), b"P6 99999 99999 255\n")))


def damaged_picture(rng: random.Random) -> bytes:
    """A picture in which bytes have changed, or that ends early."""
    content = bytearray(picture(rng.choice(("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP"))))
    for _ in range(rng.choice((1, 5, 50))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    return upload(bytes(content[:rng.randrange(20, len(content) + 1)] if rng.random() < 0.3 else
                        content))


def _png(width: int, height: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(
            ">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows)
            + chunk(b"IEND", b""))


def _packed(size: int) -> bytes:
    """Return `size` zeros, deflated: a thousandth of them."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


def _frames(count: int) -> bytes:
    file = io.BytesIO()
    frames = [Image.fromarray(np.full((64, 64), number % 256, np.uint8)) for number in range(count)]
    frames[0].save(file, format="GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


BOMBS = (_png(12_000, 12_000, _packed(432 << 20)), _png(2 ** 31 - 1, 2 ** 31 - 1, b""),
         _png(60_000, 60_000, _packed(4 << 20)), _png(4000, 4000, _packed(100 << 20)),
         _frames(3000))


def bomb(rng: random.Random) -> bytes:
    """A small file that unpacks to a large picture, or pretends to."""
    return upload(rng.choice(BOMBS))


def many_files(rng: random.Random) -> bytes:
    """More files, or more fields, than one request may have."""
    part = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="b.png"\r\n\r\n'
            "x\r\n").encode()
    return upload(b"x", more=part * rng.choice((20, 60, 2000)))


def wrong_option(rng: random.Random) -> bytes:
    """Options out of their range."""
    name, value = rng.choice((("top_k", "-1"), ("top_k", "9" * 400), ("explain", "perhaps"),
                              ("model", "../../x"), ("model", "{{x}}"), ("top_k", "\u0663")))
    field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
    return upload(picture(), more=field.encode())


# kind -> (how to make one, how often)
KINDS: dict[str, tuple[Callable[[random.Random], bytes], int]] = {
    "broken multipart": (broken_multipart, 20), "false length": (false_length, 10),
    "huge headers": (huge_headers, 10), "no HTTP": (no_http, 10),
    "strange target": (strange_target, 12), "strange name": (strange_name, 10),
    "wrong type": (wrong_type, 10), "damaged picture": (damaged_picture, 10),
    "too many files": (many_files, 4), "wrong option": (wrong_option, 2), "bomb": (bomb, 1),
    SLOW: (lambda rng: upload(picture()), 1)}


def hostile_requests(count: int, seed: int = 0) -> list[tuple[str, bytes]]:
    """Return (kind, request) for `count` requests of all kinds, mixed."""
    rng = random.Random(seed)
    kinds = list(KINDS) + rng.choices(
        list(KINDS), [often for _, often in KINDS.values()], k=max(0, count - len(KINDS)))
    rng.shuffle(kinds)
    return [(kind, KINDS[kind][0](rng)) for kind in kinds[:count]]


def send(port: int, kind: str, content: bytes, seconds_slow: float) -> Answered:
    """Send a request as it is; a slow client sends a byte now and then, and gives up."""
    started = time.monotonic()
    status = None
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        try:
            if kind == SLOW:
                _drip(connection, content, seconds_slow)
            else:
                connection.sendall(content)
                if kind in UNFINISHED:
                    connection.shutdown(socket.SHUT_WR)
                status = _status(connection)
        except TimeoutError:
            raise
        except OSError:
            pass  # it hung up, as it may
    return Answered(status, time.monotonic() - started)


def _drip(connection: socket.socket, content: bytes, seconds: float) -> None:
    until = time.monotonic() + seconds
    for byte in content[:-1]:
        if time.monotonic() > until:
            break
        connection.sendall(bytes([byte]))
        time.sleep(0.2)


def _status(connection: socket.socket) -> int | None:
    """Read the answer to its end; return its status."""
    head = b""
    while block := connection.recv(65536):
        head = (head + block)[:64]
    fields = head.split(b" ", 2)
    return int(fields[1]) if len(fields) > 1 and fields[1].isdigit() else None
