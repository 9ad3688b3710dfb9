// SPDX-License-Identifier: Apache-2.0
import Foundation
import Glibc

/// The memory of this process that is in the machine's, in MiB.
enum BenchMemory {
    static var now: Double {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
        else { return 0 }
        return pages * Double(getpagesize()) / 1_048_576
    }

    /// The most there has been so far.
    static var peak: Double {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
            let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Double($0) })
        else { return 0 }
        return kibibytes / 1024
    }
}
