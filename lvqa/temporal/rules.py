"""How programs over time look, trust and match: every number of it in one frozen record, with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TemporalRules:
    """The rules of programs over time, in seconds, in shares and probabilities in [0, 1], and in numbers of looks.

    What is measured has its table in eval/LOG.md, under "Programs over time" or the heading that is named. All else was
    set by hand on the world's videos; curves fitted behind it (`lvqa.agents.calibration`) mend what it gets wrong of
    confidence. Sizes of replies and tolerances of clocks are no rules, and stand where they are used.
    """

    # A look, and what many that agree are worth (`agreed`).
    yes: float = 0.5  # even odds: what the model leans to is taken out before (`zoom.scorers.calibrated`)
    misread: float = 0.42  # by hand: of frames that agree, the chance that each is misread as the others are
    counted_looks: int = 3  # by hand: frames of one stretch are misread alike, so more say no more
    trust: float = 0.97  # by hand: the most that a single frame of a measured length is trusted
    unconfirmed: float = 0.5  # by hand: of a yes that no frame beside it confirms, the share that stays as doubt
    # A search, and the ends of what it finds.
    fine_s: float = 0.25  # by hand: to what ends are found; the world's shortest events last twice that
    coarse_s: float = 1.0  # by hand: the same where looks are few, the spacing of embedded frames
    plenty: int = 16  # by hand: looks left for each search from which ends are fine
    first_step_s: float = 0.75  # by hand: the first step out from a frame; steps double
    reach_s: float = 240.0  # by hand: ends further away are not looked for
    width: int = 2  # by hand: candidates that a search alone looks at in one batch
    least_patience: int = 4  # by hand: refusals in a row that end a search, of few looks
    most_patience: int = 20  # by hand: the same, of many
    refusals: float = 0.6  # by hand: of what the budget leaves, the share that searches may spend on refusals
    # A length.
    measured_s: float = 8.0  # by hand, for the cost: longer ones are measured by their ends alone
    margin_s: float = 1.0  # by hand: how much around a stretch is looked at to measure it
    least_measured: int = 3  # frames without which there is no length to weigh: one inside, one on either side
    unmeasured: float = 0.4  # by hand: how sure a length is for which too few frames could be had
    sharp: float = 0.9  # by hand: how sure a long one is of which both ends were found
    blunt: float = 0.4  # by hand: and of which they were not
    # Where a thing may be, beside z-scores of the visual channel.
    caption: float = 6.0  # measured ("Searching one video for a frame")
    speech: float = 3.0  # by hand: half a caption
    cue: float = 1.5  # by hand: a quarter of a caption
    said_after_s: float = 2.0  # by hand: what is said of a thing comes up to so much after it
    candidates: int = 48  # measured (the same): all but 6 % of targets stand among the first 48 seconds
    spread: int = 32  # by hand: times that halve a video of which nothing is known
    apart_s: float = 4.0  # measured: candidates nearer to a better one come last; half of a failed search went to them
    # Counting.
    near_s: float = 8.0  # measured: two sightings this near are asked in between, or one event is counted twice
    clear: float = 0.98  # measured: below it on two frames 3 of 7 sightings were events, and a crop tells them apart
    half: float = 0.3  # by hand: half the sides of that crop, as shares of the frame's
    between_s: float = 1.0  # by hand: between two sightings of one appearance a look at least so often
    same_s: float = 1.01  # the spacing of embedded frames: a candidate so near adds nothing, shorter gaps are not seen
    counted_ends: int = 6  # by hand: looks that the ends of one appearance take, about
    most_events: int = 12  # by hand: appearances that are counted
    # Comparing.
    as_likely: float = 0.5  # by hand: the share of a sighting's score from which rivals before it are looked at
    further: int = 3  # by hand: how many times that
    further_patience: int = 2  # by hand: refusals in a row that end that
    stays: int = 4  # by hand: intervals of each of two things that are compared for one time
    passes: int = 3  # by hand: times that what was not found is looked for again
    together_s: float = 4.0  # by hand: an order of things holds times this near for the same
    ends: int = 8  # by hand: looks that the ends of one interval take, about
    least_chance: float = 0.5  # even odds: the chance from which one of several videos shows a thing
    least_option: float = 0.3  # by hand: the chance from which one of several options is there
    earlier: float = 0.3  # by hand: of what an index hides, the share that would upset an order
    missed_first: float = 0.5  # by hand: so would half of what was not found, for what comes first
    one_missing: float = (
        0.9  # by hand: what an order with one thing missing is worth, shared by the options that fit it
    )
    # Changes of a thing that stays: gone, of another colour, elsewhere.
    gone: float = (
        0.2  # by hand: below it a thing that was there is gone; what is hard to see is there at less than `yes`
    )
    gap_reach_s: float = 8.0  # by hand: a thing is gone for less than this on either side of where it is not seen
    gaps_at_once: int = 3  # by hand: possible gaps that are looked into in one batch
    run_s: float = 12.0  # by hand: captions of a thing no further apart tell of one stay
    around_run_s: float = 4.0  # by hand: how much around a stay a thing may be gone
    inside_s: float = 0.5  # by hand: how far inside its ends a stay is looked at
    in_run: float = 2.0  # by hand: what being inside a stay adds to a z-score of absence
    as_usual: float = 1.0  # by hand: and frames around that look as usual
    usual: float = 0.9  # by hand: the quantile of a video's cosines that is usual where captions tell of no stay
    beside_end_s: float = 0.3  # by hand: frames so far on either side of an end tell a cut from a change
    cut: float = 6.0  # by hand: the median difference of blocks, of 255, from which a whole picture has changed
    blocks: int = 12  # by hand: blocks a side
    move_s: float = 1.0  # by hand: what is shown on either side of the moment of a move
    at_rest_s: tuple[float, ...] = (1.5, 3.0)  # by hand: when after a move a thing stands where it stays
    moved: float = 0.7  # by hand: how sure a move is
    moved_alike: float = 0.25  # by hand: and how much surer where all the rest stays as it was
    moved_on: float = 0.3  # by hand: how sure it is of a thing that does not come to rest
    moved_offered: float = 0.95  # by hand: how far two places on the sides of an offered stretch are trusted
    gone_sure: float = 0.9  # by hand: how sure it is that a thing is gone where nothing of its kind is seen
    gone_refused: float = 0.8  # by hand: where what is named in its place is not there when asked for
    gone_misread: float = 0.6  # by hand: where it is named itself
    gone_unlooked: float = 0.4  # by hand: where nothing could be looked at
    beside_s: float = 0.6  # by hand: so far outside an offered stretch things are as usual
    grid_s: float = 0.5  # by hand: an offered stretch is looked at so often
    # Readings.
    nothing: float = 0.6  # by hand: a frame hides a thing more easily than it invents one
    votes: int = 3  # by hand: frames that are asked
    sign_votes: int = 2  # by hand: frames on which a sign is read
    shown: float = 0.25  # the share of the frame's sides that shows a sign as large as the world's VLM reads it
    shift: float = 0.06  # by hand: how far that is moved where it says nothing
    named_s: float = 10.0  # by hand: a stretch up to this is looked at as it is named, a longer one is searched
    whens: int = 2  # by hand: intervals that "when" tells of
    # Confidence.
    most: float = 0.95  # by hand: nothing is surer
    hidden: float = 0.06  # by hand, from events of half a second to four: what two frames a second miss
    hidden_a_second: float = 0.2  # the same: what each second between frames beyond half a one hides: a sixth at 1 s
    hidden_beyond: float = 0.03  # the same: beyond two seconds
    dense_s: float = 0.5  # the shortest events: frames nearer than this see them all
    sparse_s: float = 2.0  # by hand: frames further apart than this miss most
    unseen: float = 0.7  # by hand: what may be hidden where nothing was seen
    unlooked: float = 0.5  # by hand: what a search that looked at nothing is worth
    starved: float = 0.7  # by hand: and one that the budget ended
    doubt: float = 0.5  # by hand: of the doubt about a refusal, the share that speaks against an absence
    after_all: float = 0.6  # by hand: of what may be hidden, the chance that what was looked for is
    least_odds: float = 0.01  # by hand: no chance counts for less, nor for more than the rest of it, among options
    # How well an option fits.
    near_option_s: float = 3.0  # by hand: a stretch this near to an option's may be the one that it means
    near_stretch: float = 0.6  # by hand: how well that fits
    same_number: float = 0.3  # by hand: rounding; half a second is another length
    near_number: float = 0.75  # by hand: off by less than one
    near_number_fit: float = 0.6  # by hand: how well that fits
    far_number: float = 1.5  # by hand: off by one
    far_number_fit: float = 0.35  # by hand: how well that fits
    holding: float = 0.9  # by hand: the one name that holds all words
    one_off: float = 0.4  # by hand: the one reading with one other character
    # Rows of notes.
    gap_s: float = 2.0  # by hand: closer than this, two tell of one happening: neighbouring clips, a caption and speech
    same_start_s: float = 0.25  # by hand: clips last half a second to eight, and do not tell starts apart


RULES = TemporalRules()


def agreed(looks: int) -> float:
    """How far frames that say the same are trusted, in [0, 1]: one may be misread, three in a row hardly are."""
    return 1 - RULES.misread ** min(looks, RULES.counted_looks)
