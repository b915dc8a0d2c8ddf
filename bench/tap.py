"""A tap on a TCP connection: passes on what it gets, counts it, and notes each HTTP request and the first SQL query."""

import contextlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Self

_REQUEST = re.compile(rb"(GET|POST|PUT|PATCH|DELETE) (\S+) HTTP/1\.1\r\n")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
_QUERY = b"Q"
"""The first byte of PostgreSQL's message with a statement."""


class Tap:
    """Listens on a port of its own on loopback and leads to another one there.

    Attributes:
        requests: how often each HTTP method and path was asked for, an id in it as {id}.
        sent, received: bytes, as the client sees it.
        first_query: when the first SQL statement came, by time.perf_counter; None before.
    """

    def __init__(self, target: int) -> None:
        self.requests: Counter[str] = Counter()
        self.sent = self.received = 0
        self.first_query: float | None = None
        self._target = target
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for side in (client, server):
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._pass, args=(client, server, self._from_client), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, self._from_server), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, note: Callable[[bytes], None]) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(1 << 16):
                note(chunk)
                target.sendall(chunk)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _from_client(self, chunk: bytes) -> None:
        with self._lock:
            self.sent += len(chunk)
            if request := _REQUEST.match(chunk):  # nobody sends the next one before the answer has come
                path = _UUID.sub("{id}", request[2].decode().partition("?")[0])
                self.requests[f"{request[1].decode()} {path}"] += 1
            elif self.first_query is None and chunk.startswith(_QUERY):
                self.first_query = time.perf_counter()

    def _from_server(self, chunk: bytes) -> None:
        with self._lock:
            self.received += len(chunk)
