// SPDX-License-Identifier: Apache-2.0
// timerfd(2), which Swift's Glibc module does not have.
#ifndef CMARTLETLINUX_TIMER_H
#define CMARTLETLINUX_TIMER_H

#include <errno.h>
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>

/// A timer on the monotonic clock whose descriptor becomes readable when it expires; -1 and errno on failure.
static inline int CMartletLinux_timerDescriptor(void) {
    return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
}

/// Expires once, `nanoseconds` from now; 0 disarms. Either way it is not readable until then. Returns 0, or the error
/// number.
static inline int CMartletLinux_setTimer(int timer, uint64_t nanoseconds) {
    struct itimerspec when = {
        .it_value.tv_sec = (time_t)(nanoseconds / 1000000000u),
        .it_value.tv_nsec = (long)(nanoseconds % 1000000000u),
    };
    return timerfd_settime(timer, 0, &when, 0) == 0 ? 0 : errno;
}

#endif
