// SPDX-License-Identifier: Apache-2.0
// Network devices: rtnetlink, generic netlink, ethtool, namespaces.
#ifndef CMARTLETLINUX_LINK_H
#define CMARTLETLINUX_LINK_H

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/// ioctl is variadic, and ifreq a union of macros. `command` is one of ethtool's structures. Returns 0, or the error
/// number.
static inline int CMartletLinux_ethtool(int socket, const char *device, void *command) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strncpy(request.ifr_name, device, IFNAMSIZ - 1);
    request.ifr_data = (char *)command;
    return ioctl(socket, SIOCETHTOOL, &request) == 0 ? 0 : errno;
}

/// The socket types are an enum that Swift will not convert, and SOCK_CLOEXEC is in it. Returns the socket, or -1 and
/// errno.
static inline int CMartletLinux_rawSocket(int family, int protocol) {
    return socket(family, SOCK_RAW | SOCK_CLOEXEC, protocol);
}

/// Receives one netlink datagram without waiting. Returns its length, or the negative error number; a datagram that
/// was cut short is -EMSGSIZE.
static inline long CMartletLinux_receiveDatagram(int socket, void *buffer, size_t capacity, int wait) {
    long length = recv(socket, buffer, capacity, MSG_TRUNC | (wait ? 0 : MSG_DONTWAIT));
    if (length < 0) return -(long)errno;
    return (size_t)length > capacity ? -(long)EMSGSIZE : length;
}

/// setns and unshare are hidden behind _GNU_SOURCE. They move the calling thread only. Return 0, or the error number.
static inline int CMartletLinux_enterNetwork(int namespaceFile) {
    return setns(namespaceFile, CLONE_NEWNET) == 0 ? 0 : errno;
}
static inline int CMartletLinux_newNetwork(void) { return unshare(CLONE_NEWNET) == 0 ? 0 : errno; }

#endif
