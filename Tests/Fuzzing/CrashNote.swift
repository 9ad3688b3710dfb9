// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Says, when the process dies of an input or hangs in one, how to make that input again.
public enum CrashNote {
    nonisolated(unsafe) private static var number: UInt64 = 0
    nonisolated(unsafe) private static var prefix = [UInt8]()

    /// Seconds that an input may take.
    private static let patience: UInt32 = 60

    /// - Parameter command: What makes the input again, but for its number.
    public static func install(_ command: String) {
        prefix = Array("\ncrashed or hung. Again: \(command) --from ".utf8)
        for signal in [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGALRM] {
            Glibc.signal(signal) {
                CrashNote.write(); Glibc.signal($0, SIG_DFL); raise($0)
            }
        }
    }

    /// The input that comes next.
    public static func set(_ number: UInt64) {
        self.number = number
        alarm(patience)
    }

    public static func finish() { alarm(0) }

    /// In a signal handler: neither allocates nor locks.
    private static func write() {
        prefix.withUnsafeBytes { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digits in
            var (place, rest) = (31, number)
            digits[place] = UInt8(ascii: "\n")
            repeat {
                place -= 1
                digits[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            } while rest > 0
            _ = Glibc.write(STDERR_FILENO, digits.baseAddress! + place, 32 - place)
        }
    }
}
