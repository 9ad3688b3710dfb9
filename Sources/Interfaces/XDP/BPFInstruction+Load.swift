// SPDX-License-Identifier: Apache-2.0
import CMartletLinux
import Glibc

extension BPFInstruction {
    /// Gives an XDP program to the kernel; it may see packets in fragments (an MTU above a page). Returns its file
    /// descriptor.
    ///
    /// - Parameters:
    ///   - name: By which the kernel lists it, up to 15 characters.
    ///   - device: For the error's text.
    static func load(_ instructions: [BPFInstruction], name: String, device: String) throws(XDPError) -> Int32 {
        let code = instructions.map(\.encoded)
        var log = [CChar](repeating: 0, count: 16384)
        let result = log.withUnsafeMutableBufferPointer { log in
            var options = bpf_prog_load_opts()
            options.sz = MemoryLayout<bpf_prog_load_opts>.size
            options.expected_attach_type = BPF_XDP
            options.prog_flags = 1 << 5  // BPF_F_XDP_HAS_FRAGS
            options.log_level = 1
            options.log_buf = log.baseAddress
            options.log_size = UInt32(log.count)
            return bpf_prog_load(BPF_PROG_TYPE_XDP, name, "Dual BSD/GPL", code, code.count, &options)
        }
        if result >= 0 { return result }
        if result == -EPERM { throw .noPrivilege(to: "load an XDP program for \(device)") }
        let lines = log.withUnsafeBytes { $0.text }.split(separator: "\n")
        throw .refused(log: lines.last { !$0.hasPrefix("processed") }.map(String.init) ?? "", code: -result)
    }
}
