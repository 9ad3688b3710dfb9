// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc
import Synchronization
import Testing

@testable import Interfaces

@Suite struct XDPProgramTests {
    @Test func `the program is six instructions that redirect by receive queue`() {
        let code = XDPProgram.redirectToSocket(map: 77).map(\.encoded)
        #expect(code.map(\.code) == [0x61, 0x18, 0x00, 0xb7, 0x85, 0x95])
        #expect(code[0].off == 16, "rx_queue_index of struct xdp_md")
        #expect(code[1].imm == 77 && code[1].src_reg == 1, "the map, by file descriptor")
        #expect(code[3].dst_reg == 3 && code[3].imm == 2, "XDP_PASS where no socket is")
    }

    @Test func `errors say what to do`() {
        #expect(
            XDPError.foreignProgram(device: "eth0", id: 7, name: "xdp_filter", removal: "ip link set dev eth0 xdp off")
                .description
                == "eth0: XDP program 7 (xdp_filter) is attached to the device already; "
                + "remove it with `ip link set dev eth0 xdp off`")
        #expect(XDPError.noMemory(device: "eth0", bytes: 64 << 20).description.contains("64 MiB"))
    }

    @Test func `messages of libbpf reach the receiver without the line's end`() {
        let received = Mutex<[String]>([])
        LibraryMessages.route { level, text in
            if level == .warning { received.withLock { $0.append(text) } }
        }
        // An object that is not there: libbpf complains.
        _ = bpf_object__open("/nonexistent/martlet.o")
        #expect(received.withLock { $0 }.contains { $0.hasPrefix("libbpf: ") && !$0.hasSuffix("\n") })
    }
}

@Suite(.serialized, .enabled(if: XDPLab.isPossible, XDPLab.reason))
struct XDPAttachTests {
    @Test func `attaches in driver mode and leaves nothing behind`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1")
            do {
                let program = try XDPProgram(device: "lab0") { Issue.record("\($0)") }
                #expect(program.mode == .driver)
                XDPLab.run("ip -details link show lab0 | grep -q 'prog/xdp id \(program.id) name martlet_xdp'")
            }
            XDPLab.run("! ip -details link show lab0 | grep -q prog/xdp")
        }
    }

    @Test func `falls back to generic mode with a warning where the driver knows no XDP`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1")
            XDPLab.run("ip link add br0 type bridge")
            var warnings: [String] = []
            let program = try XDPProgram(device: "br0") { warnings.append($0) }
            #expect(program.mode == .generic)
            #expect(warnings.count == 1 && warnings[0].contains("generic mode"))
        }
    }

    @Test func `names a foreign program and how to remove it`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1")
            let foreign = try attachByNetlink(to: "lab0", name: "somebody")
            defer { close(foreign) }
            let error = try failure { _ = try XDPProgram(device: "lab0") { _ in } }
            guard case .foreignProgram(let device, _, let name, let removal) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(device == "lab0" && name == "somebody" && removal == "ip link set dev lab0 xdpdrv off")
            XDPLab.run(removal)
            _ = try XDPProgram(device: "lab0") { _ in }
        }
    }

    @Test func `replaces a program of ours that was left over`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1")
            let stale = try attachByNetlink(to: "lab0", name: XDPProgram.name)
            close(stale)
            var warnings: [String] = []
            let program = try XDPProgram(device: "lab0") { warnings.append($0) }
            #expect(program.mode == .driver)
            #expect(warnings.count == 1 && warnings[0].contains("removed XDP program"))
        }
    }

    @Test func `a device that another one drives is refused`() throws {
        try NetworkNamespace.withNew {
            _ = try VethPair("lab0", "lab1")
            let first = try XDPProgram(device: "lab0") { _ in }
            let error = try failure { _ = try XDPProgram(device: "lab0") { _ in } }
            #expect(error == .heldByMartlet(device: "lab0", programID: first.id, process: nil))
        }
    }

    @Test func `says what is missing`() throws {
        try NetworkNamespace.withNew {
            #expect(try failure { _ = try XDPProgram(device: "nowhere") { _ in } } == .noDevice("nowhere"))
            _ = try VethPair("lab0", "lab1")
            let memory = CMartletLinux_mapAnonymous(1 << 20, 0)!
            defer { munmap(memory, 1 << 20) }
            let umem = try UMEM(base: memory, byteCount: 1 << 20, bufferSize: 2048)
            #expect(
                try failure { _ = try XSKSocket(device: "lab0", queue: 7, umem: umem) }
                    == .noQueue(device: "lab0", queue: 7))
            #expect(
                try failure { _ = try XSKSocket(device: "nowhere", queue: 0, umem: umem) } == .noDevice("nowhere"))
            var options = XSKSocket.Options()
            options.copying = .never
            #expect(
                try failure { _ = try XSKSocket(device: "lab0", queue: 0, umem: umem, options: options) }
                    == .noZeroCopy(device: "lab0"))
            let first = try XSKSocket(device: "lab0", queue: 0, umem: umem)
            #expect(
                try failure { _ = try XSKSocket(device: "lab0", queue: 0, umem: umem) }
                    == .queueInUse(device: "lab0", queue: 0))
            let isZeroCopy = first.isZeroCopy
            #expect(!isZeroCopy)
        }
    }

    /// What `body` throws; fails the test when it throws nothing.
    private func failure(_ body: () throws -> Void) throws -> XDPError {
        try #require(throws: XDPError.self) { try body() }
    }

    /// Attaches a program that passes all, as `ip link set xdp` does: it stays when the process goes.
    private func attachByNetlink(to device: String, name: String) throws -> Int32 {
        let code = [BPFInstruction.move(.r0, 2), BPFInstruction.exit()].flatMap { $0 }.map(\.encoded)
        let program = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", code, code.count, nil)
        try #require(program >= 0)
        try #require(bpf_xdp_attach(Int32(if_nametoindex(device)), program, 1 << 2, nil) == 0)
        return program
    }
}
