// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Where the fuzzers find their seeds, and room for files of their own.
public enum FuzzFiles {
    /// The repository's root.
    public static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The files of a directory of the repository, by name.
    public static func contents(of directory: String, ending: String = "") -> [(name: String, bytes: [UInt8])] {
        let place = root.appending(path: directory)
        let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
        return names.filter { $0.hasSuffix(ending) && !$0.hasPrefix(".") }.sorted().compactMap { name in
            (try? Data(contentsOf: place.appending(path: name))).map { (name, Array($0)) }
        }
    }

    /// Memory where there is some for files: thousands come and go.
    static let directory = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : "/tmp"

    /// Lends `body` the path of a file with these bytes.
    static func withFile<Result>(_ bytes: [UInt8], _ body: (String) async throws -> Result) async throws -> Result {
        let path = "\(directory)/martlet-fuzz-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        try Data(bytes).write(to: URL(filePath: path))
        defer { unlink(path) }
        return try await body(path)
    }
}
