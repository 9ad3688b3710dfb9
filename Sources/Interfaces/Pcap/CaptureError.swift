// SPDX-License-Identifier: Apache-2.0

/// What can be wrong with a capture file.
public struct CaptureError: Error, Equatable, CustomStringConvertible {
    public enum Problem: Equatable, Sendable {
        /// The file cannot be opened; the text is the system's.
        case cannotOpen(String)
        /// The file is there but is neither pcap nor pcapng; the text is libpcap's.
        case notACapture(String)
        /// The capture holds something else than Ethernet frames. The number is libpcap's (DLT_), not always the file's.
        case linkType(Int, description: String?)
        /// A record is broken, most often the last one, cut short; the text is libpcap's.
        case brokenRecord(number: Int, String)
        /// There is nothing to replay; so many packets are longer than a buffer.
        case noPackets(skipped: Int)
        /// The file cannot be created; the text is the system's.
        case cannotCreate(String)
        /// Writing failed, as on a full disk; the text is the system's.
        case cannotWrite(String)
    }

    public let path: String
    public let problem: Problem

    public init(path: String, problem: Problem) {
        self.path = path
        self.problem = problem
    }

    public var description: String {
        switch problem {
        case .cannotOpen(let reason):
            "cannot open the capture '\(path)': \(reason)"
        case .notACapture(let reason):
            "'\(path)' is not a capture file: \(reason). It must be pcap or pcapng, as tcpdump -w writes"
        case .linkType(let number, let description):
            "the capture '\(path)' holds \(description ?? "link type \(number)"), not Ethernet: "
                + "capture on an Ethernet device, not on 'any'"
        case .brokenRecord(let number, let reason):
            "the capture '\(path)' is broken at packet \(number): \(reason). The packets before it are good; "
                + "'editcap' or 'tcpdump -r IN -w OUT' can save them"
        case .noPackets(let skipped):
            "the capture '\(path)' holds no packets"
                + (skipped == 0 ? "" : " that fit in a buffer: \(skipped) are too long; raise `buffers.size`")
        case .cannotCreate(let reason):
            "cannot create the capture '\(path)': \(reason)"
        case .cannotWrite(let reason):
            "cannot write to the capture '\(path)': \(reason)"
        }
    }
}
