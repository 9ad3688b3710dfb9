// SPDX-License-Identifier: Apache-2.0
import Graph
import Testing

@testable import Mirror

/// The statuses, word for word: operators and their tools know them from other routers.
@Suite @ControlPlane struct StatusTests {
    private func statuses(_ lab: MirrorLab, _ session: String) -> (String, [String], String, [String]) {
        let report = lab.sessions.report(.status, only: session).sessions[0]
        return (report.status, report.sources.map(\.status), report.statusDetail, report.sources.map(\.statusDetail))
    }

    @Test func `a session that only a source names`() throws {
        let lab = try MirrorLab("", a: ", monitor-session: later")
        let (session, sources, _, _) = statuses(lab, "later")
        #expect(session == "Session is not configured globally")
        #expect(sources == ["Not operational (Session is not configured globally)"])
    }

    @Test func `a session without a destination`() throws {
        let lab = try MirrorLab("monitor-sessions: {lab: {sources: [a]}}")
        let (session, sources, sessionDetail, sourceDetails) = statuses(lab, "lab")
        #expect(session == "Destination interface is not configured")
        #expect(sources == ["Not operational (destination not known)"])
        #expect(sessionDetail == "No destination configured")
        #expect(sourceDetails == ["Not operational (no destination)"])
    }

    @Test func `a destination that is not there`() throws {
        let lab = try MirrorLab("monitor-sessions: {lab: {destination: z, sources: [a]}}")
        let (session, sources, sessionDetail, sourceDetails) = statuses(lab, "lab")
        #expect(session == "Destination interface z is not configured")
        #expect(sources == ["Not operational (destination not known)"])
        #expect(sessionDetail == session)
        #expect(sourceDetails == ["Not operational (destination interface not known)"])
    }

    @Test func `a destination that is its own source`() throws {
        let lab = try MirrorLab("monitor-sessions: {lab: {destination: a, sources: [a, b]}}")
        let (session, sources, _, _) = statuses(lab, "lab")
        #expect(session == "Destination interface a")
        #expect(sources == ["Not operational (source same as destination)", "Operational"])
        lab.send([MirrorLab.frame(1)], by: "a")
        #expect(lab.sent("b") == [MirrorLab.frame(1)], "a's own are not copied, b's are not sent twice")
        #expect(lab.sent("a") == [MirrorLab.frame(1)], "what b sends is copied to a")
    }

    @Test func `a destination without link, taken down, and its device gone`() throws {
        let lab = try MirrorLab("monitor-sessions: {lab: {destination: p, sources: [a]}}")
        let p = try #require(lab.engine.interface(named: "p"))
        #expect(statuses(lab, "lab").0 == "Destination interface p")
        p.isLinkUp = false
        #expect(statuses(lab, "lab").0 == "Destination interface p (no link)")
        #expect(statuses(lab, "lab").1 == ["Not operational (destination not active)"])
        p.isAdminUp = false
        #expect(statuses(lab, "lab").0 == "Destination interface p (down)")
        p.setFlag(.absent, true)
        #expect(statuses(lab, "lab").0 == "Destination interface p (no device)")
    }

    @Test func `a source without link`() throws {
        let lab = try MirrorLab("monitor-sessions: {lab: {destination: p, sources: [a]}}")
        let a = try #require(lab.engine.interface(named: "a"))
        #expect(statuses(lab, "lab").1 == ["Operational"])
        a.isLinkUp = false
        #expect(statuses(lab, "lab").1 == ["Not operational (source state no link)"])
    }

    @Test func `a file that cannot be written`() throws {
        let lab = try MirrorLab("monitor-sessions: {lab: {destination: {file: /nowhere/x.pcapng}, sources: [a]}}")
        let (session, sources, _, details) = statuses(lab, "lab")
        #expect(session == "Destination file /nowhere/x.pcapng")
        #expect(sources == ["Error: see detailed output for explanation"])
        #expect(
            details == ["Error: cannot create the capture '/nowhere/x.pcapng': No such file or directory"])
    }

    // MARK: - Text

    @Test func `the table of status`() async throws {
        let lab = try MirrorLab(
            "monitor-sessions: {lab: {destination: p, class: ipv4, sources: [a, {interface: c.7, direction: rx}]}}")
        #expect(
            await lab.run("show monitor-session status") == """
                Monitor-session lab (ipv4)
                Destination interface p
                \(String(repeating: "=", count: 80))
                Source Interface  Dir   Status
                ----------------  ----  \(String(repeating: "-", count: 56))
                a (port)          Both  Operational
                c.7               Rx    Operational


                """)
        #expect(await lab.run("show monitor-session lab status") == lab.run("show monitor-session"))
        #expect(await lab.run("show monitor-session status error") == "there are no errors\n")
    }

    @Test func `the details`() async throws {
        let lab = try MirrorLab(
            """
            monitor-sessions:
              lab:
                description: what a does
                destination: p
                sources: [{interface: a, direction: rx, first: 100, interval: 10, rate: 10kpps}]
            """)
        #expect(
            await lab.run("show monitor-session lab status detail") == """
                Monitor-session lab
                  Description: what a does
                  Destination interface p
                  Source Interfaces
                  -----------------
                  a
                    Direction: Rx-only
                    Port level: True
                    ACL match: Disabled
                    Portion: First 100 bytes
                    Interval: Mirror 1 in 10 packets
                    Rate: At most 10000 packets per second
                    Status: Operational


                """)
    }

    @Test func `a session that nobody has is named with what is near`() async throws {
        let lab = try MirrorLab("monitor-sessions: {lab: {destination: p}}")
        #expect(
            await lab.run("show monitor-session lap").contains("there is no monitor session 'lap'; did you mean 'lab'?")
        )
        #expect(await lab.run("show monitor-session lab detial").contains("'detial' is not a view"))
    }
}
