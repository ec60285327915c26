"""An S3 server, and a proxy before it, which answers some requests with errors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

from aiohttp import ClientSession, web
from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from yarl import URL

from support.server.files import Behaviour, File
from support.server.loopback import Loopback


class Quiet(WSGIRequestHandler):
    """A request handler that logs nothing."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Write nothing."""


@contextmanager
def s3_server() -> Iterator[str]:
    """Run Moto's S3 alone, and yield its address. Moto's whole server first looks for the service of each request."""
    server = make_server("127.0.0.1", 0, create_backend_app("s3"), threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def s3_error(status: int, code: str) -> Behaviour:
    """Answer with an S3 error."""

    async def answer(_: web.Request, __: File) -> web.StreamResponse:
        return web.Response(status=status, text=f"<Error><Code>{code}</Code><Message>{code}</Message></Error>")

    return answer


@dataclass
class S3Proxy(Loopback):
    """A proxy before an S3 server that answers some requests itself.

    Attributes:
        upstream: The address of the S3 server.
        refused: How many requests it has answered itself.
    """

    upstream: str
    refused: int = 0
    _when: Callable[[web.Request], bool] = lambda _: False
    _instead: Behaviour | None = None

    def fail(self, status: int, code: str, *, times: int, method: str = "", key: str = "") -> None:
        """Answer the next requests (of a method, for keys that contain a string) with an S3 error."""
        self.misbehave(
            s3_error(status, code),
            lambda request: self.refused < times and method in {"", request.method} and key in request.path,
        )

    def misbehave(self, answer: Behaviour, when: Callable[[web.Request], bool]) -> None:
        """Answer with a behaviour every request that fulfils a condition."""
        self._instead, self._when = answer, when

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer the request, or pass it on."""
        if self._instead and self._when(request):
            self.refused += 1
            return await self._instead(request, File(b""))
        async with (
            ClientSession(auto_decompress=False) as session,
            session.request(
                request.method,
                URL(self.upstream + request.raw_path, encoded=True),
                headers=request.headers,
                data=BytesIO(await request.read()) if request.can_read_body else None,
            ) as answer,
        ):
            headers = {name: value for name, value in answer.headers.items() if name != "Transfer-Encoding"}
            return web.Response(status=answer.status, headers=headers, body=await answer.read())
