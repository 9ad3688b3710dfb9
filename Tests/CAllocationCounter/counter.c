// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CAllocationCounter.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

// In the executable, so that it costs nothing to find and needs no allocation of its own.
static __thread struct CAllocationCounter_counts counts;

struct CAllocationCounter_counts CAllocationCounter_thisThread(void) { return counts; }

// MARK: - The allocator

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)

// An executable's functions come before those of the libraries; glibc keeps its own under these names.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
    counts.allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
    counts.allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size) {
    counts.allocations++;
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    counts.allocations++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    counts.allocations++;
    void *found = __libc_memalign(alignment, size);
    if (!found) return ENOMEM;
    *memory = found;
    return 0;
}

#endif

// MARK: - The Swift runtime

// What compiled Swift code calls, here too as the executable's own. (The runtime can also divert them itself, for
// Instruments, but on Linux it then takes the texts in small strings for objects.)
#define COUNTED(counter, name) \
    void *name(void *object) { \
        static void *(*runtime)(void *); \
        if (!runtime) runtime = (void *(*)(void *))dlsym(RTLD_NEXT, #name); \
        counts.counter++; \
        return runtime(object); \
    }

#define COUNTED_MANY(counter, name) \
    void *name(void *object, uint32_t count) { \
        static void *(*runtime)(void *, uint32_t); \
        if (!runtime) runtime = (void *(*)(void *, uint32_t))dlsym(RTLD_NEXT, #name); \
        counts.counter += count; \
        return runtime(object, count); \
    }

COUNTED(retains, swift_retain)
COUNTED(retains, swift_tryRetain)
COUNTED(retains, swift_bridgeObjectRetain)
COUNTED(retains, swift_unownedRetain)
COUNTED(retains, swift_unownedRetainStrong)
COUNTED_MANY(retains, swift_retain_n)
COUNTED_MANY(retains, swift_bridgeObjectRetain_n)
COUNTED(releases, swift_release)
COUNTED(releases, swift_bridgeObjectRelease)
COUNTED(releases, swift_unownedRelease)
COUNTED_MANY(releases, swift_release_n)
COUNTED_MANY(releases, swift_bridgeObjectRelease_n)
