"""A stand-in like `lvqa.eval.lab.standin`, in a process of its own: it answers any number at once, and fails if told.

`python -m lvqa.eval.lab.standin_loop --port N --log FILE [--latency S] [--refused SHARE]`: one event loop; each reply
after `latency` seconds. `POST /busy?s=30` makes it answer 429 for so long. FILE gets a line for each reply that was
sent: when, a digest of its request, and the mean number of requests in flight since the line before.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

_REASONS = {200: "OK", 429: "Too Many Requests", 503: "Service Unavailable"}


class LoopServer:
    """One server: its faults, and what it has in flight."""

    def __init__(self, latency_s: float, refused: float, log: TextIO) -> None:
        self._latency_s = latency_s
        self._refused = refused
        self._log = log
        self._rng = random.Random(0)
        self._busy_until_s = 0.0
        self._in_flight = 0
        self._area = 0.0
        self._changed_s = self._logged_s = time.time()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = head.split("\r\n")
                length = next((int(x.split(":")[1]) for x in lines if x.lower().startswith("content-length:")), 0)
                body = await reader.readexactly(length)
                path = lines[0].split(" ")[1]
                if path.startswith("/busy"):
                    self._busy_until_s = time.time() + float(path.partition("=")[2])
                    await self._send(writer, 200, {})
                else:
                    await self._answer(writer, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, body: bytes) -> None:
        if time.time() < self._busy_until_s:
            await self._send(writer, 429, {"error": {"message": "too many requests"}})
            return
        if self._rng.random() < self._refused:
            await self._send(writer, 503, {"error": {"message": "overloaded"}})
            return
        self._count(1)
        try:
            await asyncio.sleep(self._latency_s)
        finally:
            self._count(-1)
        digest = hashlib.sha256(body).digest()
        message = {"role": "assistant", "content": f"a scene like number {digest.hex()[:16]}"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        await self._send(
            writer,
            200,
            {
                "id": "standin",
                "object": "chat.completion",
                "created": 0,
                "model": "standin",
                "choices": [choice],
                "usage": usage,
            },
        )
        self._count(0)
        now_s = time.time()
        mean = self._area / max(now_s - self._logged_s, 1e-9)
        self._area, self._logged_s = 0.0, now_s
        self._log.write(f"{now_s:.4f} {digest.hex()} {mean:.3f}\n")
        self._log.flush()

    async def _send(self, writer: asyncio.StreamWriter, status: int, record: dict[str, object]) -> None:
        body = json.dumps(record).encode()
        head = f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    def _count(self, more: int) -> None:
        now_s = time.time()
        self._area += self._in_flight * (now_s - self._changed_s)
        self._changed_s = now_s
        self._in_flight += more


async def _serve(port: int, server: LoopServer) -> None:
    listening = await asyncio.start_server(server.talk, "127.0.0.1", port, limit=1 << 26, backlog=1024)
    print(listening.sockets[0].getsockname()[1], flush=True)
    async with listening:
        await listening.serve_forever()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until ended; prints the port first."""
    parser = argparse.ArgumentParser(prog="python -m lvqa.eval.lab.standin_loop")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--refused", type=float, default=0.0)
    options = parser.parse_args(arguments)
    with options.log.open("a") as log:
        asyncio.run(_serve(options.port, LoopServer(options.latency, options.refused, log)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
