"""The numbers that decide an answer, in a frozen record for each thing that is done, with where they come from.

Those of programs over time are `lvqa.temporal`'s, those of recall `lvqa.recall`'s, those of an agent as a whole
`lvqa.agents.baselines.presets`'. Sizes of prompts and of replies are no rules, and stand where they are used.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """How a question is read, and notes are recalled, computed on and put to the chat model."""

    before_s: float = 60.0  # by hand: what a bare "and before that?" of a chat is about
    fragment_words: int = 7  # by hand: "and in the kitchen?" with more is a question of its own
    answer_words: int = 6  # by hand: an answer with more names no thing that "it" can be
    turns: int = 4  # by hand: how many turns back a pronoun reaches
    told_turns: int = 6  # by hand: how many turns back the chat model reads
    phrases: int = 12  # by hand: what a plan searches for, beside
    targets: int = 16  # as many as a plan holds
    events: int = 8  # as many as a plan holds
    target_words: int = 6  # by hand: of a question that names no thing
    around: int = 3  # by hand: hits of a question of order around which is read
    around_s: float = 10.0  # by hand: so many seconds
    around_score: float = 0.5  # by hand: and what that is worth beside the hit
    counted: int = 4  # by hand: a question that counts reads so many times `top_k`
    preferred: int = 2  # by hand: of `top_k`, a half more of the kind of notes that is asked for
    summarised: int = 4  # by hand: of `top_k`, a quarter more of summaries
    each_event: int = 2  # by hand: notes that are searched for each event, at least
    summaries: int = 48  # as many as a prompt shows notes
    small_archive: int = 20  # by hand: title cards are looked for in every video of no more
    matching_videos: int = 8  # by hand: and in so many of a larger one
    titles: int = 8  # by hand: title cards, and the notes of each
    notes: int = 48  # by hand: beyond it a summary's prompt grows longer than small models read
    stretch_share: float = 0.85  # by hand: a note this close as the best one goes on with its stretch
    stretch_gap_s: float = 1.0  # by hand: without a longer gap
    missing: int = 3  # by hand: what an answer may be said to lack
    alike: float = 0.6  # by hand: two open answers say the same from this closeness on
    rules_agree: float = 0.8  # by hand: the rules would have answered with a note from this share of the best one's on


@dataclass(frozen=True, slots=True)
class LookingRules:
    """How frames are chosen and shown. T* is arXiv 2504.02259, VideoAgent 2403.10517."""

    look_share: float = 0.75  # by hand: of what is left, what rounds may look at; the rest is for verification
    asking_share: float = 0.7  # by hand: of a round's requests, those that a search may make, one a thing and frame
    naming_frames: int = 8  # T*: the frames after which targets are named
    naming_share: int = 4  # by hand: none is spent on that of fewer left than so many times those
    hits: int = 12  # by hand: hits whose videos are searched
    unrecalled: int = 16  # by hand: videos that are searched where nothing was recalled
    things: int = 3  # by hand: targets, and cues, that are looked for at once
    group_gap_s: float = 8.0  # by hand: frames further apart are not shown together: nothing would tie them
    frame_s: float = 1.0  # the spacing of embedded frames: what a frame stands for
    videos: int = 8  # by hand, for time: of so many a program over time looks at all, of more at those recalled
    beside: float = 0.5  # by hand: what an answer is compared with is shown after what it is
    first_looks: int = 5  # VideoAgent: frames of the first round
    needs: int = 3  # by hand: segments of a further round
    segment_s: float = 1.0  # by hand: no segment is shorter
    rated_two: float = 0.25  # by hand: closeness to the question rated 2 without a chat model
    rated_three: float = 0.5  # by hand: and 3


@dataclass(frozen=True, slots=True)
class VerifyingRules:
    """How claims are kept and an answer is trusted; `lvqa.agents.calibration` is fitted behind it."""

    keep: float = 0.5  # even odds: the support that keeps a claim
    keep_words: float = 0.3  # by hand: words compared with words say less than a model that read both
    base: float = 0.4  # by hand: of the support, what a chat model's answer is worth at least
    closeness: float = 0.2  # by hand: and more where its notes come close to the question
    agreement: float = 0.15  # by hand: where ways to it agree
    own: float = 0.25  # by hand: where it is sure of itself
    swing: float = 0.1  # by hand: from no to full agreement, for an open answer by rules
    sure: float = 0.6  # by hand: below it an answer is looked at again while rounds and budget last
    look_rounds: int = 3  # VideoAgent (arXiv 2403.10517)
    look_sure: float = 2 / 3  # VideoAgent: a confidence of 3 of 3
    evidence: int = 8  # by hand: pieces that are shown
    nearest: int = 3  # by hand: pieces that are shown where there is no answer
    same_text_s: float = 1.0  # the spacing of frames that are read: readings of one text this near are one


@dataclass(frozen=True, slots=True)
class QuotingRules:
    """How an answer is quoted or chosen from notes without a model, and what title cards have in common."""

    unrelated: float = 0.1  # by hand: closeness below which notes have nothing to do with a question
    computed: float = 0.7  # by hand: a reading by rule of which notes tell of what
    summed: float = 0.6  # by hand: what was written of a whole video, or stands in a stretch, as an answer
    whole: float = 0.99  # a summary this long beside the longest is of the whole: spans are rounded
    most_summed: int = 8  # by hand: videos that are told of
    most_narrated: int = 4  # by hand: notes of a stretch that are told
    others: float = 0.8  # by hand: notes this close beside the best one say the same
    most_others: int = 2  # by hand: of which so many are cited
    agree_s: float = 30.0  # by hand: and agree with it this near
    beside: float = 0.8  # by hand: text on the screen is this close beside the notes of its time
    in_named_time: float = 0.6  # by hand: and this close where the question names its time
    first: float = 0.5  # by hand: and comes first from this share of other notes' on
    title: float = 0.85  # by hand: a title card found by its form alone
    whole_title: float = 0.8  # by hand: the score of one without a doubt
    title_lead: float = 0.1  # by hand: how far it leads where it has no rival
    wordy: float = 0.2  # by hand: weights of a title's score: the share of its letters in words
    stands: float = 0.2  # by hand: how long it stands
    follows: float = 0.2  # by hand: whether it follows "presents"
    at_edge: float = 0.1  # by hand: whether it stands at the opening or the end
    headed: float = 0.1  # by hand: its capitals
    near: float = 0.2  # by hand: its closeness to the question
    long_s: float = 4.0  # by hand: it stands its time from here on
    follows_s: float = 20.0  # by hand: it follows "presents" up to so much later
    overlaps_s: float = 1.0  # by hand: or begins so much before its end
    edge_s: float = 120.0  # by hand: the opening and the end of a film
    edge_share: float = 0.25  # by hand: and at most this share of it
    run_gap_s: float = 1.0  # by hand: the gap between readings of one card
    letters: int = 3  # by hand: what has fewer is no title, nor what has fewer for each of its digits
    words: int = 12  # by hand: nor what has more words
    wordiness: float = 0.3  # by hand: nor what has less of its letters in words
    word_letters: int = 3  # by hand: of so many letters; words that are longer have to be capitals
    weights: tuple[float, ...] = (13.8, -3.0, 7.1, 0.75, -1.3)  # fitted (`choice`): nats a unit of `choice.MEASURES`
    words_alone: float = 6.0  # by hand: how fast shares follow words where there is no embedder
    standing_out: int = 5  # by hand: notes that stand out for an option
    rarity: float = 0.1  # by hand: what a word that every note has still weighs
    most_read: int = 4000  # by hand, for time: notes that are read for options, all of them
    most_videos: int = 8  # by hand, for time: of so many videos


READING, LOOKING, VERIFYING, QUOTING = ReadingRules(), LookingRules(), VerifyingRules(), QuotingRules()
