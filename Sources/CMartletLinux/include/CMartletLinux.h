// SPDX-License-Identifier: Apache-2.0
// The only C in Martlet. Each part is a header of static-inline shims for what Swift cannot import
// (macros, inline assembly, variadic or ioctl-style calls); every symbol says why it is here.
#ifndef CMARTLETLINUX_H
#define CMARTLETLINUX_H

// Before any system header: the declarations behind it are what most shims are for.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "perf.h"
#include "processor.h"
#include "system.h"
#include "link.h"
#include "capture.h"
#include "editor.h"
#include "tap.h"
#include "timer.h"
#include "xdp.h"
#include "plugin.h"

#endif
