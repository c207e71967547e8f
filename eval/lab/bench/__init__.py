"""Speed and memory, as ratios measured side by side in one run: `python -m lvqa.eval.lab.bench [name ...] [--json]`.

Every benchmark runs in a process of its own, so that none inherits another's imports or memory.
"""

BENCHMARKS = {
    "decode": "sampling a video at 1 fps, against a bare decord or PyAV loop",
    "overlap": "indexing with a slow VLM, against the VLM alone",
    "memory": "peak memory for a 60-minute video, against a 10-minute one",
    "ask": "time of a question outside model calls, at 10,000 notes",
    "retrieval": "search among a million notes and a million frames, beside a flat scan, sqlite-vec and LanceDB",
    "in_flight": "clips captioned a second by a server of 200 ms a reply; faults of it, and one that is gone",
    "rounds": "what a search of four hours costs beside its looks, for every searcher",
    "searching": "peak memory of searching 240 minutes, against 10 minutes",
    "startup": "heavy packages that `import lvqa` and `lvqa --help` load",
}
# Run only when named: seconds that each may take.
LONG = {"retrieval": 7200.0, "in_flight": 900.0}
