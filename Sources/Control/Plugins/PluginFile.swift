// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Foundation
import Glibc
import Graph

/// A plugin's file as it lies on the disk: judged before the dynamic linker maps it and runs its initialisers.
struct PluginFile {
    /// With symbolic links resolved: the same library under two names is one.
    let path: String

    init(_ path: String) throws(PluginRefusal) {
        guard let resolved = realpath(path, nil) else { throw .unreadable(String(cString: strerror(errno))) }
        defer { free(resolved) }
        self.path = String(cString: resolved)
    }

    /// What the file's note says that it was built with.
    func readBuild() throws(PluginRefusal) -> PluginBuild {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .unreadable(String(cString: strerror(errno))) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notALibrary("no regular file") }
        _ = elf_version(UInt32(EV_CURRENT))
        guard let elf = elf_begin(descriptor, ELF_C_READ, nil) else { throw .notALibrary("no shared library") }
        defer { elf_end(elf) }
        try PluginFile.checkHeader(elf, size: status.st_size)
        guard let note = PluginFile.note(elf) else { throw .notAPlugin }
        return note
    }

    private static func checkHeader(_ elf: OpaquePointer, size: Int) throws(PluginRefusal) {
        var header = GElf_Ehdr()
        guard elf_kind(elf) == ELF_K_ELF, gelf_getehdr(elf, &header) != nil, Int32(header.e_type) == ET_DYN else {
            throw .notALibrary("no shared library")
        }
        guard gelf_getclass(elf) == ELFCLASS64, Int32(header.e_machine) == machine else {
            throw .notALibrary("a shared library for another kind of processor")
        }
        // The dynamic linker maps segments unseen: what of one is not in the file would be a bus error at its first
        // use.
        for index in 0..<Int32(header.e_phnum) {
            var segment = GElf_Phdr()
            let isWhole =
                gelf_getphdr(elf, index, &segment) != nil && segment.p_offset &+ segment.p_filesz <= UInt64(size)
            guard isWhole else { throw .notALibrary("a shared library that was cut short") }
        }
        var sectionCount = 0
        guard elf_getshdrnum(elf, &sectionCount) == 0, sectionCount > 0 else {
            throw .notALibrary("a shared library that was cut short")
        }
    }

    #if arch(x86_64)
        private static let machine = EM_X86_64
    #elseif arch(arm64)
        private static let machine = EM_AARCH64
    #endif

    private static func note(_ elf: OpaquePointer) -> PluginBuild? {
        var section = elf_nextscn(elf, nil)
        while let current = section {
            defer { section = elf_nextscn(elf, current) }
            var header = GElf_Shdr()
            guard gelf_getshdr(current, &header) != nil, header.sh_type == UInt32(SHT_NOTE) else { continue }
            guard let data = elf_getdata(current, nil), let bytes = data.pointee.d_buf else { continue }
            var offset = 0
            while offset < data.pointee.d_size {
                var entry = GElf_Nhdr()
                var name = 0
                var text = 0
                offset = gelf_getnote(data, offset, &entry, &name, &text)
                if offset == 0 { break }
                guard entry.n_type == UInt32(MARTLET_PLUGIN_NOTE_TYPE) else { continue }
                let owner = UnsafeRawBufferPointer(start: bytes + name, count: Int(entry.n_namesz))
                guard owner.elementsEqual(MARTLET_PLUGIN_NOTE_NAME.utf8 + [0]) else { continue }
                return build(UnsafeRawBufferPointer(start: bytes + text, count: Int(entry.n_descsz)))
            }
        }
        return nil
    }

    /// Two strings, each with its NUL.
    private static func build(_ text: UnsafeRawBufferPointer) -> PluginBuild? {
        let strings = text.split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard strings.count >= 3 else { return nil }
        return PluginBuild(library: strings[0], compiler: strings[1])
    }

    /// Maps the library and returns what its entry function gives. Never unmapped: Swift keeps pointers into images.
    func open() throws(PluginRefusal) -> Plugin {
        dlerror()
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
            throw .linker(dlerror().map { String(cString: $0) } ?? "no reason given")
        }
        guard let symbol = dlsym(handle, Plugin.entry) else { throw .noEntry }
        let entry = unsafeBitCast(symbol, to: (@convention(c) () -> UnsafeMutableRawPointer?).self)
        guard let description = entry() else { throw .noDescription }
        return Plugin.adopt(description)
    }
}
