// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// Lends a window on the array's bytes. It must not be kept beyond `body`.
    public mutating func withBytes<Result, Failure: Error>(
        _ body: (Bytes) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var outcome: Swift.Result<Result, Failure>?
        withUnsafeMutableBytes { buffer in
            // An empty array may have no memory, a window always has an address. Nobody reads zero bytes.
            let start = buffer.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 8)!
            do throws(Failure) {
                outcome = .success(try body(Bytes(start: start, count: buffer.count)))
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome!.get()
    }

    /// A copy of the window's bytes.
    public init(_ bytes: Bytes) {
        self.init(UnsafeRawBufferPointer(start: bytes.start, count: bytes.count))
    }
}
