// SPDX-License-Identifier: Apache-2.0
// TAP devices: Ethernet devices of the kernel whose other end is a file descriptor.
#ifndef CMARTLETLINUX_TAP_H
#define CMARTLETLINUX_TAP_H

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/// Opens the device with which TAP devices are made. open is variadic; its error is wanted apart from the next one's.
/// Returns the descriptor, or the negative error number.
static inline int CMartletLinux_openTunnelControl(void) {
    int file = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return file >= 0 ? file : -errno;
}

/// Makes `file` a queue of the TAP device `name`, which is created unless it exists. No virtio-net header, no packet
/// information. ioctl is variadic, ifreq a union of macros. Returns 0, or the error number.
static inline int CMartletLinux_attachTap(int file, const char *name, int manyQueues) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TAP | IFF_NO_PI | (manyQueues ? IFF_MULTI_QUEUE : 0);
    return ioctl(file, TUNSETIFF, &request) == 0 ? 0 : errno;
}

/// Reads one frame. errno costs a call in Swift. Returns its length, or the negative error number.
static inline long CMartletLinux_readTap(int file, void *bytes, size_t capacity) {
    long length = read(file, bytes, capacity);
    return length >= 0 ? length : -(long)errno;
}

/// Writes one frame. Returns 0, or the error number.
static inline int CMartletLinux_writeTap(int file, const void *bytes, size_t count) {
    return write(file, bytes, count) >= 0 ? 0 : errno;
}

/// Whether the queue still has a device: one that was deleted has not, one that was moved to another network namespace
/// has.
static inline int CMartletLinux_hasTap(int file) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    return ioctl(file, TUNGETIFF, &request) == 0;
}

/// Makes `old` another name for what `new` is, closing what it was, in one step. Returns 0, or the error number.
static inline int CMartletLinux_replaceDescriptor(int new, int old) {
    return dup3(new, old, O_CLOEXEC) >= 0 ? 0 : errno;
}

#endif
