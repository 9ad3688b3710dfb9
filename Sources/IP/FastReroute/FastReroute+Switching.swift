// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Wire

// What follows the stores: the account of a switch, and the way back.
extension FastReroute {
    // MARK: - Following the adjacencies

    /// Whether a next hop whose failure is over stays down for now: it worked before, traffic has somewhere else to be, and
    /// there is a time to wait.
    func holdsDown(_ index: AdjacencyIndex) -> Bool {
        guard let protection = protections[index], protection.wasInUse, hasReadyBackup(protection) else { return false }
        return wait(protection) != 0
    }

    func adjacencyChanged(_ index: AdjacencyIndex) {
        let clock = adjacencies.changeClock
        if let protection = protections[index], protection.isProtected { follow(protection, clock) }
        for primary in backupUses[index]?.keys.sorted() ?? [] { backupChanged(of: primary) }
    }

    /// The neighbour that takes over for `primary` can, or no longer can.
    private func backupChanged(of primary: AdjacencyIndex) {
        guard let protection = protections[primary], table[primary].status.isDown else { return }
        fib.pathLists.adjacencyChanged(primary)
        // Waiting helps nobody without a backup.
        if protection.phase == .waiting, !hasReadyBackup(protection) { release(protection) }
    }

    private func follow(_ protection: Protection, _ clock: (detected: UInt64, stored: UInt64)) {
        let status = table[protection.adjacency].status
        let reason = reason(status, protection.key.interface)
        switch protection.phase {
        case .inUse:
            if let reason { begin(protection, reason, clock) }
        case .failed:
            if let reason { return refine(protection, reason) }
            if status.isDown { beginWaiting(protection) } else { end(protection, clock) }
        case .waiting:
            if reason != nil { failAgain(protection) } else if !status.isDown { end(protection, clock) }
        }
    }

    /// Nil when nothing but the time of waiting speaks against the next hop.
    private func reason(_ status: AdjacencyStatus, _ interface: InterfaceIndex) -> SwitchReason? {
        if status.isBFDDown { return .bfdDown }
        if status.failures.contains(.link) {
            let flags = interfaces.interface(interface)?.flags ?? []
            if flags.contains(.absent) { return .deviceRemoved }
            return flags.contains(.adminUp) ? .linkDown : .adminDown
        }
        if status.failures.contains(.neighbor) { return .neighborUnreachable }
        return status.failures.contains(.command) ? .command : nil
    }

    // MARK: - The switch and after

    private func begin(
        _ protection: Protection, _ reason: SwitchReason, _ clock: (detected: UInt64, stored: UInt64)
    ) {
        let isFlap = protection.failures > 0 && !isForgotten(protection, at: clock.detected)
        protection.failures = isFlap ? protection.failures + 1 : 1
        if isFlap { protection.flaps += 1 }
        protection.switches += 1
        protection.phase = .failed
        protection.wasInUse = true
        let event = ProtectionSwitch(
            number: history.takeNumber(), protection.key.address, name(of: protection.key.interface), reason,
            backup: backupText(protection), detected: clock.detected, switched: clock.stored)
        protection.current = event.number
        history.append(event)
        if let backup = event.backup, hasReadyBackup(protection) {
            note(.onBackup, event, "\(reason.rawValue); its traffic takes \(backup)")
        } else {
            note(.withoutBackup, event, "\(reason.rawValue), and its backup cannot be used")
        }
        tell(event)
    }

    /// The kernel takes a device down before it removes it, and tells of both.
    private func refine(_ protection: Protection, _ reason: SwitchReason) {
        guard reason == .deviceRemoved, history[protection.current]?.reason == .linkDown else { return }
        history[protection.current]?.reason = reason
    }

    private func isForgotten(_ protection: Protection, at now: UInt64) -> Bool {
        let memory = Clock.ticks(milliseconds: Double(policy(of: protection).flapMemory))
        return now > protection.restored && now - protection.restored >= memory
    }

    /// A failure during the wait: it starts again when that one is over.
    private func failAgain(_ protection: Protection) {
        stopTimer(protection)
        protection.phase = .failed
        protection.failures += 1
        protection.flaps += 1
        history[protection.current]?.flaps += 1
    }

    private func beginWaiting(_ protection: Protection) {
        protection.phase = .waiting
        keepResolved()
        guard let wait = wait(protection) else { return }
        protection.deadline = Clock.now &+ Clock.ticks(milliseconds: Double(wait))
        setTimer(protection, milliseconds: wait)
    }

    private func setTimer(_ protection: Protection, milliseconds: Int) {
        protection.timer = engine.timers.after(milliseconds: milliseconds) { [weak self, weak protection] in
            guard let self, let protection else { return }
            protection.timer = nil
            // Traffic does not go back to a neighbour that would have to be asked for its address first.
            if table[protection.adjacency].status.isResolved || !hasReadyBackup(protection) {
                release(protection)
            } else {
                setTimer(protection, milliseconds: 100)
            }
        }
    }

    private func stopTimer(_ protection: Protection) {
        if let timer = protection.timer { engine.timers.cancel(timer) }
        protection.timer = nil
        protection.deadline = nil
    }

    /// Ends the wait: one store, and traffic is back.
    func release(_ protection: Protection) {
        stopTimer(protection)
        adjacencies.setFailure(.waitToRestore, false, protection.adjacency)
    }

    private func end(_ protection: Protection, _ clock: (detected: UInt64, stored: UInt64)) {
        stopTimer(protection)
        protection.phase = .inUse
        protection.wasInUse = true
        protection.restored = clock.stored
        noteFirstPacket(firstPacket(protection), protection)
        history[protection.current]?.restored = clock.stored
        if let event = history[protection.current] {
            let seconds = ProtectionSwitch.seconds(from: event.detected, to: clock.stored)
            note(.back, event, "traffic is back after \(seconds.fixed(1)) s")
            tell(event)
        }
        protection.current = nil
        forgetSuccessors(protection)
        // A worker may be about to note a packet that was on the backup.
        engine.retire { [weak self, weak protection] in
            if let self, let protection, !table[protection.adjacency].status.isDown { resetFirstPacket(protection) }
        }
    }

    // MARK: - Waiting

    func policy(of protection: Protection) -> RestorationPolicy {
        protection.policy ?? links[protection.key.interface]?.policy ?? policy
    }

    /// Milliseconds that a failure of this next hop must be over; nil: until an operator asks.
    func wait(_ protection: Protection) -> Int? { policy(of: protection).wait(afterFailures: protection.failures) }

    // MARK: - The first packet on the backup

    /// As workers have noted it since the last switch.
    func firstPacket(_ protection: Protection) -> UInt64? {
        var first = earliest(nil, table[protection.adjacency].firstOnBackup)
        for path in protection.paths { first = earliest(first, fib.paths.table[path].firstOnBackup) }
        return first
    }

    func earliest(_ one: UInt64?, _ other: UInt64?) -> UInt64? {
        guard let other, other != 0 else { return one }
        return min(one ?? .max, other)
    }

    func noteFirstPacket(_ clock: UInt64?, _ protection: Protection) {
        guard let event = history[protection.current] else { return }
        history[protection.current]?.firstPacket = earliest(event.firstPacket, clock)
    }

    private func resetFirstPacket(_ protection: Protection) {
        table[protection.adjacency].firstOnBackup = 0
        for path in protection.paths { fib.paths.table[path].firstOnBackup = 0 }
    }

    // MARK: - Words

    func name(of interface: InterfaceIndex) -> String { interfaces.interface(interface)?.name ?? "" }

    /// Where the next hop's traffic goes without it; nil: nowhere.
    func backupText(_ protection: Protection) -> String? {
        if let own = protection.own, own.forwarding != .noRoute { return text(of: own.forwarding) }
        // Records of several paths may say the same.
        let backups = Set(protection.paths.compactMap { text(of: fib.paths.table[$0].backup) })
        guard let first = backups.first else { return protection.successors.min().flatMap(text) }
        return backups.count == 1 ? first : "\(backups.count) backups of \(protection.paths.count) paths"
    }

    private func text(of neighbor: AdjacencyIndex) -> String? {
        table[neighbor].neighbor.map { "\($0) on \(name(of: table[neighbor].txInterface))" }
    }

    func text(of backup: Forwarding) -> String? {
        guard let neighbor = neighbor(of: backup), let way = text(of: neighbor) else { return nil }
        guard backup.kind == .path else { return way }
        let labels = fib.paths.labels(of: backup.index)
        return labels.isEmpty ? way : "\(way), labels \(labels.map { "\($0)" }.joined(separator: " "))"
    }
}
