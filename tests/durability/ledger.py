"""What an archive was asked to do and answered, and so what it may hold. Pure: no I/O, and no clock but a count.

Each key (a file, a label) is a register. An attempt wants some keys to be in some states; it begins, and it ends when
its answer is there or cannot come any more. A key may hold what any attempt wanted that was not refused, unless an
acknowledged attempt began after that one had ended; the same goes for what was held before. An atomic attempt shows in
all of its keys or in none.
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from itertools import count
from math import inf
from typing import Final

State = str | None
"""What a key holds, such as the digest of a file's bytes; None where there is nothing."""

_BEFORE_ALL: Final = 0
_MOST_SHOWN: Final = 4


class Outcome(Enum):
    """What is known of an attempt. REFUSED: it certainly did nothing. UNKNOWN: no answer, or one that does not say."""

    ACKNOWLEDGED = auto()
    REFUSED = auto()
    UNKNOWN = auto()


@dataclass(eq=False, slots=True, kw_only=True)
class Attempt:
    wants: Mapping[str, State]
    begun_at: int
    is_atomic: bool = True
    ended_at: float = inf
    outcome: Outcome = Outcome.UNKNOWN


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A state that a key may have, and the attempt that wanted it; None for what was held before."""

    state: State
    ended_at: float
    attempt: Attempt | None


class Ledger:
    """Every operation since the truth was last settled. Safe to use from many threads."""

    def __init__(self) -> None:
        self._settled: dict[str, State] = {}
        self._attempts: list[Attempt] = []
        self._moments = count(_BEFORE_ALL + 1)
        self._lock = threading.Lock()
        self._is_closed = False

    def begin(self, wants: Mapping[str, State], *, is_atomic: bool = True) -> Attempt:
        """To be called before the request leaves."""
        with self._lock:
            attempt = Attempt(wants=wants, begun_at=next(self._moments), is_atomic=is_atomic)
            self._attempts.append(attempt)
            return attempt

    def end(self, attempt: Attempt, outcome: Outcome) -> None:
        """To be called once the answer is there, or it is certain that none will come."""
        with self._lock:
            attempt.ended_at = next(self._moments)
            is_late = self._is_closed and outcome is Outcome.ACKNOWLEDGED
            attempt.outcome = Outcome.UNKNOWN if is_late else outcome

    def close(self) -> None:
        """Take nothing for acknowledged any more, until the truth is settled: a disk is about to lose its power."""
        with self._lock:
            self._is_closed = True

    def count_attempts(self, outcome: Outcome) -> int:
        """How many attempts ended so since the truth was last settled."""
        return sum(attempt.outcome is outcome for attempt in self._attempts)

    def judge(self, held: Mapping[str, State]) -> list[str]:
        """What is wrong with an archive that holds this; empty when it keeps its promise. Nothing may be under way."""
        with self._lock:
            keys = sorted(self._settled.keys() | held.keys() | {key for item in self._attempts for key in item.wants})
            faults = [fault for key in keys if (fault := self._judge_key(key, held.get(key)))]
            return faults + [fault for attempt in self._attempts if (fault := self._judge_whole(attempt, held))]

    def settle(self, held: Mapping[str, State]) -> list[str]:
        """As ``judge``; and from now on this is what was held before, because what was seen once must stay."""
        faults = self.judge(held)
        self._settled = {key: state for key, state in held.items() if state is not None}
        self._attempts.clear()
        self._is_closed = False
        return faults

    def _iter_candidates(self, key: str) -> Iterator[_Candidate]:
        yield _Candidate(self._settled.get(key), _BEFORE_ALL, None)
        for attempt in self._attempts:
            if key in attempt.wants and attempt.outcome is not Outcome.REFUSED:
                yield _Candidate(attempt.wants[key], attempt.ended_at, attempt)

    def _judge_key(self, key: str, state: State) -> str | None:
        acknowledged = [
            attempt.begun_at
            for attempt in self._attempts
            if key in attempt.wants and attempt.outcome is Outcome.ACKNOWLEDGED
        ]
        latest = max(acknowledged, default=_BEFORE_ALL)
        allowed = {found.state for found in self._iter_candidates(key) if found.ended_at >= latest}
        if state in allowed:
            return None
        shown = sorted(map(_show, allowed))
        more = f" or {len(shown) - _MOST_SHOWN} others" if len(shown) > _MOST_SHOWN else ""
        return f"{key} is {_show(state)}; it may be {' or '.join(shown[:_MOST_SHOWN])}{more}"

    def _judge_whole(self, attempt: Attempt, held: Mapping[str, State]) -> str | None:
        """An attempt is torn when one key shows it and another has what can only have been there before it."""
        if not attempt.is_atomic or len(attempt.wants) == 1 or attempt.outcome is Outcome.REFUSED:
            return None
        shown = [key for key in attempt.wants if self._shows(attempt, key, held.get(key))]
        lacking = [key for key in attempt.wants if self._precedes(attempt, key, held.get(key))]
        return f"torn: {shown[0]} shows what {lacking[0]} does not" if shown and lacking else None

    def _shows(self, attempt: Attempt, key: str, state: State) -> bool:
        """Whether nobody else can have brought the key into its state."""
        wanted = [found.attempt for found in self._iter_candidates(key) if found.state == state]
        return wanted == [attempt]

    def _precedes(self, attempt: Attempt, key: str, state: State) -> bool:
        """Whether whatever brought the key into its state had ended before the attempt began."""
        wanted = [found for found in self._iter_candidates(key) if found.state == state]
        return bool(wanted) and all(found.ended_at < attempt.begun_at for found in wanted)


def _show(state: State) -> str:
    return "nothing" if state is None else state
