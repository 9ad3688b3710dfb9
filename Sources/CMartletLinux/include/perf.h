// SPDX-License-Identifier: Apache-2.0
// perf_event_open(2) has no wrapper in glibc, and its attribute is a struct of bit fields.
#ifndef CMARTLETLINUX_PERF_H
#define CMARTLETLINUX_PERF_H

#include <linux/perf_event.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum CMartletLinux_HardwareEvent {
    CMartletLinux_instructions = PERF_COUNT_HW_INSTRUCTIONS,
    CMartletLinux_cacheMisses = PERF_COUNT_HW_CACHE_MISSES,
};

/// Counts an event of the calling thread in user mode, in the group of `leader` (-1 starts a group).
/// Returns a descriptor, or -1 and errno where the machine or its policy has none.
static inline int CMartletLinux_openHardwareCounter(enum CMartletLinux_HardwareEvent event, int leader) {
    struct perf_event_attr attribute;
    memset(&attribute, 0, sizeof attribute);
    attribute.type = PERF_TYPE_HARDWARE;
    attribute.size = sizeof attribute;
    attribute.config = event;
    attribute.exclude_kernel = 1;
    attribute.exclude_hv = 1;
    attribute.read_format = PERF_FORMAT_GROUP;
    return (int)syscall(SYS_perf_event_open, &attribute, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
}

#endif
