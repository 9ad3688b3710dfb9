// SPDX-License-Identifier: Apache-2.0
// libpcap: filters in tcpdump's language, capture files. Behind opaque handles, because <pcap/bpf.h> and the kernel's
// <linux/bpf.h>, which libbpf needs, both define struct bpf_insn: no translation unit can include both.
#ifndef CMARTLETLINUX_CAPTURE_H
#define CMARTLETLINUX_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

/// Room for any error text of libpcap (PCAP_ERRBUF_SIZE).
#define CMartletLinux_captureErrorSize 256

typedef struct CMartletLinux_filter CMartletLinux_filter;

/// Compiles an expression for Ethernet frames. Returns NULL and libpcap's words in `error` when it is not one.
CMartletLinux_filter *CMartletLinux_compileFilter(const char *expression, char *error);
/// Runs the filter's program over a frame. Any thread; does not allocate.
int CMartletLinux_matchFilter(const CMartletLinux_filter *filter, const void *bytes, uint32_t count);
void CMartletLinux_freeFilter(CMartletLinux_filter *filter);

/// DLT_EN10MB.
#define CMartletLinux_linkTypeEthernet 1

typedef struct CMartletLinux_capture CMartletLinux_capture;

struct CMartletLinux_captureRecord {
    const void *bytes; // Valid until the next record is read.
    uint32_t count;
    uint32_t wireLength; // As it was on the wire: more than `count` when the capture cut frames short.
    uint64_t nanoseconds; // Since 1970.
};

/// Opens a pcap or pcapng file. Returns NULL and fills in `error`; `*systemError` is the error number of open(2), or 0
/// when the file is there but not a capture. `*linkType` is a DLT_ number.
CMartletLinux_capture *CMartletLinux_openCapture(const char *path, int *linkType, int *systemError, char *error);
/// 1: a record, 0: the end, -1: broken, with libpcap's words in `error`.
int CMartletLinux_readCapture(
    CMartletLinux_capture *capture, struct CMartletLinux_captureRecord *record, char *error);
void CMartletLinux_closeCapture(CMartletLinux_capture *capture);
/// libpcap's description of a link type, NULL when it knows none.
const char *CMartletLinux_linkTypeDescription(int linkType);

typedef struct CMartletLinux_captureOutput CMartletLinux_captureOutput;

/// Creates, or empties, a pcap file of Ethernet frames. Returns NULL and the error number in `*systemError`.
CMartletLinux_captureOutput *CMartletLinux_createCapture(const char *path, int nanosecondGrain, int *systemError);
/// Appends a record; buffered. Returns 0, or the error number.
int CMartletLinux_writeCapture(
    CMartletLinux_captureOutput *output, const void *bytes, uint32_t count, uint64_t nanoseconds);
/// Brings what was written to the kernel. Returns 0, or the error number.
int CMartletLinux_flushCapture(CMartletLinux_captureOutput *output);
/// Flushes and closes. Returns 0, or the error number of the flush.
int CMartletLinux_closeCaptureOutput(CMartletLinux_captureOutput *output);

#endif
