// SPDX-License-Identifier: Apache-2.0
// Processor instructions that Swift has no spelling for.
#ifndef CMARTLETLINUX_PROCESSOR_H
#define CMARTLETLINUX_PROCESSOR_H

#include <stdint.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

/// Time stamp counter: constant-rate ticks, not core cycles. Not ordered against neighbouring instructions.
static inline __attribute__((always_inline)) uint64_t CMartletLinux_clock(void) {
#if defined(__x86_64__)
    return __rdtsc();
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
#error "no cycle counter known for this processor"
#endif
}

/// Brings the cache line at `address` towards the core for reading. Never faults.
static inline __attribute__((always_inline)) void CMartletLinux_prefetch(const void *address) {
    __builtin_prefetch(address, 0, 3);
}

/// The same, for a line that will be written.
static inline __attribute__((always_inline)) void CMartletLinux_prefetchForWrite(const void *address) {
    __builtin_prefetch(address, 1, 3);
}

/// Tells a sibling hyperthread that this one is spinning.
static inline __attribute__((always_inline)) void CMartletLinux_pause(void) {
#if defined(__x86_64__)
    _mm_pause();
#else
    __asm__ volatile("yield");
#endif
}

#endif
