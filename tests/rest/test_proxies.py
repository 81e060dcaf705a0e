"""Whom of the proxies in front of the server to believe, and what."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from conftest import PASSWORD
from filmroom.app import create_app
from filmroom.rest.proxies import Hop, first_hop, read_networks
from filmroom.service.archive import Archive
from filmroom.settings import Settings

TRUSTED = read_networks("127.0.0.1, 10.0.0.0/8, ::1")
PROXY = Hop(client="127.0.0.1", is_secure=False, host="inner:8080")
STRANGER = Hop(client="203.0.113.9", is_secure=False, host="inner:8080")


def _client(text: str) -> str:
    return first_hop(PROXY, {"x-forwarded-for": text}, TRUSTED).client


@pytest.mark.parametrize(
    ("text", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("198.51.100.1, 192.0.2.1", "192.0.2.1"),
        ("198.51.100.1, 192.0.2.1, 10.1.2.3", "192.0.2.1"),
        ("10.1.1.1,10.1.2.3", "10.1.1.1"),
        ("192.0.2.1:5555", "192.0.2.1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8::0001", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, ::ffff:10.0.0.1", "192.0.2.1"),
        ("192.0.2.1, garbage, 10.0.0.1", "10.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_the_client_is_the_last_who_is_no_proxy(text: str, client: str) -> None:
    assert _client(text) == client


HEADERS = st.dictionaries(
    st.sampled_from(["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "host"]),
    st.text(st.characters(max_codepoint=255)) | st.ip_addresses().map(str) | st.sampled_from(["https", "http,,", ","]),
)
ADDRESSES = st.ip_addresses().map(str)


@given(headers=HEADERS)
def test_a_stranger_is_not_believed(headers: dict[str, str]) -> None:
    assert first_hop(STRANGER, headers, TRUSTED) == STRANGER


@given(headers=HEADERS)
def test_nobody_is_believed_unless_it_was_said(headers: dict[str, str]) -> None:
    assert first_hop(PROXY, headers, ()) == PROXY


@given(headers=HEADERS)
def test_garbage_never_fails_and_a_client_is_always_an_address(headers: dict[str, str]) -> None:
    hop = first_hop(PROXY, headers, TRUSTED)

    assert str(ip_address(hop.client)) == hop.client
    assert not set(hop.host) & set(" /\\<>\"'\r\n,")


@given(forged=st.text(st.characters(max_codepoint=255)), client=ADDRESSES)
def test_what_a_client_says_of_itself_does_not_count(forged: str, client: str) -> None:
    """Each proxy adds at the end whom it heard from."""
    hop = first_hop(PROXY, {"x-forwarded-for": f"{forged}, {client}"}, read_networks("127.0.0.1"))

    assert hop.client == _client(client) or client == "127.0.0.1"


@given(host=st.text(st.characters(max_codepoint=255)))
def test_a_host_that_cannot_be_one_is_not_repeated(host: str) -> None:
    hop = first_hop(Hop(client="testclient", is_secure=False, host=host), {}, ())

    assert hop.host in {host, "localhost"}
    assert not set(hop.host) & set(" /\\<>\"'\r\n,")


@pytest.mark.parametrize(
    ("proto", "is_secure"), [("https", True), ("HTTPS", True), ("http, https", True), ("http", False), ("ftp", False)]
)
def test_the_nearest_proxy_says_whether_it_was_https(proto: str, *, is_secure: bool) -> None:
    assert first_hop(PROXY, {"x-forwarded-proto": proto}, TRUSTED).is_secure is is_secure


@pytest.mark.parametrize("text", ["10.0.0.1/8", "proxy.example", "10.0.0.0/33", "1.2.3"])
def test_networks_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_networks(text)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("proxies", "url", "cookie"),
    [
        ("127.0.0.1", "https://archive.example/data/projects/NEW", "Secure"),
        ("", "http://inner:8080/data/projects/NEW", "SameSite=Lax"),
    ],
)
def test_a_new_project_is_where_its_maker_reached_the_site(
    archive: Archive, proxies: str, url: str, cookie: str
) -> None:
    app = create_app(archive, Settings(trusted_proxies=proxies))
    client = TestClient(app, client=("127.0.0.1", 1), base_url="http://inner:8080")
    client.auth = ("alice", PASSWORD)
    client.headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "archive.example"}

    reply = client.post("/data/projects?ID=NEW")

    assert reply.headers["location"] == url
    assert client.get("/data/JSESSION").headers.get_list("set-cookie")[1].endswith(cookie)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_failures_behind_a_proxy_lock_one_client_and_not_all(archive: Archive) -> None:
    client = TestClient(create_app(archive, Settings(trusted_proxies="127.0.0.1")), client=("127.0.0.1", 1))

    def ask(address: str, password: str) -> int:
        headers = {"X-Forwarded-For": address}
        return client.get("/data/projects", auth=("alice", password), headers=headers).status_code

    for _ in range(20):
        ask("192.0.2.66", "wrong")

    assert ask("192.0.2.66", "wrong") == 401
    assert ask("192.0.2.1", PASSWORD) == 200
