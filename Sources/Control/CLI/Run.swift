// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import Graph
import Logging

/// What the command line may say beside the file.
public struct RunOptions: Sendable {
    /// Number of workers; nil leaves it to the file.
    public var workers: Int?
    /// The file is only checked: nothing is made that another process could see, nor taken from one.
    var isCheck = false

    public init(workers: Int? = nil) {
        self.workers = workers
    }
}

/// The daemon.
struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a configuration file until SIGINT or SIGTERM, or until its input is used up.")

    @Argument(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Option(help: "Where to listen for commands.")
    var socket: String = SocketPath.standard

    @Option(help: "The group whose members may use the socket.")
    var socketGroup: String?

    @Option(
        help: "The least level of log lines: trace, debug, info, notice, warning, error or critical.",
        transform: Run.level)
    var logLevel: Logger.Level = .notice

    @Option(help: "The number of worker threads, instead of the file's.")
    var workers: Int?

    @Option(help: "A command to carry out before the first packet of a capture; may be given several times.")
    var first: [String] = []

    @Option(help: "A command to carry out at the end, before the router is gone; may be given several times.")
    var last: [String] = []

    private static func level(_ word: String) throws -> Logger.Level {
        if let level = Logger.Level(rawValue: word) { return level }
        throw ValidationError(Spelling.hint(for: word, among: Logger.Level.allCases.map(\.rawValue)))
    }

    func validate() throws {
        if let workers, !(1...64).contains(workers) { throw ValidationError("--workers takes 1 to 64") }
    }

    func run() async throws {
        StandardErrorLog.bootstrap(level: logLevel)
        // What the daemon makes (the socket, captures) is for its owner and group from the first moment.
        umask(0o027)
        let signals = Signals.stream([SIGINT, SIGTERM])
        let hangups = Task {
            // Other daemons read their file again: who expects that here must not lose the router.
            for await _ in Signals.stream([SIGHUP]) {
                Logger(label: "martlet").notice("SIGHUP: the file is read at the start alone; restart to apply changes")
            }
        }
        defer { hangups.cancel() }
        let router = try await Router(file: file, options: RunOptions(workers: workers))
        let service = CommandService()
        let server = ControlServer(path: socket, group: socketGroup, service: service)
        // Before the router starts: a second instance ends here, and touches no device that the first one uses.
        try await server.start()
        do {
            try await serve(router, service, signals)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    private func serve(_ router: Router, _ service: CommandService, _ signals: AsyncStream<Int32>) async throws {
        try await router.start()
        service.publish(await router.commands)
        ServiceManager.ready("forwarding with \(file)")
        let watch = Task {
            for await _ in signals.prefix(1) {
                ServiceManager.stopping()
                await router.stop()
            }
            // Draining takes milliseconds; who presses ^C again does not want to wait for it.
            for await number in signals { Glibc.exit(128 + number) }
        }
        defer { watch.cancel() }
        try await Run.carryOut(first, service)
        try await router.run()
        try await Run.carryOut(last, service)
    }

    /// Prints the commands' answers; the first that fails is the last.
    private static func carryOut(_ lines: [String], _ service: CommandService) async throws {
        for line in lines {
            let answer = await service.execute(CommandGrammar.Line(line).allWords)
            Console.write(answer.text, toError: answer.isError)
            if answer.exitCode != 0 { throw ExitCode(answer.exitCode) }
        }
    }
}
