// SPDX-License-Identifier: Apache-2.0
import Glibc
import Graph

/// `show version`: which router this is, where it runs and since when.
enum VersionCommand {
    @ControlPlane
    static func make(_ engine: Engine) -> Command {
        let started = Clock.monotonicNanoseconds
        return Command(["show", "version"], "Version, host and uptime") { _ in
            RunningVersionReport(engine, seconds: Double(Clock.monotonicNanoseconds - started) / 1e9)
        }
    }
}

struct RunningVersionReport: Report {
    let name = "martlet"
    let version = Version.current
    let api = Version.api
    let pid: Int32
    let uptimeSeconds: Double
    let workers: Int
    /// "Linux 6.18.44 x86_64".
    let system: String
    let clocksPerSecond: Double

    private enum CodingKeys: CodingKey {
        case name, version, api, pid, uptimeSeconds, workers, system, clocksPerSecond
    }

    @ControlPlane
    init(_ engine: Engine, seconds: Double) {
        pid = getpid()
        uptimeSeconds = seconds
        workers = engine.workers.count
        system = RunningVersionReport.systemName
        clocksPerSecond = Clock.frequency
    }

    private static var systemName: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        func text(_ field: some Any) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return [text(names.sysname), text(names.release), text(names.machine)].joined(separator: " ")
    }

    var body: [TextBlock] {
        [
            .line("martlet \(version)"),
            .facts([
                .init("Process", "\(pid), up \(Figure.duration(uptimeSeconds))"), .init("Workers", "\(workers)"),
                .init("System", system), .init("Clock", "\((clocksPerSecond / 1e6).fixed(0)) MHz"),
            ]),
        ]
    }
}
