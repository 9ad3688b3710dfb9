// SPDX-License-Identifier: Apache-2.0
#include "capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(CMartletLinux_captureErrorSize >= PCAP_ERRBUF_SIZE, "libpcap's error texts need more room");

/// Longer frames exist nowhere; libpcap refuses records beyond this as nonsense.
enum { longestFrame = 262144 };

static void setError(char *error, const char *text) {
    snprintf(error, CMartletLinux_captureErrorSize, "%s", text);
}

struct CMartletLinux_filter {
    struct bpf_program program;
};

CMartletLinux_filter *CMartletLinux_compileFilter(const char *expression, char *error) {
    CMartletLinux_filter *filter = calloc(1, sizeof *filter);
    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, longestFrame);
    if (!filter || !pcap) {
        setError(error, "out of memory");
    } else if (pcap_compile(pcap, &filter->program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0) {
        pcap_close(pcap);
        return filter;
    } else {
        setError(error, pcap_geterr(pcap));
    }
    if (pcap) pcap_close(pcap);
    free(filter);
    return NULL;
}

int CMartletLinux_matchFilter(const CMartletLinux_filter *filter, const void *bytes, uint32_t count) {
    return bpf_filter(filter->program.bf_insns, bytes, count, count) != 0;
}

void CMartletLinux_freeFilter(CMartletLinux_filter *filter) {
    pcap_freecode(&filter->program);
    free(filter);
}

struct CMartletLinux_capture {
    pcap_t *pcap;
};

CMartletLinux_capture *CMartletLinux_openCapture(const char *path, int *linkType, int *systemError, char *error) {
    *systemError = 0;
    // libpcap would say "No such file" and "not a capture" in one and the same way; "e" is close-on-exec.
    FILE *file = fopen(path, "re");
    if (!file) {
        *systemError = errno;
        return NULL;
    }
    CMartletLinux_capture *capture = calloc(1, sizeof *capture);
    if (capture) capture->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
    if (!capture || !capture->pcap) {
        fclose(file);
        free(capture);
        return NULL;
    }
    *linkType = pcap_datalink(capture->pcap);
    return capture;
}

int CMartletLinux_readCapture(
    CMartletLinux_capture *capture, struct CMartletLinux_captureRecord *record, char *error) {
    struct pcap_pkthdr *header;
    const u_char *bytes;
    switch (pcap_next_ex(capture->pcap, &header, &bytes)) {
    case 1:
        record->bytes = bytes;
        record->count = header->caplen;
        record->wireLength = header->len;
        // With nanosecond precision tv_usec holds nanoseconds. A file may claim any time: unsigned, it just wraps.
        record->nanoseconds = (uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec;
        return 1;
    case PCAP_ERROR_BREAK:
        return 0;
    default:
        setError(error, pcap_geterr(capture->pcap));
        return -1;
    }
}

void CMartletLinux_closeCapture(CMartletLinux_capture *capture) {
    pcap_close(capture->pcap);
    free(capture);
}

const char *CMartletLinux_linkTypeDescription(int linkType) { return pcap_datalink_val_to_description(linkType); }

struct CMartletLinux_captureOutput {
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    uint32_t fractionDivisor;
};

CMartletLinux_captureOutput *CMartletLinux_createCapture(const char *path, int nanosecondGrain, int *systemError) {
    FILE *file = fopen(path, "we");
    if (!file) {
        *systemError = errno;
        return NULL;
    }
    errno = 0;
    CMartletLinux_captureOutput *output = calloc(1, sizeof *output);
    if (output) {
        output->fractionDivisor = nanosecondGrain ? 1 : 1000;
        output->pcap = pcap_open_dead_with_tstamp_precision(
            DLT_EN10MB, longestFrame, nanosecondGrain ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO);
        if (output->pcap) output->dumper = pcap_dump_fopen(output->pcap, file);
        if (output->dumper) return output;
        if (output->pcap) pcap_close(output->pcap);
    }
    *systemError = errno ? errno : EIO;
    fclose(file);
    free(output);
    return NULL;
}

/// stdio keeps only the fact of an error; errno is right when the failing call was the last one.
static int streamError(CMartletLinux_captureOutput *output) {
    if (!ferror(pcap_dump_file(output->dumper))) return 0;
    return errno ? errno : EIO;
}

int CMartletLinux_writeCapture(
    CMartletLinux_captureOutput *output, const void *bytes, uint32_t count, uint64_t nanoseconds) {
    struct pcap_pkthdr header = {
        .ts.tv_sec = (time_t)(nanoseconds / 1000000000u),
        .ts.tv_usec = (suseconds_t)(nanoseconds % 1000000000u / output->fractionDivisor),
        .caplen = count,
        .len = count,
    };
    errno = 0;
    pcap_dump((u_char *)output->dumper, &header, bytes);
    return streamError(output);
}

int CMartletLinux_flushCapture(CMartletLinux_captureOutput *output) {
    errno = 0;
    if (pcap_dump_flush(output->dumper) != 0) return errno ? errno : EIO;
    return streamError(output);
}

int CMartletLinux_closeCaptureOutput(CMartletLinux_captureOutput *output) {
    int failure = CMartletLinux_flushCapture(output);
    pcap_dump_close(output->dumper);
    pcap_close(output->pcap);
    free(output);
    return failure;
}
