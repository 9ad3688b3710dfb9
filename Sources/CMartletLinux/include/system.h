// SPDX-License-Identifier: Apache-2.0
// Kernel calls whose glibc wrappers are variadic, macros, or absent.
#ifndef CMARTLETLINUX_SYSTEM_H
#define CMARTLETLINUX_SYSTEM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <pthread.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/// cpu_set_t is manipulated by macros only. Returns 0, or the error number.
static inline int CMartletLinux_pinThisThread(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/// The cores that this process may run on, as a bit mask of the first 64.
static inline uint64_t CMartletLinux_allowedCores(void) {
    cpu_set_t set;
    uint64_t mask = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    for (int cpu = 0; cpu < 64; cpu++)
        if (CPU_ISSET(cpu, &set)) mask |= 1ull << cpu;
    return mask;
}

/// A counter to wake a sleeping poll(2) with; hidden from Swift's Glibc module. -1 and errno on failure.
static inline int CMartletLinux_eventDescriptor(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }

/// poll(2) to the nanosecond; ppoll is hidden behind _GNU_SOURCE.
static inline int CMartletLinux_poll(struct pollfd *descriptors, unsigned long count, uint64_t nanoseconds) {
    struct timespec timeout = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
    return ppoll(descriptors, count, &timeout, 0);
}

/// Names the calling thread, at most 15 bytes; hidden behind _GNU_SOURCE.
static inline void CMartletLinux_nameThisThread(const char *name) { pthread_setname_np(pthread_self(), name); }

/// memfd_create is hidden behind _GNU_SOURCE, which Swift's Glibc module does not define.
static inline int CMartletLinux_memfd(const char *name) { return memfd_create(name, MFD_CLOEXEC); }

/// MAP_FAILED is a cast expression, which Swift cannot import.
static inline void *CMartletLinux_mapAnonymous(size_t bytes, int huge) {
    void *memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (huge ? MAP_HUGETLB : 0), -1, 0);
    return memory == MAP_FAILED ? 0 : memory;
}

/// Shared mapping of a file, from its start; NULL and errno on failure.
static inline void *CMartletLinux_mapShared(int file, size_t bytes, int writable) {
    void *memory = mmap(0, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, file, 0);
    return memory == MAP_FAILED ? 0 : memory;
}

#endif
