"""What a body is known by, taken while it comes: its length, MD5 and CRC-32; of small ones several at once."""

import hashlib
import math
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Final, cast

from isal import isal_zlib

from filmroom.blobs.md5lanes import LANES, Hasher, sum_up_one_by_one
from filmroom.model.resources import Digest

# To begin a thread costs a twentieth of what it takes to sum up as much.
_WORTH_A_THREAD_BYTES: Final = 1024 * 1024
# For how long after two bodies came at once it is taken that the next one will not be alone.
_COMPANY_SECONDS: Final = 0.1


class Summing:
    """Sums up a body as it comes."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._crc32 = 0
        self.size_bytes = 0

    def copy(self) -> "Summing":
        """The sum so far, to go on from twice."""
        copied = Summing()
        copied._md5, copied._crc32, copied.size_bytes = self._md5.copy(), self._crc32, self.size_bytes
        return copied

    def write(self, chunks: Sequence[bytes]) -> None:
        for chunk in chunks:
            self._md5.update(chunk)
            self._crc32 = isal_zlib.crc32(chunk, self._crc32)
            self.size_bytes += len(chunk)

    def write_beside(self, chunks: Sequence[bytes], write: Callable[[Sequence[bytes]], None]) -> None:
        """Have chunks written, and sum them up: both are done when this returns or raises what ``write`` raises.

        MD5 takes longer than all the rest of a large upload, and lets go of the interpreter's lock; so what is large is
        summed up in a thread of its own meanwhile. After an error it is not known whether the sum has the chunks.
        """
        if sum(map(len, chunks)) < _WORTH_A_THREAD_BYTES:
            write(chunks)
            self.write(chunks)
            return
        with ThreadPoolExecutor(1, "filmroom-sum") as thread:
            summed = self._begin_write(thread, chunks)
            write(chunks)
        if summed is None:
            self.write(chunks)
        else:
            summed.result()

    def _begin_write(self, thread: Executor, chunks: Sequence[bytes]) -> Future[None] | None:
        """None, and nothing will happen, where the system lets this process begin no more threads."""
        try:
            return thread.submit(self.write, chunks)
        except RuntimeError:
            return None

    def finish(self) -> Digest:
        return Digest(size_bytes=self.size_bytes, md5=self._md5.hexdigest(), crc32=self._crc32)


class JointSum:
    """The sum of a body that is whole and in memory: its MD5 is taken with that of others, at the latest when asked."""

    __slots__ = ("_crc32", "_digest", "_owner", "body")

    def __init__(self, body: bytes, owner: "JointSums") -> None:
        self.body = body
        self._crc32 = isal_zlib.crc32(body)
        self._owner = owner
        self._digest: Digest | None = None

    def get(self) -> Digest:
        if self._digest is None:
            self._owner.sum_up()
        return cast("Digest", self._digest)

    def tell(self, md5: str) -> None:
        """The first word counts: whoever is told again had let go of the body."""
        if self._digest is None:
            self._digest = Digest(size_bytes=len(self.body), md5=md5, crc32=self._crc32)
            self.body = b""


class JointSums:
    """Small bodies that wait to be summed up together, which takes a fraction of what each by itself does.

    Nobody is waited for: who needs a sum has all taken that wait (decision 0020). At most LANES - 1 bodies wait.
    Whoever takes a body in says so (``enter``), and when it is whole or given up (``leave``): where there is one at a
    time each is better summed up at once, while the disk writes it. Without a hasher that is so everywhere.
    """

    def __init__(self, hasher: Hasher | None) -> None:
        self._has_lanes = hasher is not None
        self._hasher = hasher or sum_up_one_by_one
        self._counting = threading.Lock()
        self._entered = 0
        self._last_together_at = -math.inf  # time.monotonic(), when there were two
        self._summing = threading.Lock()  # held while sums are taken, and to add to those who wait
        self._waiting: list[JointSum] = []

    def enter(self) -> None:
        with self._counting:
            self._entered += 1
            if self._entered > 1 or self._waiting:
                self._last_together_at = time.monotonic()

    def leave(self) -> None:
        with self._counting:
            self._entered -= 1

    def are_worth_it(self, chunks: Sequence[bytes], *, is_one_of_many: bool = False) -> bool:
        """Whether a body that has begun with these chunks should wait for others, if this is all of it."""
        if not self._has_lanes or not (is_one_of_many or self._had_company()):
            return False
        return sum(map(len, chunks)) < _WORTH_A_THREAD_BYTES

    def _had_company(self) -> bool:
        return time.monotonic() - self._last_together_at <= _COMPANY_SECONDS

    def add(self, body: bytes) -> JointSum:
        joint_sum = JointSum(body, self)
        with self._summing:
            self._waiting.append(joint_sum)
            if len(self._waiting) >= LANES:
                self._take_sums()
        return joint_sum

    def forget(self, total: Digest | JointSum) -> None:
        """Nobody will ask for it."""
        with self._summing:
            if total in self._waiting:
                self._waiting.remove(total)

    def sum_up_unless_more_come(self, total: Digest | JointSum) -> None:
        """Take the sums of all who wait, if this is one of them and no body is taken in that may still join them.

        For whoever has waited for the disk: others may still do that, and leave this process with nothing else to do.
        """
        if total in self._waiting and not self._entered:
            self.sum_up()

    def sum_up(self) -> None:
        """Take the sums of all who wait."""
        with self._summing:
            self._take_sums()

    def _take_sums(self) -> None:
        while self._waiting:
            first = self._waiting[:LANES]
            for joint_sum, md5 in zip(first, self._hasher([each.body for each in first]), strict=True):
                joint_sum.tell(md5)
            del self._waiting[:LANES]
