"""Short retries inside one attempt to deliver, for faults in which surely nothing was sent; longer waits are rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from watcher.core import Outcome, Retry

TRIES = 3


async def attempt(send: Callable[[], Awaitable[Outcome]], sleep: Callable[[float], Awaitable[None]]) -> Outcome:
    """Return what `send` came to, tried up to three times within seconds while surely nothing left this machine."""
    from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt, wait_random_exponential

    async def once() -> Outcome:
        return await send()

    def last(state: RetryCallState) -> Outcome:
        assert state.outcome is not None
        outcome: Outcome = state.outcome.result()
        return outcome

    return await AsyncRetrying(
        sleep=sleep,
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=0.5, max=2),
        retry=retry_if_result(_unsent),
        retry_error_callback=last,
    )(once)


def _unsent(outcome: Outcome) -> bool:
    """Whether trying again at once cannot make two messages: a Retry that asks for no wait and knows."""
    return isinstance(outcome, Retry) and not outcome.unknown and outcome.after is None
