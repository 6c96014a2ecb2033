"""A model of PyTorch's CUDA caching allocator: from mallocs and frees to reserved memory.

Rules, from c10/cuda/CUDACachingAllocator.cpp with its default settings: sizes round up to 512
bytes; up to 1 MiB come out of 2 MiB segments, less than 10 MiB out of 20 MiB segments, larger ones
get a segment of their own size rounded up to 2 MiB; the smallest free block that fits is taken, at
equal sizes the one with the lowest address; a block is split unless what would be left is too
small (under 512 bytes, or up to 1 MiB in the pool of large blocks: then the whole block counts as
allocated); freed blocks merge with free neighbours; segments are given back only when memory runs
out or the cache is emptied. Addresses are not known beforehand; the driver hands out new segments
downwards, so later segments sort first here.
"""

from __future__ import annotations

from bisect import bisect_left, insort

MIB = 2**20
SMALL = MIB  # largest block of the small pool
SMALL_SEGMENT = 2 * MIB
MIDDLE_SEGMENT = 20 * MIB
MIDDLE = 10 * MIB  # from this size on, a block has its own segment
ROUND = 512
SPAN = 2**44  # distance of two segments' addresses: more than any segment's size


class OutOfMemory(Exception):
    """The replay needed more than the limit, even with an empty cache."""


class Block:
    """A piece of a segment: address, bytes, whether in use, and its neighbours."""

    __slots__ = ("address", "before", "next", "size", "small", "used")

    def __init__(self, address: int, size: int, small: bool) -> None:
        self.address = address
        self.size = size
        self.small = small
        self.used = False
        self.before: Block | None = None
        self.next: Block | None = None


class Allocator:
    """Replay `malloc` and `free`; `allocated`, `reserved` and their peaks are in bytes.

    With a `limit`, running out first empties the cache, as PyTorch does, then raises OutOfMemory.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.allocated = 0
        self.reserved = 0
        self.peak_allocated = 0
        self.peak_reserved = 0
        self._segments = 0
        # Free blocks of the large and the small pool, sorted by size, then address.
        self._free: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        self._by_address: dict[int, Block] = {}

    def malloc(self, size: int) -> Block:
        """A block of at least `size` bytes."""
        size = max(ROUND, -(-size // ROUND) * ROUND)
        small = size <= SMALL
        pool = self._free[small]
        at = bisect_left(pool, (size, -1 << 62))
        found = at < len(pool)
        block = self._by_address[pool.pop(at)[1]] if found else self._segment(size, small)
        rest = block.size - size
        if rest >= ROUND if small else rest > SMALL:
            tail = Block(block.address + size, rest, small)
            tail.before, tail.next = block, block.next
            if block.next is not None:
                block.next.before = tail
            block.next, block.size = tail, size
            self._by_address[tail.address] = tail
            insort(pool, (rest, tail.address))
        block.used = True
        self.allocated += block.size
        if self.allocated > self.peak_allocated:
            self.peak_allocated = self.allocated
        return block

    def free(self, block: Block) -> None:
        """Give a block back to its pool."""
        self.allocated -= block.size
        block.used = False
        pool = self._free[block.small]
        for other in (block.before, block.next):
            if other is None or other.used:
                continue
            pool.pop(bisect_left(pool, (other.size, other.address)))
            first, second = (other, block) if other is block.before else (block, other)
            first.size += second.size
            first.next = second.next
            if second.next is not None:
                second.next.before = first
            del self._by_address[second.address]
            first.used = False
            block = first
        insort(pool, (block.size, block.address))

    def empty_cache(self) -> None:
        """Give back every segment that is wholly free."""
        for pool in self._free:
            for size, address in list(pool):
                block = self._by_address[address]
                if block.before is None and block.next is None:
                    pool.remove((size, address))
                    del self._by_address[address]
                    self.reserved -= size

    def _segment(self, size: int, small: bool) -> Block:
        if small:
            size = SMALL_SEGMENT
        elif size < MIDDLE:
            size = MIDDLE_SEGMENT
        else:
            size = -(-size // SMALL_SEGMENT) * SMALL_SEGMENT
        if self.limit is not None and self.reserved + size > self.limit:
            self.empty_cache()
            if self.reserved + size > self.limit:
                raise OutOfMemory
        self._segments += 1
        block = Block(-self._segments * SPAN, size, small)
        self._by_address[block.address] = block
        self.reserved += size
        self.peak_reserved = max(self.peak_reserved, self.reserved)
        return block
