// SPDX-License-Identifier: Apache-2.0
import Glibc

/// A file descriptor that is closed when the value goes away.
struct OwnedFile: ~Copyable {
    let number: Int32

    init(_ number: Int32) { self.number = number }

    deinit { close(number) }
}
