// SPDX-License-Identifier: Apache-2.0
// Counts what a thread allocates, retains and releases, for tests which say that this is nothing.
#ifndef CALLOCATIONCOUNTER_H
#define CALLOCATIONCOUNTER_H

#include <stdint.h>

struct CAllocationCounter_counts {
    uint64_t allocations;
    uint64_t retains;
    uint64_t releases;
};

// An executable that links this counts from its start: it has the allocator's and the Swift runtime's functions that
// count references itself, and passes on to theirs. Under a sanitizer, which has an allocator of its own, allocations are
// not counted.

/// What the calling thread did so far.
struct CAllocationCounter_counts CAllocationCounter_thisThread(void);

#endif
