// SPDX-License-Identifier: Apache-2.0
import CMartletLinux

/// One eBPF instruction, and an assembler of those that Martlet uses. A 64-bit immediate takes two.
///
/// Source: Linux, Documentation/bpf/standardization/instruction-set.rst (RFC 9669).
struct BPFInstruction {
    /// r0 is the result, r1 to r5 are arguments (r1 holds the context at entry) and lost in a call, r6 to r9 are kept,
    /// r10 is the frame pointer.
    enum Register: UInt8 {
        case r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10
    }

    /// Kernel functions by their number in `enum bpf_func_id`.
    enum Helper: Int32 {
        case redirectMap = 51
    }

    var opcode: UInt8
    var destination = Register.r0
    var source: UInt8 = 0
    var offset: Int16 = 0
    var immediate: Int32 = 0

    /// `destination = *(u32 *)(base + offset)`; BPF_LDX | BPF_MEM | BPF_W.
    static func load32(_ destination: Register, from base: Register, offset: Int16) -> [BPFInstruction] {
        [BPFInstruction(opcode: 0x61, destination: destination, source: base.rawValue, offset: offset)]
    }

    /// `destination = value`; BPF_ALU64 | BPF_MOV | BPF_K.
    static func move(_ destination: Register, _ value: Int32) -> [BPFInstruction] {
        [BPFInstruction(opcode: 0xb7, destination: destination, immediate: value)]
    }

    /// `destination = map`; BPF_LD | BPF_DW | BPF_IMM with BPF_PSEUDO_MAP_FD, which the verifier turns into the map's
    /// address.
    static func loadMap(_ destination: Register, file: Int32) -> [BPFInstruction] {
        [
            BPFInstruction(opcode: 0x18, destination: destination, source: 1, immediate: file),
            BPFInstruction(opcode: 0),
        ]
    }

    /// `r0 = helper(r1, r2, r3, r4, r5)`; BPF_JMP | BPF_CALL.
    static func call(_ helper: Helper) -> [BPFInstruction] {
        [BPFInstruction(opcode: 0x85, immediate: helper.rawValue)]
    }

    /// `return r0`; BPF_JMP | BPF_EXIT.
    static func exit() -> [BPFInstruction] {
        [BPFInstruction(opcode: 0x95)]
    }

    /// As the kernel takes it.
    var encoded: bpf_insn {
        var instruction = bpf_insn()
        instruction.code = opcode
        instruction.dst_reg = destination.rawValue
        instruction.src_reg = source
        instruction.off = offset
        instruction.imm = immediate
        return instruction
    }
}
