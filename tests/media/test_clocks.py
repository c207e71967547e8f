"""Files whose clock starts again or jumps keep all they hold, on one clock: containers x jumps, pictures and sound."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvqa.errors import MediaError
from lvqa.eval.lab.footage_writer import write_video
from lvqa.media import FrameReader, probe, read_audio, read_subtitles
from lvqa.media.decoding import continuity
from lvqa.media.decoding.continuity import continuity_of, read_continuity
from lvqa.types import Span, clock_lines, clock_of, clock_rows
from tests.media.conftest import _number, _numbered

pytestmark = pytest.mark.usefixtures("in_process")
CASES = Path(__file__).parent / "cases"
RATE, PART_S = 25, 2
PER_PART = RATE * PART_S
TONES = (400, 1200)  # of the sound of each part, in Hz

# What two recordings are put behind one another in, and the codec of their pictures.
CONTAINERS = {
    "ts": "libx264",
    "m2ts": "libx264",
    "mpg": "mpeg2video",
    "vob": "mpeg2video",
    "mkv": "libx264",
    "webm": "libvpx-vp9",
    "flv": "libx264",
}
# When each recording says that it begins, in seconds.
JUMPS = {
    "starts again": (0.0, 0.0),
    "starts again from far": (3600.0, 0.6),
    "goes back a little": (1.0, 2.4),
    "goes back by a few frames": (1.0, 2.8),
    "leaps by a quarter of a minute": (0.0, 17.0),
    "leaps by hours": (1.0, 7200.0),
}


def _tone(hz):
    return (0.4 * np.sin(2 * np.pi * hz * np.arange(PART_S * 16000) / 16000)).astype(np.float32)


def _joined(folder, suffix, codec, begins, sound=True):
    parts = []
    for number, begin_s in enumerate(begins):
        frames = (_numbered(number * PER_PART + k) for k in range(PER_PART))
        part = folder / f"{number}.{suffix}"
        audio = _tone(TONES[number % 2]) if sound else False
        parts.append(write_video(part, frames, fps=RATE, codec=codec, audio=audio, start_s=begin_s, gop=10))
    path = folder / f"joined.{suffix}"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def _loudest_hz(samples):
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.fft.rfftfreq(len(samples), 1 / 16000)[np.argmax(spectrum)])


@pytest.mark.parametrize("sound", [True, False], ids=["sound", "silent"])
@pytest.mark.parametrize("jump", list(JUMPS))
@pytest.mark.parametrize("suffix", list(CONTAINERS))
def test_nothing_is_lost_where_the_clock_jumps(suffix, jump, sound, tmp_path):
    path = _joined(tmp_path, suffix, CONTAINERS[suffix], JUMPS[jump], sound)
    info = probe(path)
    length_s = 2 * PART_S
    assert info.duration_s == pytest.approx(length_s, abs=0.3)
    assert not info.breaks_off
    assert len(info.clock) == 2
    assert info.packets >= 2 * PER_PART
    assert info.clock[1].start_s == pytest.approx(PART_S, abs=0.2)
    with FrameReader(path, clock=info.clock) as reader:
        frames = list(reader.sample(100))
        numbers = [_number(frame.image) for frame in frames]
        assert sorted(set(numbers)) == list(range(2 * PER_PART))
        assert numbers == sorted(numbers)
        # Any of them is found alone, too, on a reader that has read nothing before.
        for time_s in (3.9, 0.4, 2.2):
            with FrameReader(path, clock=info.clock) as other:
                alone = other.at([time_s])[0]
            assert abs(_number(alone.image) - time_s * RATE) < 8
            assert np.array_equal(alone.image, reader.at([time_s])[0].image)
    if sound:
        heard = np.zeros(round((length_s + 0.5) * 16000), np.float32)
        for offset_s, samples in read_audio(path):
            at = round(offset_s * 16000)
            heard[at : at + len(samples)] = samples[: len(heard) - at]
        assert _loudest_hz(heard[8000:28000]) == pytest.approx(TONES[0], abs=5)
        assert _loudest_hz(heard[36000:60000]) == pytest.approx(TONES[1], abs=5)


def test_a_clock_that_runs_through_has_no_steps(kind_name, footage):
    path = footage.kind(kind_name).path
    assert read_continuity(path).shifts == {}
    assert len(probe(path).clock) == 1


def test_the_case_of_a_joined_transport_stream():
    info = probe(CASES / "joined_reset.ts")
    assert (info.duration_s, info.packets) == (16.0, 160)
    with FrameReader(CASES / "joined_reset.ts") as reader:
        frames = list(reader.sample(10))
        assert len({frame.pts_s for frame in frames}) == 160
        words = [reader.at([time_s])[0].image for time_s in (2, 6, 10, 14)]
    different = [np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise(words)]
    assert min(different) > 1


def test_the_case_of_joined_speech_is_heard_behind_the_first_part():
    info = probe(CASES / "speech_reset.ts")
    chunks = list(read_audio(CASES / "speech_reset.ts"))
    assert info.duration_s == pytest.approx(16, abs=0.2)
    # A pause stands between what is said in the first part and what in the second.
    assert chunks[0][0] + len(chunks[0][1]) / 16000 < 8 <= chunks[1][0]


def test_parts_without_end_keep_their_order(tmp_path):
    path = _joined(tmp_path, "ts", "libx264", [5.0, 0.0, 30.0, 0.0, 0.5])
    info = probe(path)
    assert info.duration_s == pytest.approx(5 * PART_S, abs=0.8)
    assert len(info.clock) == 5
    with FrameReader(path) as reader:
        numbers = [_number(frame.image) for frame in reader.sample(50)]
    assert sorted(set(numbers)) == list(range(5 * PER_PART))
    assert numbers == sorted(numbers)


def test_parts_that_were_cut_anywhere(tmp_path):
    whole = _joined(tmp_path, "ts", "libx264", (0.0, 0.0)).read_bytes()
    half = len(whole) // 2 // 188 * 188
    path = tmp_path / "cut.ts"
    path.write_bytes(whole[: half * 3 // 5 // 188 * 188] + whole[half + half // 3 // 188 * 188 :])
    info = probe(path)
    assert len(info.clock) == 2
    with FrameReader(path) as reader:
        frames = list(reader.sample(100))
    # What stands before the first keyframe behind the cut is damaged; all else is there, in order.
    assert len({frame.pts_s for frame in frames}) == info.packets
    assert (_number(frames[0].image), _number(frames[-1].image)) == (0, 2 * PER_PART - 1)
    assert info.duration_s == pytest.approx(info.packets / RATE, abs=0.5)


def test_fragments_whose_time_goes_back_are_kept(tmp_path):
    for number in (0, 1):
        frames = [_numbered(number * PER_PART + k) for k in range(PER_PART)]
        part = write_video(tmp_path / f"{number}.mp4", frames, fps=RATE, gop=10)
        with av.open(str(part)) as whole, av.open(str(tmp_path / f"f{number}.mp4"), "w", options=_FRAGMENTED) as out:
            stream = out.add_stream_from_template(whole.streams.video[0])
            for packet in whole.demux(video=0):
                if packet.size:
                    packet.stream = stream
                    out.mux(packet)
    path = tmp_path / "joined.mp4"
    path.write_bytes(b"".join((tmp_path / f"f{number}.mp4").read_bytes() for number in (0, 1)))
    info = probe(path)
    assert (len(info.clock), info.packets) == (2, 2 * PER_PART)
    with FrameReader(path) as reader:
        assert {_number(frame.image) for frame in reader.sample(100)} == set(range(2 * PER_PART))


_FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def test_cues_inside_a_video_lie_where_its_clock_jumps(tmp_path):
    for number in (0, 1):
        frames = [_numbered(number * PER_PART + k) for k in range(PER_PART)]
        cues = [(0.5, 1.5, f"part {number}")]
        write_video(tmp_path / f"{number}.mkv", frames, fps=RATE, gop=10, subtitles=cues)
    path = tmp_path / "joined.mkv"
    path.write_bytes(b"".join((tmp_path / f"{number}.mkv").read_bytes() for number in (0, 1)))
    cues = read_subtitles(path)
    assert [cue.text for cue in cues] == ["part 0", "part 1"]
    assert [cue.span.start_s for cue in cues] == pytest.approx([0.5, 2.5], abs=0.1)


def test_a_flash_video_behind_another_is_read_and_a_damaged_one_as_far_as_it_goes(tmp_path):
    path = _joined(tmp_path, "flv", "libx264", (0.0, 0.0))
    assert probe(path).packets == 2 * PER_PART
    damaged = tmp_path / "damaged.flv"
    damaged.write_bytes((tmp_path / "0.flv").read_bytes() + b"FLV\x01" + b"\xff" * 200)
    assert probe(damaged).duration_s == pytest.approx(PART_S, abs=0.2)


def _packets(streams):
    """Packets in the order of a file, of streams of (kind, pts in ms, dts in ms, keyframe) each."""
    made = []
    for index, packets in streams.items():
        stream = SimpleNamespace(index=index)
        for pts, dts, key, order in packets:
            made.append(
                (
                    order,
                    index,
                    SimpleNamespace(size=1, stream=stream, pts=pts, dts=dts, is_keyframe=key, duration=0),
                )
            )
    return [packet for *_, packet in sorted(made, key=lambda one: one[:2])]


def _stream(index, kind="video"):
    return SimpleNamespace(index=index, type=kind, time_base=Fraction(1, 1000))


def _run(begin, end, step=40, order=None):
    """Packets of one stream from one time to another, in ms, all keyframes, in a file at the same or another time."""
    return [(t, t, True, (t if order is None else order + t - begin)) for t in range(begin, end, step)]


def test_a_leap_of_one_stream_alone_is_its_gap():
    sound = [*_run(0, 4000, 20), *_run(24000, 28000, 20)]
    pictures = _run(0, 28000)
    both = [_stream(0), _stream(1, "audio")]
    assert continuity_of(both, _packets({0: pictures, 1: sound})).shifts == {}
    pictures, sound = [*_run(0, 4000), *_run(24000, 28000)], _run(0, 28000, 20)
    assert continuity_of(both, _packets({0: pictures, 1: sound})).shifts == {}


def test_a_leap_of_all_streams_is_closed_and_keeps_them_in_step():
    pictures = [*_run(0, 4000), *_run(64000, 68000, order=4000)]
    sound = [*_run(0, 3500, 20), *_run(64200, 68000, 20, order=4200)]
    found = continuity_of([_stream(0), _stream(1, "audio")], _packets({0: pictures, 1: sound}))
    assert [[float(s.seconds) for s in found.shifts[index]] for index in (0, 1)] == [[0.0, -60.0]] * 2
    assert found.end == 8
    assert found.counts == {0: 200, 1: 365}


@pytest.mark.parametrize("leap_ms", [9_000, 11_000])
def test_a_leap_is_more_than_ten_seconds(leap_ms):
    pictures = [*_run(0, 4000), *_run(4000 + leap_ms, 8000 + leap_ms, order=4000)]
    sound = [*_run(0, 4000, 20), *_run(4000 + leap_ms, 8000 + leap_ms, 20, order=4000)]
    found = continuity_of([_stream(0), _stream(1, "audio")], _packets({0: pictures, 1: sound}))
    assert bool(found.shifts) == (leap_ms > 10_000)


def test_slides_that_stand_for_long_are_no_leaps_of_the_clock():
    slides = _run(0, 300_000, 15_000)
    assert continuity_of([_stream(0)], _packets({0: slides})).shifts == {}


def test_a_stream_that_starts_again_alone_goes_on_where_it_was():
    pictures = _run(0, 16000)
    sound = [*_run(0, 8000, 20), *_run(0, 8000, 20, order=8000)]
    found = continuity_of([_stream(0), _stream(1, "audio")], _packets({0: pictures, 1: sound}))
    assert [float(s.seconds) for s in found.shifts[0]] == [0.0]
    assert [float(s.seconds) for s in found.shifts[1]] == [0.0, 8.0]


def test_a_little_step_of_one_stream_beside_another_that_goes_on_stands():
    pictures = _run(0, 8000)
    sound = [*_run(0, 4000, 20), *_run(3500, 8000, 20, order=4000)]
    found = continuity_of([_stream(0), _stream(1, "audio")], _packets({0: pictures, 1: sound}))
    assert found.shifts == {}


@pytest.mark.parametrize("wild_ms", [90_000_000, -90_000_000, 30_000])
def test_a_few_packets_with_wrong_stamps_are_no_steps(wild_ms):
    pictures = [(t + wild_ms, t + wild_ms, k, o) if 4000 <= t < 4200 else (t, t, k, o) for t, _, k, o in _run(0, 8000)]
    assert continuity_of([_stream(0)], _packets({0: pictures})).shifts == {}


def test_sound_that_begins_late_goes_by_the_pictures():
    pictures = [*_run(0, 4000), *_run(0, 8000, order=4000)]
    sound = _run(2000, 8000, 20, order=6000)
    found = continuity_of([_stream(0), _stream(1, "audio")], _packets({0: pictures, 1: sound}))
    assert found.shifts[1][-1].packet == 0
    assert float(found.shifts[1][-1].seconds) == 4


PARTS = st.lists(st.tuples(st.integers(0, 400_000), st.integers(30, 120)), min_size=2, max_size=6)


@given(PARTS, st.booleans())
def test_whatever_the_parts_say_their_frames_come_one_after_the_other(parts, reordered):
    order, packets, last = 0, [], None
    for begin, count in parts:
        shown = [begin + 40 * k for k in range(count)]
        if last is not None and not (begin < last or begin - last > 10_000):
            continue  # a pause, no jump
        places = list(range(count))
        if reordered:  # each third frame is stored before the two that are shown before it
            places = [p for k in range(0, count, 3) for p in (k, *range(min(k + 2, count - 1), k, -1))]
            places = list(dict.fromkeys(places))
        for number, place in enumerate(places):
            packets.append((shown[place], begin + 40 * number - 80, number == 0, order))
            order += 40
        last = shown[-1]
    found = continuity_of([_stream(0)], _packets({0: packets}), sent=True)
    shifts = found.shifts.get(0) or ()
    times, begun = [], []
    for number, (pts, _, key, _) in enumerate(packets):
        shift = next((s.seconds for s in reversed(shifts) if number >= s.packet), Fraction(0))
        times.append(Fraction(pts, 1000) + shift)
        begun.append(key)
    starts = [number for number, key in enumerate(begun) if key] + [len(times)]
    pieces = [sorted(times[a:b]) for a, b in itertools.pairwise(starts)]
    for piece, following in itertools.pairwise(pieces):
        assert following[0] - piece[-1] == Fraction(40, 1000)
    if len(pieces) > 1:
        assert found.end == Fraction(40, 1000) * len(packets)


CLOCKS = st.lists(st.tuples(st.floats(0.5, 1e4), st.floats(-1e5, 1e5), st.integers(0, 1000)), max_size=5)


@given(CLOCKS)
def test_a_clock_is_the_same_after_json(pieces):
    rows = [[0.0, 0.0, 0, None]]
    for length_s, file_s, count in pieces:
        rows.append([rows[-1][0] + length_s, file_s, rows[-1][2] + count, None])
    clock = clock_of(rows)
    assert clock_of(clock_rows(clock)) == clock


@pytest.mark.parametrize(
    "rows", [[[0, 0, 0, None], [-1, 0, 5, None]], [[0, None, 0, None]], [[0, 0, 9, None], [1, 0, 5, None]], [[0]]]
)
def test_what_is_no_clock_is_refused(rows):
    with pytest.raises((ValueError, TypeError)):
        clock_of(rows)


def test_a_clock_is_told_by_pieces_and_with_the_time_of_day():
    clock = clock_of([[0, 3600.5, 0, 1700000000.0], [8, 0.25, 80, None]])
    assert clock_lines(clock, 16.0) == [
        "00:00:00-00:00:08 is 01:00:00.500 and on by the file's clock, 2023-11-14 22:13:20 UTC",
        "00:00:08-00:00:16 is 00:00:00.250 and on by the file's clock",
    ]
    assert clock_lines(clock[:1], 8.0) == ["00:00:00 is 2023-11-14 22:13:20 UTC"]
    assert clock_lines(clock_of([[0, 5, 0, None]]), 8.0) == []


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ("2024-03-14T10:00:00.000000Z", 1710410400.0),
        ("2024-03-14T12:00:00+0200", 1710410400.0),
        ("1904-01-01T00:00:00.000000Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("2024", None),
        ("yesterday", None),
    ],
)
def test_the_time_of_day_is_what_a_camera_wrote(said, right, tmp_path):
    plain = write_video(tmp_path / "plain.mkv", [_numbered(k) for k in range(10)])
    path = tmp_path / "film.mp4"
    with av.open(str(plain)) as whole, av.open(str(path), "w") as out:
        out.metadata["creation_time"] = said
        stream = out.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    assert probe(path).clock[0].wall_s == right


def test_a_quick_look_reads_no_clock(tmp_path):
    path = _joined(tmp_path, "ts", "libx264", (0.0, 0.0))
    quick = probe(path, exact=False)
    assert quick.clock == ()
    assert not quick.packets
    with pytest.raises(MediaError):
        probe(tmp_path / "gone.ts", exact=False)


def test_a_span_behind_a_jump_is_sampled_alone(tmp_path):
    path = _joined(tmp_path, "ts", "libx264", (0.0, 0.0))
    with FrameReader(path) as reader:
        numbers = [_number(frame.image) for frame in reader.sample(10, Span(3.0, 4.0))]
    assert numbers[0] == pytest.approx(3 * RATE, abs=8)
    assert numbers == sorted(numbers)


def test_stamps_without_any_order_make_no_clock(monkeypatch):
    monkeypatch.setattr(continuity, "_MOST_STEPS", 50)
    pictures = [(t * 100_000 % 700_001, None, True, k) for k, t in enumerate(range(200))]
    found = continuity_of([_stream(0)], _packets({0: pictures}))
    assert found.shifts == {}
    assert found.counts == {0: 200}
