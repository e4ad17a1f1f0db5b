"""Checks host names and paths behind a proxy, and tells visitors by their addresses."""

import ipaddress
import re
from urllib.parse import quote, urlsplit

NETWORK = 64  # first bits of an IPv6 address, which are the same for one customer of a provider
HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # address for all interfaces -> one for a browser


def host_name(text: str) -> str:
    """Return a host's name alone, in small letters, as `Host` headers are compared with it.

    Args:
        text: a name or an address, perhaps with a scheme before and a port behind it, such as
            Observatory.example.org, https://observatory.example.org:8443/, ::1 or [::1]:8000.

    Raises:
        ValueError: it is none, or has more in it, such as a path or a wildcard.
    """
    text = text.strip()
    try:
        return ipaddress.ip_address(text).compressed
    except ValueError:
        parts = urlsplit(text if "://" in text else f"//{text}")
    name = (parts.hostname or "").removesuffix(".")
    _ = parts.port  # raises ValueError where it is no port
    if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{text} has more in it than a host and a port")
    if ":" in name:
        return ipaddress.ip_address(name).compressed
    name = name if name.isascii() else name.encode("idna").decode()  # as browsers send it
    if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", name):
        raise ValueError(f"{text} is no host name")
    return name


def url_of(host: str, port: int, prefix: str = "") -> str:
    """Return where a browser on this machine finds a server that listens on a host and port."""
    host = HERE.get(host, host)
    return f"http://[{host}]:{port}{prefix}" if ":" in host else f"http://{host}:{port}{prefix}"


def path_prefix(text: str) -> str:
    """Return a path with a slash before and none behind it; empty for the root.

    Raises:
        ValueError: it is no plain path.
    """
    parts = [part for part in text.split("/") if part]
    if ".." in parts or quote(text, safe="/") != text:
        raise ValueError(f"{text} is no plain path")
    return "".join(f"/{part}" for part in parts)


def visitor_of(address: str) -> str:
    """Return the visitor that an address stands for: itself, or an IPv6 address's network.

    IPv6 addresses are not counted singly, because a visitor who has one has 2**64 of them. Proxies
    may write an IPv4 address as an IPv6 one, or a port behind it.
    """
    try:
        found = ipaddress.ip_address(host_name(address))
    except ValueError:  # a proxy may hide the address
        return address
    found = getattr(found, "ipv4_mapped", None) or found
    if found.version == 4:
        return found.compressed
    return str(ipaddress.ip_network((int(found), NETWORK), strict=False))
