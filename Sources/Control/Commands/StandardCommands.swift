// SPDX-License-Identifier: Apache-2.0
import Graph

/// The commands that every router has, whatever its modules: they show and clear what the engine counts.
public enum StandardCommands {
    @ControlPlane
    public static func all(_ engine: Engine) -> [Command] {
        RuntimeCommands.all(engine) + ErrorCommands.all(engine) + InterfaceCommands.all(engine)
            + TraceCommands.all(engine)
            + ResourceCommands.all(engine) + GraphCommands.all(engine) + [VersionCommand.make(engine)]
    }

    /// `--worker N`, with the numbers that there are.
    @ControlPlane
    static func workerOption(_ engine: Engine) -> Command.Parameter {
        .option("worker", "Only this worker, from 0", completing: { engine.workers.map { "\($0.number)" } })
    }

    /// The worker that `--worker` names, or nil for all.
    @ControlPlane
    static func worker(_ arguments: CommandArguments, _ engine: Engine) throws(CommandError) -> Int? {
        try arguments.integer("worker", in: 0...engine.workers.count - 1)
    }
}

extension CommandError {
    /// "there is no node 'ip4-inptu'; did you mean 'ip4-input'?"
    static func unknown(_ noun: String, _ name: String, among names: [String]) -> CommandError {
        .notFound("there is no \(noun) '\(name)'", Spelling.hint(for: name, among: names))
    }
}

/// Figures as the tables print them.
enum Figure {
    /// A quotient; 0 when there is nothing to divide by.
    static func ratio(_ dividend: UInt64, _ divisor: UInt64) -> Double {
        divisor == 0 ? 0 : Double(dividend) / Double(divisor)
    }

    static func rate(_ count: UInt64, _ seconds: Double) -> Double { seconds > 0 ? Double(count) / seconds : 0 }

    /// 0.4375 as "43.8 %".
    static func percent(_ share: Double) -> String { (share * 100).fixed(1) + " %" }

    /// "512 B", "36.0 KiB", "128.0 MiB".
    static func bytes(_ count: Int) -> String {
        if count < 1024 { return "\(count) B" }
        var size = Double(count) / 1024
        for unit in ["KiB", "MiB"] {
            if size < 1024 { return "\(size.fixed(1)) \(unit)" }
            size /= 1024
        }
        return "\(size.fixed(1)) GiB"
    }

    /// "10 Gbit/s"; a dash when unknown.
    static func speed(_ bitsPerSecond: UInt64) -> String {
        if bitsPerSecond == 0 { return "-" }
        for (factor, unit) in [(1_000_000_000, "Gbit/s"), (1_000_000, "Mbit/s"), (1000, "kbit/s")] as [(UInt64, String)]
        where bitsPerSecond >= factor {
            let isWhole = bitsPerSecond % factor == 0
            return (Double(bitsPerSecond) / Double(factor)).fixed(isWhole ? 0 : 1) + " " + unit
        }
        return "\(bitsPerSecond) bit/s"
    }

    /// "850 ns", "1.3 us", "20.5 ms", "4.2 s", "3 min 5 s", "2 h 7 min", "5 d 1 h".
    static func duration(_ seconds: Double) -> String {
        if seconds < 1e-6 { return "\((seconds * 1e9).fixed(0)) ns" }
        if seconds < 1e-3 { return "\((seconds * 1e6).fixed(1)) us" }
        if seconds < 1 { return "\((seconds * 1e3).fixed(1)) ms" }
        if seconds < 60 { return "\(seconds.fixed(1)) s" }
        let whole = Int(seconds)
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        if whole < 86400 { return "\(whole / 3600) h \(whole / 60 % 60) min" }
        return "\(whole / 86400) d \(whole / 3600 % 24) h"
    }
}
