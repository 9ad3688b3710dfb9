// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A kernel socket in a namespace: it stays there whatever the thread does that uses it.
struct LabSocket: ~Copyable {
    enum Kind: Int32 {
        case tcp = 1
        case udp = 2
    }

    struct Failure: Error {
        let what: String
        let reason = String(cString: strerror(errno))
    }

    let file: Int32
    private let isIPv6: Bool

    /// Opens a socket in a namespace, for IPv4 unless `isIPv6` is set.
    init(_ kind: Kind, in namespace: Namespace, isIPv6: Bool = false) throws {
        self.isIPv6 = isIPv6
        file = try namespace.inside {
            let file = socket(isIPv6 ? AF_INET6 : AF_INET, kind.rawValue, 0)
            guard file >= 0 else { throw Failure(what: "socket") }
            return file
        }
        set(SOL_SOCKET, SO_REUSEADDR, 1)
        setTimeout(seconds: 5)
    }

    /// Takes over an open socket, which is bound or connected already.
    init(adopting file: Int32) {
        self.file = file
        isIPv6 = false
        setTimeout(seconds: 5)
    }

    deinit { close(file) }

    func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        setsockopt(file, level, option, &value, 4)
    }

    /// How long a call waits.
    func setTimeout(seconds: Int) {
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    }

    func bind(port: UInt16) throws {
        let result = withAddress(isIPv6 ? "::" : "0.0.0.0", port) { Foundation.bind(file, $0, $1) }
        guard result == 0 else { throw Failure(what: "bind") }
    }

    func connect(_ address: String, port: UInt16) throws {
        let result = withAddress(address, port) { Foundation.connect(file, $0, $1) }
        guard result == 0 else { throw Failure(what: "connect to \(address)") }
    }

    func listen() throws {
        guard Foundation.listen(file, 4) == 0 else { throw Failure(what: "listen") }
    }

    func accept() throws -> LabSocket {
        let accepted = Foundation.accept(file, nil, nil)
        guard accepted >= 0 else { throw Failure(what: "accept") }
        return LabSocket(adopting: accepted)
    }

    /// Sends all bytes.
    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Foundation.send(file, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(what: "send after \(sent) bytes") }
            sent += count
        }
    }

    /// Receives until the far end has closed its side.
    func receiveAll() throws -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(file, &chunk, chunk.count, 0)
            guard count >= 0 else { throw Failure(what: "receive after \(bytes.count) bytes") }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
    }

    /// Says that nothing more will be sent.
    func finish() { shutdown(file, Int32(SHUT_WR)) }

    private func withAddress<Result>(
        _ text: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        if isIPv6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            inet_pton(AF_INET6, text, &address.sin6_addr)
            return LabSocket.withBytes(of: address, body)
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, text, &address.sin_addr)
        return LabSocket.withBytes(of: address, body)
    }

    private static func withBytes<Address, Result>(
        of address: Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }
}

/// Runs `body` on a thread of its own and hands back what it returned.
final class Background<Value: Sendable>: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private var result: Result<Value, any Error>?

    init(_ body: @escaping @Sendable () throws -> Value) {
        Thread.detachNewThread { [self] in
            result = Result { try body() }
            done.signal()
        }
    }

    /// Waits for the end, once.
    func value() throws -> Value {
        done.wait()
        return try result!.get()
    }
}
