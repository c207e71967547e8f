"""A local OpenAI-compatible server whose replies depend on the request alone: a VLM for tests of everything around one.

It sees nothing. Its caption follows from a digest of the request, so that two runs agree only if they asked the very
same thing. Serves this machine only; knows nothing of lvqa.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "ivory", "jetty", "kiosk", "lemon")


def reply_to(messages: list[Any]) -> str:
    """A sentence of words drawn by the digest of the messages."""
    digest = hashlib.sha256(json.dumps(messages, sort_keys=True).encode()).digest()
    return "something like " + " ".join(_WORDS[byte % len(_WORDS)] for byte in digest[:8])


@contextmanager
def serve(latency_s: float = 0.05) -> Iterator[str]:
    """Serve `/v1/chat/completions`, each reply after `latency_s` seconds; gives the base URL, ending in `/v1`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            time.sleep(latency_s)
            text = reply_to(request["messages"])
            message = {"role": "assistant", "content": text}
            body = json.dumps(
                {
                    "id": "standin",
                    "object": "chat.completion",
                    "created": 0,
                    "model": request.get("model", "standin"),
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 1, "completion_tokens": len(text.split()), "total_tokens": 1},
                }
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
