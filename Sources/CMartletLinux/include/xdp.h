// SPDX-License-Identifier: Apache-2.0
// AF_XDP sockets and BPF objects: libxdp and libbpf. Imported by the module Interfaces only.
#ifndef CMARTLETLINUX_XDP_H
#define CMARTLETLINUX_XDP_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <xdp/libxdp.h>
#include <xdp/xsk.h>

// Newer than the headers of the oldest supported distribution (Debian 12 ships Linux 6.1's).
enum {
    CMartletLinux_useMultiBuffer = 1 << 4, // XDP_USE_SG, Linux 6.6: a packet may span several chunks
    CMartletLinux_packetContinues = 1,     // XDP_PKT_CONTD: the next descriptor belongs to the same packet
    CMartletLinux_maxTransmitBudget = 9,   // XDP_MAX_TX_SKB_BUDGET, Linux 6.17: packets per sendto in copy mode
};

/// Asks the kernel to send what is on the transmit ring. Swift's errno costs a call and its MSG_ flags are not
/// integers. Returns 0, or the error number.
static inline int CMartletLinux_kick(int socket) {
    return sendto(socket, 0, 0, MSG_DONTWAIT, 0, 0) >= 0 ? 0 : errno;
}

/// Asks the driver to look at the fill ring. Returns 0, or the error number.
static inline int CMartletLinux_kickReceive(int socket) {
    return recvfrom(socket, 0, 0, MSG_DONTWAIT, 0, 0) >= 0 ? 0 : errno;
}

/// Where the messages of libbpf and libxdp go; `level` is 0 for a warning, 1 information, 2 debugging.
typedef void (*CMartletLinux_messageSink)(int level, const char *text);

/// The one place that holds the sink: both libraries know only a function, without a context.
static inline CMartletLinux_messageSink *CMartletLinux_sinkOfMessages(void) {
    static CMartletLinux_messageSink sink;
    return &sink;
}

static inline int CMartletLinux_formatMessage(int level, const char *format, va_list values) {
    char text[1024];
    CMartletLinux_messageSink sink = *CMartletLinux_sinkOfMessages();
    int length = vsnprintf(text, sizeof text, format, values);
    if (sink) sink(level, text);
    return length;
}

static inline int CMartletLinux_libbpfMessage(enum libbpf_print_level level, const char *format, va_list values) {
    return CMartletLinux_formatMessage(level, format, values);
}

static inline int CMartletLinux_libxdpMessage(enum libxdp_print_level level, const char *format, va_list values) {
    return CMartletLinux_formatMessage(level, format, values);
}

/// Both libraries print to standard error through a va_list, which Swift cannot take: format here, pass text on.
static inline void CMartletLinux_setMessageSink(CMartletLinux_messageSink sink) {
    *CMartletLinux_sinkOfMessages() = sink;
    libbpf_set_print(CMartletLinux_libbpfMessage);
    libxdp_set_print(CMartletLinux_libxdpMessage);
}

#endif
