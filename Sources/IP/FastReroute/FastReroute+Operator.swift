// SPDX-License-Identifier: Apache-2.0
import Graph
import Wire

// What an operator does by hand.
extension FastReroute {
    /// Takes a next hop out of use, or back into it: at once, as whoever says so knows why.
    public func setOutOfUse(_ index: AdjacencyIndex, _ isOut: Bool) {
        if isOut, commanded.insert(index).inserted { adjacencies.retain(index) }
        adjacencies.setFailure(.command, isOut, index)
        if !isOut, commanded.remove(index) != nil { adjacencies.release(index) }
    }

    /// Ends the wait of next hops whose failure is over; returns how many that were.
    public func revert(only address: IPAddress? = nil) -> Int {
        let waiting = protections.values.filter {
            $0.phase == .waiting && (address == nil || $0.key.address == address)
        }
        for protection in waiting { release(protection) }
        return waiting.count
    }

    /// Forgets what was switched and counted; what is under way stays.
    func clear() {
        history.clear()
        for protection in protections.values {
            protection.switches = 0
            protection.flaps = 0
            if protection.phase == .inUse { protection.failures = 0 }
        }
    }
}
