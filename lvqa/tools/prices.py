"""What models cost in money: prices a caller sets, and the sums that follow from them. Knows no model and no budget."""

from __future__ import annotations

from dataclasses import dataclass

from lvqa.errors import UsageError
from lvqa.settings import Settings

_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Money for a million tokens that the chat model reads and writes, for a frame looked at, and for a VLM call.

    0 is no price. A VLM's tokens are not priced: its frames and calls are. `currency` is a word that is only shown.
    """

    tokens_in: float = 0.0
    tokens_out: float = 0.0
    frame: float = 0.0
    call: float = 0.0
    currency: str = "USD"

    def __post_init__(self) -> None:
        if not min(self.tokens_in, self.tokens_out, self.frame, self.call) >= 0:
            raise UsageError(f"a price cannot be negative; got {self}")

    @classmethod
    def of(cls, settings: Settings) -> Prices:
        """The prices of the settings."""
        return cls(settings.price_in, settings.price_out, settings.price_frame, settings.price_call, settings.currency)

    @property
    def are_set(self) -> bool:
        """Whether anything has a price."""
        return self.chat_is_priced or self.looks_are_priced

    @property
    def chat_is_priced(self) -> bool:
        """Whether the chat model's tokens have a price."""
        return self.tokens_in > 0 or self.tokens_out > 0

    @property
    def looks_are_priced(self) -> bool:
        """Whether frames or VLM calls have a price."""
        return self.frame > 0 or self.call > 0

    @property
    def shown(self) -> str:
        """The currency where anything has a price, else nothing."""
        return self.currency if self.are_set else ""

    def chat(self, tokens_in: int, tokens_out: int) -> float:
        """Money for tokens of the chat model."""
        return (tokens_in * self.tokens_in + tokens_out * self.tokens_out) / _MILLION

    def looks(self, frames: int, calls: int = 0) -> float:
        """Money for frames looked at in so many VLM calls."""
        return frames * self.frame + calls * self.call


FREE = Prices()
