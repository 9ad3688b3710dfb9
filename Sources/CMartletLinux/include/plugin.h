// SPDX-License-Identifier: Apache-2.0
// What a plugin's file says about how it was built, so that the host can judge it before it maps it.
#ifndef CMARTLETLINUX_PLUGIN_H
#define CMARTLETLINUX_PLUGIN_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <gelf.h>
#include <stdint.h>

/// The library's version: the one place where it is written.
#define MARTLET_VERSION "0.1.0"

/// An ELF note (elf(5)): `readelf -n` lists it. A C constant because Swift has no way to put text into a section.
struct CMartletLinux_PluginNote {
    uint32_t nameSize;
    uint32_t textSize;
    uint32_t type;
    char name[8];
    /// Two strings, each with its NUL: the library's version, and the compiler's. The clang inside swiftc names the
    /// revision that both were built from, which tells even nightly compilers apart.
    char text[sizeof(MARTLET_VERSION "\0" __VERSION__)];
};

#define MARTLET_PLUGIN_NOTE_SECTION ".note.martlet"
#define MARTLET_PLUGIN_NOTE_NAME "Martlet"
#define MARTLET_PLUGIN_NOTE_TYPE 1

/// Internal to each image that asks for it, so that a plugin carries what it was compiled with, not what the host has.
static const struct CMartletLinux_PluginNote CMartletLinux_note
    __attribute__((used, section(MARTLET_PLUGIN_NOTE_SECTION), aligned(4))) = {
        sizeof(MARTLET_PLUGIN_NOTE_NAME),
        sizeof(MARTLET_VERSION "\0" __VERSION__),
        MARTLET_PLUGIN_NOTE_TYPE,
        MARTLET_PLUGIN_NOTE_NAME,
        MARTLET_VERSION "\0" __VERSION__,
};

/// The two strings of this image's note. Swift emits the note only into images that call this.
static inline const char *CMartletLinux_pluginNoteText(void) { return CMartletLinux_note.text; }

/// The file of the image that this is compiled into, or NULL; dladdr is hidden behind _GNU_SOURCE.
static inline const char *CMartletLinux_imagePath(void) {
    Dl_info info;
    return dladdr((const void *)&CMartletLinux_note, &info) != 0 ? info.dli_fname : 0;
}

#endif
