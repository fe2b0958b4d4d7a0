"""Notices to an address outside, such as a Slack channel: signed, never to a private address, and without redirects.

Headers are those of Standard Webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
The body is what Slack's incoming webhooks take, as do Mattermost, Zulip and others: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
"""

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import re
import socket
from collections.abc import Callable, Sequence

import httpx
import msgspec

from bot.trampoline import on_loop

Resolve = Callable[[str, int], Sequence[str]]

_SECONDS = 10


class NotSent(Exception):
    """The message did not arrive, as far as is known. The text holds no secret."""


class Message(msgspec.Struct, frozen=True):
    """`about` names the notice: the same name is the same notice, however often it arrives."""

    about: str
    text: str


def addresses(host: str, port: int) -> Sequence[str]:
    """The current addresses of a host."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


class Outbox(msgspec.Struct, kw_only=True):
    """`secret` signs; without one nothing is sent."""

    secret: str = ""
    transport: httpx.AsyncBaseTransport | None = None
    resolve: Resolve = addresses

    async def post(self, url: str, message: Message, now_ms: int) -> None:
        """Send once. Raises `NotSent`."""
        await on_loop(self._post(url, message, now_ms))

    async def _post(self, url: str, message: Message, now_ms: int) -> None:
        target = _target(url)
        if not self.secret:
            raise NotSent("MERGECOST_ALERT_SECRET is not set, so nothing can be signed")
        address = await self._public_address(target)
        body = msgspec.json.encode({"text": _escaped(message.text)})
        headers = signature_headers(self.secret, _id(message), now_ms // 1000, body) | {
            # The name is looked up once, here: whoever owns it cannot answer with another address a moment later.
            "Host": target.netloc.decode(),
            "Content-Type": "application/json",
            "User-Agent": "mergecost",
        }
        options = {"sni_hostname": target.host}
        try:
            async with httpx.AsyncClient(
                transport=self.transport, timeout=_SECONDS, follow_redirects=False, trust_env=False
            ) as client:
                answer = await client.post(
                    target.copy_with(host=address), content=body, headers=headers, extensions=options
                )
        except httpx.HTTPError as error:
            raise NotSent(f"{target.host} could not be reached: {type(error).__name__}") from None
        if not answer.is_success:
            raise NotSent(f"{target.host} answered {answer.status_code}")

    async def _public_address(self, target: httpx.URL) -> str:
        try:
            ips = await asyncio.to_thread(self.resolve, target.host, target.port or 443)
        except (OSError, ValueError):  # a name that no resolver takes is a UnicodeError
            raise NotSent(f"{target.host} has no address") from None
        # One private address is enough to refuse: whoever owns the name may want to reach this network.
        if not ips or not all(is_public(ip) for ip in ips):
            raise NotSent(f"{target.host} leads to an address that is not public, which is refused")
        return ips[0]


def _target(url: str) -> httpx.URL:
    """The address to send to. Raises `NotSent` for one that different readers could read differently."""
    try:
        target = httpx.URL(url)
        port = 443 if target.port is None else target.port
    except (httpx.InvalidURL, ValueError):
        raise NotSent("alert_url is not an address") from None
    if target.scheme != "https" or not target.host:
        raise NotSent("alert_url must start with https:// and name a host")
    if target.userinfo:
        raise NotSent("alert_url must not hold a user or password: send a secret in its path")
    if not 0 < port < 65536:
        raise NotSent("the port in alert_url must be from 1 to 65535")
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0].partition("#")[0]
    if not _AUTHORITY.fullmatch(authority) or len(target.host) > 253:
        raise NotSent(
            "the host in alert_url must be a name of letters, digits, dots and hyphens (other scripts as xn--…)"
        )
    return target


_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_AUTHORITY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9A-Fa-f:.]{{2,45}}\])(?::\d{{1,5}})?", re.ASCII)


def is_public(address: str) -> bool:
    """Whether an IP address is public: not private, not this machine, not link-local (where clouds serve credentials)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and any(ip in network for network in _IPV4_WITHIN):
        ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if isinstance(ip, ipaddress.IPv6Address) and ip not in _UNICAST:
        return False
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NOT_PUBLIC)


# Where an IPv6 address is an IPv4 address in other words, that counts: https://www.rfc-editor.org/rfc/rfc6052#section-2.1
_IPV4_WITHIN = [ipaddress.IPv6Network(network) for network in ("::ffff:0:0/96", "64:ff9b::/96")]
# All that is given out: https://www.iana.org/assignments/ipv6-address-space/ipv6-address-space.xhtml
_UNICAST = ipaddress.IPv6Network("2000::/3")
# What `is_global` lets through, at least in some versions of Python: tunnels to wherever the address says, special purposes, and
# what a cloud answers to its own machines. https://www.iana.org/assignments/iana-ipv4-special-registry/iana-ipv4-special-registry.xhtml
_NOT_PUBLIC = [
    ipaddress.ip_network(network)
    for network in (
        "100.64.0.0/10",
        "168.63.129.16/32",  # https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
        "192.0.0.0/24",  # also Oracle's metadata
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.175.48.0/24",
        "2001::/23",  # Teredo and others
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",
        "3fff::/20",
    )
]


def signature_headers(secret: str, message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    proof = hmac.digest(key_of(secret), f"{message_id}.{at_s}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(proof).decode()}",
    }


def key_of(secret: str) -> bytes:
    """The bytes behind `whsec_…`. Raises ValueError."""
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)


def _id(message: Message) -> str:
    return f"msg_{hashlib.sha256(message.about.encode()).hexdigest()[:32]}"


def _escaped(text: str) -> str:
    """https://docs.slack.dev/messaging/formatting-message-text#escaping"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
