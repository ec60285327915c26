"""The HTTP client, with a server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from pvtop.core.address import Address
from pvtop.core.errors import NoConnectionError, SourceError, UnreachableError
from pvtop.settings import Settings
from pvtop.sources.download import download
from pvtop.sources.source import open_source
from pvtop.storage.http import Client
from support.clock import LoopClock
from support.server.behaviours import status
from support.server.files import File, Server
from support.server.proxy import Proxy, Reply, always

PATH = "/listing/"


async def test_timeout_does_not_count_the_wait_for_a_free_connection(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files[PATH] = File(b"a listing")
    clock = LoopClock(monkeypatch)
    settings = Settings.load(connections=1, attempts=1)
    async with Client(settings) as client:
        async with client.get(Address.at(server.url + PATH)) as response:
            await response.read()
            waiting = asyncio.create_task(client.text(Address.at(server.url + PATH)))
            await clock.set_forward(0)
            await clock.set_forward(2 * settings.timeout)
            assert len(server.requests) == 1
            assert not waiting.done()
        assert await waiting == "a listing"


@pytest.fixture
def retries(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """Return a function that returns the messages about retries so far."""
    return lambda: [message for message in caplog.messages if "retrying" in message]


async def fetch(address: str, **settings: object) -> str:
    async with Client(Settings.load(**settings)) as client:
        return await client.text(Address.at(address))


# Proxies.

FAR = "http://dumps.example.invalid/listing/"
FAR_TLS = FAR.replace("http:", "https:")


@pytest.fixture
def through(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that sets the proxy of every address but loopback."""
    return lambda address: monkeypatch.setenv("all_proxy", address)


@pytest.mark.parametrize("address", [FAR, FAR_TLS])
@pytest.mark.parametrize("code", [400, 403, 404, 407, 511])
async def test_refusal_of_a_proxy_names_it_and_is_final(
    address: str, code: int, through: Callable[[str], None], retries: Callable[[], list[str]]
) -> None:
    with Proxy(always(code, b"honeypot")) as proxy:
        through(proxy.url.replace("://", "://user:verysecret@"))
        with pytest.raises(SourceError) as caught:
            await fetch(address)
    told = f"{caught.value} {caught.value.hint}"
    assert not isinstance(caught.value, UnreachableError)
    assert f"({code})" in told or f"status {code} " in told
    assert address != FAR_TLS or f"the proxy {proxy.url} refuses {address}" in told
    assert f"the proxy {proxy.url}" in told or code == 404
    assert not {"verysecret", "honeypot"} & set(told.replace(":", " ").split())
    assert (len(proxy.asked), retries()) == (1, [])
    assert "Proxy-Authorization" in proxy.asked[0][2]


@pytest.mark.parametrize("answer", [always(407), always(403, X_Squid_Error="ERR_ACCESS_DENIED 0")])
async def test_answer_that_only_a_proxy_gives_is_a_refusal(
    answer: Callable[[str, str], Reply], through: Callable[[str], None]
) -> None:
    with Proxy(answer) as proxy:
        through(proxy.url)
        with pytest.raises(SourceError, match=f"the proxy {proxy.url} refuses {FAR}"):
            await fetch(FAR)


@pytest.mark.parametrize("address", [FAR, FAR_TLS])
async def test_proxy_that_is_busy_is_asked_again(address: str, through: Callable[[str], None]) -> None:
    with Proxy(always(503)) as proxy:
        through(proxy.url)
        with pytest.raises(UnreachableError, match=f"the proxy {proxy.url}"):
            await fetch(address, attempts=4)
    assert len(proxy.asked) == 4


@pytest.mark.parametrize("scheme", ["", "http://"])
async def test_proxy_without_a_scheme_is_an_http_proxy(scheme: str, through: Callable[[str], None]) -> None:
    with Proxy(always(200, b"a listing")) as proxy:
        through(scheme + proxy.url.removeprefix("http://"))
        assert await fetch(FAR) == "a listing"
    assert [(method, target) for method, target, _ in proxy.asked] == [("GET", FAR)]


async def test_unreachable_proxy_is_named(through: Callable[[str], None]) -> None:
    through("http://user:verysecret@127.0.0.1:1")
    with pytest.raises(NoConnectionError, match=r"connection to the proxy http://127\.0\.0\.1:1 failed") as caught:
        await fetch(FAR)
    assert "verysecret" not in f"{caught.value} {caught.value.hint}"


async def test_network_in_no_proxy_needs_no_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.files[PATH] = File(b"a listing")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "10.0.0.0/8,127.0.0.0/8")
    assert await fetch(server.url + PATH) == "a listing"


# Servers that cannot be reached.


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "http://localhost:1/", "http://nowhere.invalid/"])
async def test_missing_server_is_tried_twice(address: str, retries: Callable[[], list[str]]) -> None:
    with pytest.raises(NoConnectionError, match="connection failed"):
        await fetch(address, attempts=6)
    assert [message.rpartition(" ")[2] for message in retries()] == ["(2/2)"]


async def test_server_that_has_answered_before_is_tried_as_often_as_the_settings_say(
    retries: Callable[[], list[str]],
) -> None:
    with Server() as server:
        server.files[PATH] = File(b"a listing")
        async with Client(Settings.load(attempts=4)) as client:
            assert await client.text(Address.at(server.url + PATH))
            server.__exit__()
            with pytest.raises(UnreachableError):
                await client.text(Address.at(server.url + PATH))
            server.__enter__()
    assert [message.rpartition(" ")[2] for message in retries()] == ["(2/4)", "(3/4)", "(4/4)"]


# Redirects.


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1"])
async def test_public_server_cannot_redirect_to_a_private_address(
    host: str, server: Server, through: Callable[[str], None]
) -> None:
    server.files[PATH] = File(b"honeypot")
    port = server.url.rpartition(":")[2]
    with Proxy(always(302, Location=f"http://{host}:{port}{PATH}")) as proxy:
        through(proxy.url)
        with pytest.raises(SourceError, match=f"^{FAR} redirects to a private address"):
            await fetch(FAR)
    assert (len(proxy.asked), server.requests) == (1, [])


async def test_private_server_may_redirect_to_itself(server: Server) -> None:
    server.files["/other"] = File(b"a listing")
    server.script[PATH] = [status(302, Location=server.url.replace("127.0.0.1", "localhost") + "/other")]
    assert await fetch(server.url + PATH) == "a listing"


async def test_password_is_sent_to_no_other_server(server: Server) -> None:
    with Server() as other:
        other.files[PATH] = File(b"a listing")
        server.script[PATH] = [status(302, Location="?again"), status(302, Location=other.url + PATH)]
        assert await fetch(server.url.replace("://", "://user:secret@") + PATH) == "a listing"
    assert ["Authorization" in headers for headers in server.asked(PATH)] == [True, True]
    assert ["Authorization" in headers for headers in other.asked(PATH)] == [False]


# Offline.


@pytest.mark.parametrize("address", ["/listing/", "memory://source/listing"])
async def test_offline_client_sends_no_request(address: str, server: Server, tmp_path: Path) -> None:
    address = address if ":" in address else server.url + address
    async with Client(Settings.load(offline=True)) as client:
        with pytest.raises(SourceError, match=f"^{address} would have to be downloaded, but pvtop is offline") as told:
            await download(client, Address.at(address), tmp_path / "file", lambda *_: "")
        with pytest.raises(SourceError, match="offline"):
            await open_source(Address.at(address), client).listing("")
        with pytest.raises(SourceError, match="offline"):
            await open_source(Address.at(address), client).text("file")
    assert told.value.setting == "offline"
    assert (server.requests, list(tmp_path.rglob("*.tmp"))) == ([], [])
