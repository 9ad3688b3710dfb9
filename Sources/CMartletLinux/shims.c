// SPDX-License-Identifier: Apache-2.0
// SwiftPM wants a source file in a C target; everything is inline in the headers.
#include "CMartletLinux.h"
