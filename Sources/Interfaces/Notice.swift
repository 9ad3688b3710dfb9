// SPDX-License-Identifier: Apache-2.0
import Graph
import Logging
import Synchronization

/// One line for the operator about something that workers may meet for each packet: said once.
///
/// Any thread; the line is written on the control side.
final class Notice: Sendable {
    private let log: Logger
    private let wasSaid = Atomic(false)

    init(_ log: Logger) { self.log = log }

    func say(_ text: @autoclosure () -> String) {
        guard !wasSaid.exchange(true, ordering: .relaxed) else { return }
        let line = text()
        Task { @ControlPlane in log.error("\(line)") }
    }
}
