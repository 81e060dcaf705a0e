"""What proxies in front of the server say of the first hop, and whom of them to believe.

RFC 7239's ``Forwarded`` is not read: a proxy that sets the ``X-`` headers lets through whatever a client puts there.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Networks = Sequence[IPv4Network | IPv6Network]
_Address = IPv4Address | IPv6Address

# RFC 3986 section 3.2.2 as far as browsers and proxies go: a name, an address or one in brackets, and a port.
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_WITH_PORT: Final = re.compile(r"([\d.]+):\d{1,5}|\[([^\]]*)\](?::\d{1,5})?")
_NO_HOST: Final = "localhost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """Where a request came from and how: over https or not, and under which name of the server."""

    client: str
    is_secure: bool
    host: str


def read_networks(text: str) -> Networks:
    """Addresses and networks with commas between them. Raises ValueError."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def first_hop(direct: Hop, headers: Mapping[str, str], trusted: Networks) -> Hop:
    """The hop that trusted proxies tell of; ``direct`` itself where none does. What cannot be read is not believed."""
    peer = _read_address(direct.client)
    if peer is None or not _is_trusted(peer, trusted):
        return _with_host(direct, direct.host)
    scheme = _last(headers.get("x-forwarded-proto", "")).lower()
    hop = Hop(
        client=_first_untrusted(headers.get("x-forwarded-for", ""), peer, trusted),
        is_secure=scheme == "https" if scheme in {"http", "https"} else direct.is_secure,
        host=direct.host,
    )
    said = _last(headers.get("x-forwarded-host", ""))
    return _with_host(hop, said if _HOST.fullmatch(said) else direct.host)


def is_proxy(peer: str, trusted: Networks) -> bool:
    """Whether whoever is at the other end of a connection is a trusted proxy."""
    address = _read_address(peer)
    return address is not None and _is_trusted(address, trusted)


def _with_host(hop: Hop, host: str) -> Hop:
    known = host if _HOST.fullmatch(host) else _NO_HOST
    return hop if hop.host == known else replace(hop, host=known)


def _first_untrusted(text: str, peer: _Address, trusted: Networks) -> str:
    """From the right, as each proxy adds whom it heard from: the first who is no proxy, as far as it can be read."""
    nearest = peer
    for part in reversed(text.split(",")):
        address = _read_address(part.strip())
        if address is None:
            break
        nearest = address
        if not _is_trusted(address, trusted):
            break
    return str(nearest)


def _last(text: str) -> str:
    """What the nearest proxy said."""
    return text.rsplit(",", 1)[-1].strip()


@lru_cache(1024)  # of a client that sends a thousand files it is asked a thousand times
def _read_address(text: str) -> _Address | None:
    """An address, with or without a port; one of IPv4 in IPv6's clothes is undressed."""
    match = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((match[1] or match[2]) if match else text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_trusted(address: _Address, trusted: Networks) -> bool:
    return any(address in network for network in trusted)
