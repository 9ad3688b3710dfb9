// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

extension XDPProgram {
    /// What the kernel says of a program.
    struct Information {
        var id: UInt32
        var name: String
    }

    static func information(program: Int32) -> Information? {
        var raw = bpf_prog_info()
        var size = UInt32(MemoryLayout<bpf_prog_info>.size)
        guard bpf_obj_get_info_by_fd(program, &raw, &size) == 0 else { return nil }
        let name = withUnsafeBytes(of: raw.name) { $0.text }
        return Information(id: raw.id, name: name)
    }

    /// Attaches a loaded program by a link, in driver mode unless told otherwise.
    static func attach(
        _ program: Int32, device: String, index: Int32, mode: Mode?, warn: (String) -> Void
    ) throws(XDPError) -> (link: Int32, mode: Mode) {
        let first = link(program, index: index, mode: mode ?? .driver)
        if first >= 0 { return (first, mode ?? .driver) }
        // Only the driver's own refusal is worth a second try: it knows no XDP, or not with this MTU or these queues.
        let hopeless = [EPERM, EBUSY, EEXIST, ENODEV].contains(-first)
        guard mode == nil, !hopeless else {
            throw .kernel(-first, "attach the XDP program in \((mode ?? .driver).rawValue) mode", device: device)
        }
        let second = link(program, index: index, mode: .generic)
        guard second >= 0 else {
            throw .kernel(-second, "attach the XDP program in generic mode", device: device)
        }
        warn(
            "\(device): its driver does not take an XDP program (\(text(of: -first))); "
                + "generic mode is used, which is several times slower")
        return (second, .generic)
    }

    private static func link(_ program: Int32, index: Int32, mode: Mode) -> Int32 {
        var options = bpf_link_create_opts()
        options.sz = MemoryLayout<bpf_link_create_opts>.size
        options.flags = mode.flag
        return bpf_link_create(program, index, BPF_XDP, &options)
    }

    /// Makes sure that nothing is attached: removes a program of ours that nobody holds any more, and refuses to touch
    /// any other.
    static func clear(device: String, index: Int32, warn: (String) -> Void) throws(XDPError) {
        var query = bpf_xdp_query_opts()
        // Not the whole size: libbpf wants the padding at the end to be zero, and Swift leaves it undefined.
        query.sz = MemoryLayout<bpf_xdp_query_opts>.offset(of: \.attach_mode)! + 1
        guard bpf_xdp_query(index, 0, &query) == 0 else { return }
        let attached: [(id: UInt32, flag: UInt32, word: String)] = [
            (query.drv_prog_id, Mode.driver.flag, "xdpdrv"),
            (query.skb_prog_id, Mode.generic.flag, "xdpgeneric"),
            (query.hw_prog_id, 1 << 3, "xdpoffload"),
        ]
        for (id, flag, word) in attached where id != 0 {
            let program = bpf_prog_get_fd_by_id(id)
            if program == -EPERM { throw .noPrivilege(to: "look at the XDP program on \(device)") }
            defer { if program >= 0 { close(program) } }
            let name = information(program: program)?.name ?? "unknown"
            let holder = BPFLinkHolder.find(program: id)
            guard name == XDPProgram.name else {
                let removal =
                    holder.map { "bpftool link detach id \($0.link)" } ?? "ip link set dev \(device) \(word) off"
                throw .foreignProgram(device: device, id: id, name: name, removal: removal)
            }
            if let holder { throw .heldByMartlet(device: device, programID: id, process: holder.process) }
            let result = bpf_xdp_detach(index, flag, nil)
            guard result == 0 else {
                throw .kernel(-result, "remove the XDP program that an earlier martlet left", device: device)
            }
            warn("\(device): removed XDP program \(id), which an earlier martlet had left")
        }
    }
}

/// A BPF link that keeps a program on a device, and the process that has it open.
struct BPFLinkHolder {
    var link: UInt32
    /// nil when no process of this PID namespace has it open: it is pinned, or held from outside.
    var process: Int32?

    /// Looks through the kernel's links for the one of an attached program; nil when it is attached without one.
    /// (By program, not by device: device numbers repeat from one network namespace to the next.)
    static func find(program wanted: UInt32) -> BPFLinkHolder? {
        var id: UInt32 = 0
        while bpf_link_get_next_id(id, &id) == 0 {
            let file = bpf_link_get_fd_by_id(id)
            guard file >= 0 else { continue }
            defer { close(file) }
            var information = bpf_link_info()
            var size = UInt32(MemoryLayout<bpf_link_info>.size)
            guard bpf_obj_get_info_by_fd(file, &information, &size) == 0,
                information.type == BPF_LINK_TYPE_XDP.rawValue, information.prog_id == wanted
            else { continue }
            return BPFLinkHolder(link: id, process: process(holding: id))
        }
        return nil
    }

    /// Finds "link_id: N" among the open files in /proc.
    private static func process(holding link: UInt32) -> Int32? {
        for process in entries(of: "/proc").compactMap({ Int32($0) }) where process != getpid() {
            for file in entries(of: "/proc/\(process)/fd") {
                var target = [CChar](repeating: 0, count: 64)
                guard readlink("/proc/\(process)/fd/\(file)", &target, 63) > 0,
                    strcmp(target, "anon_inode:bpf_link") == 0,
                    let stream = fopen("/proc/\(process)/fdinfo/\(file)", "r")
                else { continue }
                defer { fclose(stream) }
                var line = [CChar](repeating: 0, count: 256)
                while fgets(&line, 256, stream) != nil {
                    let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
                        .split(whereSeparator: \.isWhitespace)
                    if words.first == "link_id:", words.last == "\(link)" { return process }
                }
            }
        }
        return nil
    }

    private static func entries(of directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(withUnsafeBytes(of: entry.pointee.d_name) { $0.text })
        }
        return names
    }
}
