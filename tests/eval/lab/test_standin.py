from __future__ import annotations

import json
import urllib.request

from lvqa.eval.lab.standin import reply_to, serve


def test_replies_follow_from_the_request_alone():
    messages = [{"role": "user", "content": "what is this?"}]
    body = json.dumps({"model": "m", "messages": messages}).encode()
    with serve(latency_s=0.0) as base_url:
        assert base_url.endswith("/v1")
        replies = []
        for _ in range(2):
            request = urllib.request.Request(
                f"{base_url}/chat/completions", body, {"Content-Type": "application/json"}, method="POST"
            )
            with urllib.request.urlopen(request) as response:
                replies.append(json.load(response)["choices"][0]["message"]["content"])
    assert replies == [reply_to(messages)] * 2
    assert reply_to([{"role": "user", "content": "and this?"}]) != replies[0]
