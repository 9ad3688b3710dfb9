// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Glibc
import Graph

/// A `show` command over and over, in place, as `top` does.
struct Monitor: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch what a show command says, redrawn in place.",
        discussion:
            "'martlet monitor runtime' repeats 'show runtime'. q leaves. Into a pipe the answers follow one another.")

    @Argument(help: "The words after 'show'.")
    var words: [String] = ["runtime"]

    @Option(help: "The time between two looks.", transform: Monitor.duration)
    var interval: Duration = .seconds(1)

    @Option(help: "How many looks; without it until q or ^C.")
    var count: Int?

    @Option(help: "Where the daemon listens.")
    var socket: String = SocketPath.standard

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count takes 1 or more") }
    }

    func run() throws {
        let client = ControlClient(path: socket)
        guard Console.isInteractive else { return try watch(client, nil) }
        let screen = Screen()
        defer { screen.leave() }
        try watch(client, screen)
    }

    private func watch(_ client: ControlClient, _ screen: Screen?) throws {
        // A command with `--over` measures for that long and shows what happened meanwhile, which is what one wants to
        // watch; another one shows its state, and the waiting is done here.
        let measured = ["show"] + words + ["--over", Quantity.text(interval)]
        let title = "show \(words.joined(separator: " ")), every \(Quantity.text(interval)); q leaves"
        screen?.draw(title)
        var isMeasured = true
        var looks = 0
        while true {
            var answer = try client.command(isMeasured ? measured : ["show"] + words)
            if isMeasured, answer.exitCode == 1 {
                isMeasured = false
                answer = try client.command(["show"] + words)
            }
            if answer.exitCode != 0 {
                screen?.leave()
                Console.write(answer.text, toError: true)
                throw ExitCode(answer.exitCode)
            }
            looks += 1
            if let screen { screen.draw("\(title)\n\n\(answer.text)") } else { Console.write(answer.text) }
            if let count, looks >= count { return }
            let pause = isMeasured ? .zero : interval
            if let screen {
                if screen.waitForQuit(pause) { return }
            } else {
                Console.write("\n")
                usleep(UInt32(clamping: Monitor.milliseconds(pause) * 1000))
            }
        }
    }

    private static func duration(_ text: String) throws -> Duration {
        let range = Duration.milliseconds(100)...Duration.seconds(600)
        guard let duration = Quantity.duration(text), range.contains(duration) else {
            throw ValidationError("give 100ms to 600s")
        }
        return duration
    }

    static func milliseconds(_ duration: Duration) -> Int {
        Int(duration.components.seconds) * 1000 + Int(duration.components.attoseconds / 1_000_000_000_000_000)
    }
}

/// The terminal's second screen, without echo; the first comes back unharmed when it is left.
final class Screen {
    private var saved = termios()
    private var isLeft = false

    init() {
        tcgetattr(STDIN_FILENO, &saved)
        var raw = saved
        // ^C comes as a character, so that leaving always passes through `leave`.
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        Console.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    func leave() {
        if isLeft { return }
        isLeft = true
        Console.write("\u{1B}[?25h\u{1B}[?1049l")
        tcsetattr(STDIN_FILENO, TCSANOW, &saved)
    }

    /// As much of the text as there is room for, over what stood there: no flicker.
    func draw(_ text: String) {
        let (rows, columns) = Console.size
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(rows)
        let drawn = lines.map { "\($0.prefix(columns))\u{1B}[K" }.joined(separator: "\n")
        Console.write("\u{1B}[H\(drawn)\u{1B}[J")
    }

    /// true when q or ^C was pressed, now or within `time`.
    func waitForQuit(_ time: Duration) -> Bool {
        let clock = ContinuousClock()
        let end = clock.now + time
        repeat {
            var input = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
            let left = max(0, Monitor.milliseconds(end - clock.now))
            guard poll(&input, 1, Int32(clamping: left)) > 0 else { continue }
            var key: UInt8 = 0
            guard read(STDIN_FILENO, &key, 1) == 1 else { return true }
            if key == UInt8(ascii: "q") || key == 3 || key == 4 { return true }
        } while clock.now < end
        return false
    }
}
