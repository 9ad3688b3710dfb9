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
        case mapLookup = 1
        case redirect = 23
        case redirectMap = 51
    }

    /// Bits of an access to memory.
    enum Width: UInt8 {
        case half = 0x08
        case word = 0x00
        case double = 0x18
    }

    /// Operations on 64 bits, with an immediate operand.
    enum Arithmetic: UInt8 {
        case add = 0x07
        case divide = 0x37
        case modulo = 0x97
    }

    var opcode: UInt8
    var destination = Register.r0
    var source: UInt8 = 0
    var offset: Int16 = 0
    var immediate: Int32 = 0

    /// `destination = *(base + offset)`; BPF_LDX | BPF_MEM.
    static func load(
        _ destination: Register, _ width: Width = .word, from base: Register, offset: Int16
    ) -> [BPFInstruction] {
        [
            BPFInstruction(
                opcode: 0x61 | width.rawValue, destination: destination, source: base.rawValue, offset: offset)
        ]
    }

    /// `*(base + offset) = source`; BPF_STX | BPF_MEM.
    static func store(_ source: Register, _ width: Width, to base: Register, offset: Int16) -> [BPFInstruction] {
        [BPFInstruction(opcode: 0x63 | width.rawValue, destination: base, source: source.rawValue, offset: offset)]
    }

    /// `destination = source`; BPF_ALU64 | BPF_MOV | BPF_X.
    static func move(_ destination: Register, from source: Register) -> [BPFInstruction] {
        [BPFInstruction(opcode: 0xbf, destination: destination, source: source.rawValue)]
    }

    /// `destination = destination <operation> value`; BPF_ALU64 | BPF_K.
    static func compute(_ destination: Register, _ operation: Arithmetic, _ value: Int32) -> [BPFInstruction] {
        [BPFInstruction(opcode: operation.rawValue, destination: destination, immediate: value)]
    }

    /// Turns the low 16 bits to network byte order; BPF_ALU | BPF_END | BPF_TO_BE.
    static func bigEndian16(_ register: Register) -> [BPFInstruction] {
        [BPFInstruction(opcode: 0xdc, destination: register, immediate: 16)]
    }

    /// Skips `count` instructions if `left > right`, unsigned; BPF_JMP | BPF_JGT | BPF_X.
    static func skip(_ count: Int16, if left: Register, above right: Register) -> [BPFInstruction] {
        [BPFInstruction(opcode: 0x2d, destination: left, source: right.rawValue, offset: count)]
    }

    /// Skips `count` instructions if `register == value`; BPF_JMP | BPF_JEQ | BPF_K.
    static func skip(_ count: Int16, if register: Register, is value: Int32) -> [BPFInstruction] {
        [BPFInstruction(opcode: 0x15, destination: register, offset: count, immediate: value)]
    }

    /// Skips `count` instructions if `register != value`; BPF_JMP | BPF_JNE | BPF_K.
    static func skip(_ count: Int16, if register: Register, isNot value: Int32) -> [BPFInstruction] {
        [BPFInstruction(opcode: 0x55, destination: register, offset: count, immediate: value)]
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

    /// `destination = &map[0]` of an array map; as above with BPF_PSEUDO_MAP_VALUE.
    static func loadMapValue(_ destination: Register, file: Int32) -> [BPFInstruction] {
        [
            BPFInstruction(opcode: 0x18, destination: destination, source: 2, immediate: file),
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
