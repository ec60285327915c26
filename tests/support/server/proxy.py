"""A proxy on loopback that answers itself: it passes nothing on."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple, Self


class Reply(NamedTuple):
    """What the proxy answers: a status, headers and a body."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


@dataclass
class Proxy:
    """A proxy that answers every request itself. A context manager that runs it in its own thread.

    Attributes:
        answer: Returns the reply to a request, from its method and its target.
        tls: The context of a proxy that is reached over TLS; None for plain http.
        asked: Method, target and headers of each request.
        url: Its address.
    """

    answer: Callable[[str, str], Reply]
    tls: ssl.SSLContext | None = None
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def __enter__(self) -> Self:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Log nothing."""

            def do_GET(self) -> None:
                """Answer a request for plain http."""
                proxy.asked.append((self.command, self.path, dict(self.headers)))
                reply = proxy.answer(self.command, self.path)
                self.send_response(reply.status)
                for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            do_CONNECT = do_GET  # noqa: N815 - the name that http.server looks for

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if self.tls else ''}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def always(status: int, body: bytes = b"", **headers: str) -> Callable[[str, str], Reply]:
    """Return a function that answers every request alike. Underscores in header names stand for hyphens."""
    reply = Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)
    return lambda _, __: reply
