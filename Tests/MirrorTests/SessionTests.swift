// SPDX-License-Identifier: Apache-2.0
import Graph
import GraphTestSupport
import Testing
import Wire

@testable import Mirror

/// What must hold among sessions, and how they change while packets flow.
@Suite @ControlPlane struct SessionTests {
    private static let frames = (1...3).map { MirrorLab.frame(UInt8($0)) }

    // MARK: - Configuration

    @Test func `each mistake has its place and its remedy`() {
        #expect(
            MirrorLab.errors("monitor-sessions: {x: {destination: p}, y: {destination: p}}") == [
                "m.yaml:11:44: monitor-sessions.y: session 'x' has the destination p already; have one session with "
                    + "the sources of both, or give each a destination of its own"
            ])
        #expect(
            MirrorLab.errors("monitor-sessions: {x: {destination: p, sources: [a]}, y: {sources: [a]}}") == [
                "m.yaml:11:69: monitor-sessions.y.sources[0]: a is a source of session 'x' already; say `allow-multi: "
                    + "true` in one of the two sessions, or remove it from one"
            ])
        #expect(
            MirrorLab.errors("monitor-sessions: {x: {destination: p, sources: [a]}}", a: ", monitor-session: x") == [
                "m.yaml:11:50: monitor-sessions.x.sources[0]: a is a source of 'x' already; name it once"
            ])
        #expect(
            MirrorLab.errors("monitor-sessions: {x: {destination: p}, y: {destination: q, sources: [p]}}") == [
                "m.yaml:11:71: monitor-sessions.y.sources[0]: p is the destination of session 'x'; a destination is no "
                    + "source: choose another interface for one of them"
            ])
        #expect(
            MirrorLab.errors("monitor-sessions: {x: {destination: p, sources: [aa]}}") == [
                "m.yaml:11:50: monitor-sessions.x.sources[0]: there is no interface 'aa'; did you mean 'a'?"
            ])
        #expect(
            MirrorLab.errors("monitor-sessions: {status: {destination: p}}") == [
                "m.yaml:11:28: monitor-sessions.status: 'status' is a word of the commands; choose another name"
            ])
        #expect(
            MirrorLab.errors("mirroring: {session-limit: 1}\nmonitor-sessions: {x: {}, y: {}}") == [
                "m.yaml:12:30: monitor-sessions.y: there are more than 1 sessions; have fewer, or raise `mirroring: "
                    + "session-limit`"
            ])
        #expect(
            MirrorLab.errors("monitor-sessions: {x: {destination: {file: x.pcapng, files: 3}}}").first?.contains(
                "files without a limit are never full; say `limit:`, or remove `files:`") == true)
    }

    // MARK: - Changing

    @Test func `sessions and sources come and go by command, in any order`() async throws {
        let lab = try MirrorLab("")
        #expect(await lab.run("monitor-source add lab a --direction rx") == "")
        lab.send(SessionTests.frames, by: "a")
        #expect(lab.sent("p") == [])
        #expect(await lab.run("monitor-session add lab --destination p") == "")
        lab.send(SessionTests.frames, by: "a")
        #expect(lab.sent("p") == SessionTests.frames)
        #expect(await lab.run("monitor-source add lab a --direction rx --first 20") == "")
        lab.send(SessionTests.frames, by: "a")
        #expect(lab.sent("p") == SessionTests.frames.map { Array($0.prefix(20)) })
        #expect(await lab.run("monitor-session add lab --destination q") == "")
        lab.send(SessionTests.frames, by: "a")
        #expect(lab.sent("p") == [])
        #expect(lab.sent("q").count == 3)
        #expect(await lab.run("monitor-source del lab a") == "")
        lab.send(SessionTests.frames, by: "a")
        #expect(lab.sent("q") == [])
        #expect(await lab.run("monitor-session del lab") == "")
        #expect(await lab.run("show monitor-session") == "there are no monitor sessions\n")
        #expect(lab.engine.buffersInUse == 0)
    }

    @Test func `what the file would refuse, a command refuses`() async throws {
        let lab = try MirrorLab("monitor-sessions: {x: {destination: p, sources: [a]}, y: {}}")
        #expect(await lab.run("monitor-source add y a").contains("a is a source of session 'x' already"))
        #expect(await lab.run("monitor-source add y p").contains("p is the destination of session 'x'"))
        #expect(await lab.run("monitor-session add y --destination p").contains("has the destination p already"))
        #expect(await lab.run("monitor-session add y --destination z").contains("there is no interface 'z'"))
        #expect(await lab.run("monitor-session add y --allow-multi") == "")
        #expect(await lab.run("monitor-source add y a") == "")
    }

    // MARK: - Copies

    @Test func `counters tell copies and losses of each source and direction`() async throws {
        let lab = try MirrorLab("monitor-sessions: {lab: {destination: p, sources: [a, {interface: b, first: 14}]}}")
        lab.send(SessionTests.frames, by: "a")
        let sources = lab.sessions.report(.counters, only: "lab").sessions[0].sources
        #expect(sources.map { $0.rx?.packets } == [3, 0])
        #expect(sources.map { $0.rx?.bytes } == [180, 0])
        #expect(sources.map { $0.tx?.packets } == [0, 3])
        #expect(sources.map { $0.tx?.bytes } == [0, 42])
        lab.engine.interface(named: "p")?.isLinkUp = false
        lab.send(SessionTests.frames, by: "a")
        let after = lab.sessions.report(.counters, only: "lab").sessions[0].sources
        #expect(after[0].rx?.lost["destination-down"] == 3)
        #expect(after[0].rx?.packets == 3)
        #expect(await lab.run("clear monitor-session lab") == "counters of monitor sessions cleared\n")
        let cleared = lab.sessions.report(.counters, only: "lab").sessions[0].sources[0].rx
        #expect(cleared?.packets == 0 && cleared?.lost["destination-down"] == 0)
    }

    @Test func `without buffers copies are lost, and the traffic is not`() throws {
        let sessions = (0..<4).map { "  s\($0): {destination: v\($0), allow-multi: true, sources: [a]}\n" }.joined()
        let lab = try MirrorLab("monitor-sessions:\n" + sessions, buffers: 512)
        for number in 0..<4 {
            let interface = lab.engine.createInterface("v\(number)", kind: "test")
            interface.isLinkUp = true
            lab.engine.attach(
                interface, output: NodeDescriptor(output: Sink.self, name: "v\(number)-tx") { _ in Sink() })
        }
        lab.sessions.configure { _ in }
        let frames = (0..<256).map { MirrorLab.frame(UInt8($0)) }
        lab.send(frames, by: "a")
        #expect(lab.sent("b") == frames)
        let counts = lab.sessions.report(.counters, only: nil).sessions.compactMap { $0.sources[0].rx }
        let lost = counts.reduce(0) { $0 + $1.lost["no-buffer", default: 0] }
        #expect(lost > 0)
        #expect(counts.reduce(0) { $0 + $1.packets } + lost == 4 * 256)
        #expect(lab.engine.buffersInUse == 0)
    }

    /// Takes what comes.
    private struct Sink: OutputNode {
        static let name = "sink"

        mutating func process(_ frame: Frame, _ context: Context) {
            for position in 0..<frame.count { context.decide(position, Verdict<NoNext, NoReason>.kept) }
            context.free(frame.indices, count: frame.count)
        }

        mutating func flush(_ context: Context) -> Bool { true }
    }

    @Test func `a bundle's members are watched for it, whichever they are`() throws {
        let lab = try MirrorLab("monitor-sessions: {lab: {destination: p, sources: [{interface: c, direction: rx}]}}")
        let (a, b, c) = (
            try #require(lab.engine.interface(named: "a")), try #require(lab.engine.interface(named: "b")),
            try #require(lab.engine.interface(named: "c"))
        )
        c.members = [a]
        lab.send(SessionTests.frames, by: "a")
        lab.send(SessionTests.frames, by: "b")
        #expect(lab.sent("p") == SessionTests.frames)
        c.members = [a, b]
        lab.send(SessionTests.frames, by: "b")
        #expect(lab.sent("p") == SessionTests.frames)
        c.members = [b]
        lab.send(SessionTests.frames, by: "a")
        #expect(lab.sent("p") == [])
        #expect(lab.sessions.report(.counters, only: nil).sessions[0].sources[0].rx?.packets == 6)
    }

    @Test func `a copy tells its destination what was copied`() throws {
        let lab = try MirrorLab("monitor-sessions: {lab: {destination: v, sources: [{interface: a, first: 20}]}}")
        let seen = Seen()
        let interface = lab.engine.createInterface("v", kind: "test")
        interface.isLinkUp = true
        lab.engine.attach(interface, output: NodeDescriptor(output: Reader.self, name: "v-tx") { _ in Reader(seen) })
        lab.sessions.configure { _ in }
        lab.send([MirrorLab.frame(1, length: 80)], by: "a")
        lab.send([MirrorLab.frame(2, length: 70)], by: "b")
        let a = try #require(lab.engine.interface(named: "a")).index
        #expect(seen.notes.map(\.session) == [1, 1])
        #expect(seen.notes.map(\.source) == [a, a])
        #expect(seen.notes.map(\.direction) == [.rx, .tx])
        #expect(seen.notes.map(\.originalLength) == [80, 70])
        #expect(seen.notes.allSatisfy { $0.isTruncated && $0.clock <= Clock.now })
        #expect(seen.flags == [.mirrored, .mirrored])
        #expect(seen.bytes == [Array(MirrorLab.frame(1).prefix(20)), Array(MirrorLab.frame(2).prefix(20))])
    }

    private final class Seen: @unchecked Sendable {
        var notes: [CopyNote] = []
        var flags: [BufferFlags] = []
        var bytes: [[UInt8]] = []
    }

    private struct Reader: OutputNode {
        static let name = "reader"
        let seen: Seen

        init(_ seen: Seen) { self.seen = seen }

        mutating func process(_ frame: Frame, _ context: Context) {
            for position in 0..<frame.count {
                let packet = context.packet(frame[position])
                seen.notes.append(packet.copyNote)
                seen.flags.append(packet.header.flags)
                seen.bytes.append([UInt8](packet.bytes))
                context.decide(position, Verdict<NoNext, NoReason>.kept)
            }
            context.free(frame.indices, count: frame.count)
        }

        mutating func flush(_ context: Context) -> Bool { true }
    }
}
