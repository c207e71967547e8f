"""The lessons' answers are true by another way of counting, and the packed form says what single questions say."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
import torch

from lvqa.eval.lab.tiny import lessons as ask
from lvqa.eval.lab.tiny.batches import DENSE, IGNORE, dense_labels, features_of, forward, pack, pixels_of
from lvqa.eval.lab.tiny.dual import DualText, query_about
from lvqa.eval.lab.tiny.model import make_model, make_tokenizer, token_ids
from lvqa.eval.lab.tiny.pictures import SIDE, Picture, render
from lvqa.eval.lab.tiny.train import rates
from lvqa.eval.lab.wordings.descriptions import reply
from lvqa.models.base import UNKNOWN

KINDS = ["frame"] * 60 + ["crop"] * 20 + ["foreign"] * 20


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, list[Picture]]:
    return render(KINDS, 4)


def all_lessons(pictures: list[Picture]) -> list[tuple[Picture, str, str]]:
    return [
        (picture, question, answer)
        for n, picture in enumerate(pictures)
        for question, answer in ask.lessons(picture, random.Random(n), 24)
    ]


def test_pictures_are_the_same_for_the_same_seed(made: tuple[np.ndarray, list[Picture]]) -> None:
    pixels, pictures = render(KINDS[:4], 4)
    assert pixels.shape == (4, SIDE, SIDE, 3)
    assert (pixels == made[0][:4]).all()
    assert pictures == made[1][:4]


def test_answers_are_those_of_the_reader_of_descriptions(made: tuple[np.ndarray, list[Picture]]) -> None:
    """The reader of descriptions works from the description alone: another program, of another hand."""
    compared = 0
    for picture, question, answer in all_lessons(made[1][:60]):
        there = re.fullmatch(r"is there an? (.+)\?", question)
        if question == ask.DESCRIBE:
            continue
        description = ask.describe(picture)
        if there is not None:
            how_many = reply(description, f"how many {there[1]} are there?")
            assert answer == ("yes" if int(how_many) else "no"), (question, description)
        else:
            expected = reply(description, question)
            assert re.sub(r"^an? ", "", answer) == re.sub(r"^an? ", "", expected), (question, description)
        compared += 1
    assert compared > 400


def test_existence_is_half_yes_and_foreign_pictures_hold_nothing(made: tuple[np.ndarray, list[Picture]]) -> None:
    answers = [a for _, q, a in all_lessons(made[1][:60] * 4) if q.startswith("is there")]
    assert 0.35 < np.mean([a == "yes" for a in answers]) < 0.65
    for _, question, answer in all_lessons(made[1][80:]):
        assert answer == ("no" if question.startswith("is there") else UNKNOWN)


def test_every_word_has_a_token_and_comes_back(made: tuple[np.ndarray, list[Picture]]) -> None:
    tokenizer, ids = make_tokenizer(), token_ids()
    for _, *texts in all_lessons(made[1]):
        for text in texts:
            encoded = tokenizer.encode(text, add_special_tokens=False)
            assert encoded == [ids[piece] for piece in ask.pieces(text)]
            assert tokenizer.decode(encoded) == text


def test_packed_questions_say_what_single_ones_say(made: tuple[np.ndarray, list[Picture]]) -> None:
    model = make_model(1).eval()
    model.set_attn_implementation("eager")
    asked = [ask.lessons(picture, random.Random(n), 6) for n, picture in enumerate(made[1][:3])]
    features = features_of(model, pixels_of(made[0][:3]))
    with torch.no_grad():
        together, due = forward(model, features, pack(asked))
        single = [
            forward(model, features[n : n + 1], pack([[qa]], 166 if n == 1 else 0))
            for n, questions in enumerate(asked)
            for qa in questions
        ]
    assert torch.equal(due, torch.cat([d for _, d in single]))
    # The mask is bfloat16, the rest single precision.
    torch.testing.assert_close(together, torch.cat([logits for logits, _ in single]), atol=1e-4, rtol=1e-3)


def test_weights_of_an_answer_add_up_to_the_root_of_its_length() -> None:
    packed = pack([[(ask.DESCRIBE, "grass, a sign at the top."), (ask.GROUND, "grass")]])
    for segment, length in ((1, 9), (2, 2)):
        mine = (packed.segments == segment) & (packed.labels != IGNORE)
        assert int(mine.sum()) == length
        assert float(packed.weights[mine].sum()) == pytest.approx(length**0.5)


def test_dense_labels_name_the_patch_that_holds_a_thing(made: tuple[np.ndarray, list[Picture]]) -> None:
    for picture in made[1][:60]:
        labels = dense_labels(picture)
        assert labels.shape == (len(DENSE), 8, 8)
        assert (labels[4] > 0).all()
        patches = {(int(t.y // 36), int(t.x // 64)) for t in picture.things}
        assert {(int(r), int(c)) for r, c in zip(*np.nonzero(labels[0] > 0), strict=True)} == patches
    assert all((dense_labels(picture) <= 0).all() for picture in made[1][80:])


def test_a_query_holds_in_its_own_frame_and_a_whole_one_leaves_nothing_out(
    made: tuple[np.ndarray, list[Picture]],
) -> None:
    for n, picture in enumerate(made[1][:60]):
        for k in range(5):
            query = query_about(picture, random.Random(f"{n}:{k}"))
            assert query.holds(picture), query
            assert not query.holds(made[1][90])
    crowded = next(p for p in made[1][:60] if len(p.things) > 2)
    only = crowded.things[0]
    wanted = (("", "", only.shape, only.place),)
    assert DualText("", wanted).holds(crowded)
    assert not DualText("", wanted, whole=True).holds(crowded)


def test_rates_rise_hold_and_fall() -> None:
    shares = [rates(step, 1000, 3000) for step in range(3001)]
    tower, language = (list(column) for column in zip(*shares, strict=True))
    assert tower[0] == language[1000] == 0
    assert max(tower) == pytest.approx(0.895, abs=0.01)
    assert set(language[:1000]) == {0.0}
    assert language[2000] == 1
    assert tower[2000] == pytest.approx(0.3)
    assert language[3000] == pytest.approx(0.01)
