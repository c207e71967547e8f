"""Which operator a question asks for by rule: 80 paraphrases by somebody who has not read the rules, and the shapes."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from lvqa.agents.nodes.plan import joined
from lvqa.agents.rules.operations import clause, operation
from lvqa.agents.rules.plan import by_rules, checked
from lvqa.agents.rules.policies import policy
from lvqa.agents.state import Plan
from lvqa.language.stems import content
from lvqa.language.times import names_time

PARAPHRASES: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parent / "paraphrases.jsonl").read_text("utf-8").splitlines()
]
# Of the 46 paraphrases that ask for an operator; the others are left alone as not sure.
FOUND = 42


@pytest.mark.parametrize("asked", PARAPHRASES, ids=lambda asked: asked["id"])
def test_a_paraphrase_has_the_right_operator_or_none(asked) -> None:
    plan = by_rules(asked["question"], tuple(asked["options"]))
    assert plan.compute in (None, asked["compute"])
    if plan.compute is not None:
        assert plan.compute in policy(plan.kind).operators
        assert plan.events
        one_for_one = len(plan.events) == len(asked["events"])
        for n, event in enumerate(plan.events):
            named = asked["events"][n : n + 1] if one_for_one else asked["events"]
            assert set(content(event)) & set(content(" ".join(named)))


def test_paraphrases_that_ask_for_an_operator_are_mostly_read() -> None:
    wanted = [asked for asked in PARAPHRASES if asked["compute"] is not None]
    found = [by_rules(asked["question"], tuple(asked["options"])).compute is not None for asked in wanted]
    assert (len(PARAPHRASES), len(wanted)) == (80, 46)
    assert sum(found) >= FOUND
    assert set(Counter(asked["compute"] for asked, is_found in zip(wanted, found, strict=True) if is_found)) == {
        "count", "first", "last", "before_after", "order", "duration", "overlap",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "rest"),
    [
        ("Hi! Could you please tell me how often the dog barks? Thanks.", "how often the dog barks"),
        ("I'd really like to know if it rains before noon.", "if it rains before noon"),
        ("any idea how long she sleeps", "how long she sleeps"),
        ("In the kitchen, how often does she sneeze?", "how often does she sneeze in the kitchen"),
        ("Does Mr. Fox sneeze before the bell rings?", "Does Mr. Fox sneeze before the bell rings"),
        ("Does the dog bark? How often does it bark?", ""),
    ],
)
def test_the_clause_that_asks(asked, rest) -> None:
    assert clause(asked) == rest


@pytest.mark.parametrize(
    ("question", "operator", "events"),
    [
        ('How often does she say the word "love"?', "count", ('she say the word "love"',)),
        ("How long is the man standing at the door?", "duration", ("the man standing at the door",)),
        ("How long does it take to open the box before she leaves?", "duration", ("open the box",)),
        ("Do the cat and the dog bark at the same time?", "overlap", ("the cat bark", "the dog bark")),
        ("Had the vase already broken by the time he came?", "before_after", ("the vase broken", "he came")),
        ('Does the sign "SHUT BEFORE TEN" go out before she comes?', "before_after",
         ('the sign "SHUT BEFORE TEN" go out', "she comes")),
        ("In what order do the man, the girl and the boy sit down?", "order",
         ("the man sit down", "the girl sit down", "the boy sit down")),
        ("Which comes first, the tiger or the bear?", "first", ("the tiger", "the bear")),
        ("When does the owl blink for the last time?", "last", ("the owl blink",)),
        ("Who opens the fridge first?", "first", ("opens the fridge",)),
    ],
)  # fmt: skip
def test_an_operator_and_its_events(question, operator, events) -> None:
    assert operation(question) == (operator, events)


@pytest.mark.parametrize(
    "question",
    [
        "How often should you water an orchid?",
        "How often does the nurse say the pills are taken?",
        "How many times bigger is the elephant than the mouse?",
        "How many times a week does she swim?",
        "How often does it happen?",
        "After the wedding, how often does she smile?",
        "How long is the rope?",
        "Tell me how long the bridge is.",
        "How long until the train arrives?",
        "How long has she been a teacher?",
        "How long does the film last?",
        "How many minutes are left on the clock?",
        "Does the dog run after the ball?",
        "Does he kneel before the altar?",
        "Is the door open before he enters?",
        "Does he look tired after the run?",
        "Is there anyone in the room after the alarm?",
        "Does he leave after that?",
        "Does he leave before noon?",
        "Which man enters before the woman?",
        "Are they sitting together?",
        "Do the cat and the toad whimper at the same time?",
        "Is anyone in the room while she sleeps?",
        "What does he do at the same time as the dog barks?",
        "What order does the waiter take?",
        "In what order does it happen?",
        "What is the last word on the slide?",
        "Which of these does not appear first?",
        "Which of these appears first?",
        "Where is the first aid kit?",
        "Which songs did last?",
    ],
)
def test_where_it_is_not_sure_nothing_is_computed(question) -> None:
    assert by_rules(question).compute is None


@pytest.mark.parametrize(
    ("question", "kind", "compute", "events", "kept"),
    [
        ("Wie oft bellt der Hund?", "count", "count", ["the dog barks"], "count"),
        ("How often does the dog bark?", "count", "count", ["the dog barks"], "count"),
        ("How often does the dog bark?", "count", None, ["the dog barks"], "count"),
        ("How often does the dog bark?", "count", "count", [], "count"),
        ("How often does the dog bark?", "existence", "count", ["the dog barks"], None),
        ("How often should you feed a dog?", "count", "count", ["a dog is fed"], None),
        ("How many dogs are there?", "count", "count", ["a dog"], None),
        ("How many dogs are there?", "count", "count", [], None),
        ("How many penalties were taken?", "count", "count", ["a penalty is taken"], "count"),
        ("How long is the rope?", "duration", "duration", ["a rope"], None),
        ("For how long is the rope visible?", "duration", "duration", ["a rope"], "duration"),
        ("Does he sneeze before the bell?", "existence", "before_after", ["he sneezes", "a bell"], "before_after"),
        ("Does he sneeze before she does?", "before_after", "before_after", ["he sneezes"], None),
        ("What does he do after the bell?", "before_after", "before_after", ["he claps", "a bell"], None),
        ("Which happened first, the bell or the clap?", "order", "before_after", ["a bell", "a clap"], "before_after"),
        ("In what order does he cook?", "order", "order", ["he chops"], None),
        ("When are both on screen?", "when", "overlap", ["a cat", "a dog"], "overlap"),
        ("When does he sneeze?", "when", "count", ["he sneezes"], None),
        ("Who sneezes?", "order", "order", ["he sneezes", "she sneezes"], None),
        ("Why did he count the dogs?", "count", "count", ["a dog"], None),
        ("When he comes in, how often does the dog bark?", "count", "count", ["the dog barks"], "count"),
        ("What is the number of times that it barks?", "count", "count", ["the dog barks"], "count"),
        ("What is he counting?", "count", "count", ["he counts"], None),
    ],
)  # fmt: skip
def test_a_models_operator_is_checked_against_the_question(question, kind, compute, events, kept) -> None:
    made = Plan.model_validate({"kind": kind, "compute": compute, "events": events})
    plan = joined(made, by_rules(question), question, with_options=False)
    assert plan.compute == kept
    assert checked(plan, question) == plan


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What does he do between 1:00 and 2:00?", True),
        ("What happens in the third minute?", True),
        ("What is seen from minute 3 on?", True),
        ("What happens 90 seconds in?", True),
        ("What does he do at the end?", False),
        ("How many of the 3 dogs bark?", False),
        ("Which clock shows 10:15?", False),
        ("Does he run for 5 minutes?", False),
    ],
)
def test_a_models_stretch_of_time_stays_where_the_question_names_one(question, named) -> None:
    assert names_time(question) == named
    plan = joined(Plan(between=(60, 120)), by_rules(question), question, with_options=False)
    assert plan.between == ((60, 120) if named else None)


def test_what_the_rules_read_of_the_time_goes_before_the_models() -> None:
    question = "What does he do between 1:00 and 2:00?"
    assert joined(Plan(between=(1, 2)), by_rules(question), question, with_options=False).between == (60, 120)


def test_a_question_full_of_blanks_is_read_like_any_other() -> None:
    plan = by_rules(f"How often{' ' * 4000}does the dog bark?")
    assert (plan.compute, plan.events) == ("count", ("the dog bark",))
