// SPDX-License-Identifier: Apache-2.0
import Graph

/// What frames to the addresses that bridges keep to themselves are, 01-80-C2-00-00-00 to 0F (802.1Q table 8-1).
public enum BridgeControlProtocol: Int, CaseIterable, Sendable {
    /// The spanning trees of customers (00) and providers (08).
    case bpdu
    /// LACP, marker protocol, OAM (802.3 annex 57A).
    case slowProtocols
    /// LLDP to the nearest bridge (0E).
    case lldp
    /// Pause, port authentication, and whatever else.
    case other

    /// - Parameter destination: The address as a little-endian load gives it, one that `isReserved`.
    init(_ destination: UInt64) {
        self =
            switch destination &>> 40 {
            case 0x00, 0x08: .bpdu
            case 0x02: .slowProtocols
            case 0x0e: .lldp
            default: .other
            }
    }

    /// Whether an address is one of those.
    /// - Parameter destination: As a little-endian load gives it, in the low 48 bits.
    @inline(__always)
    static func isReserved(_ destination: UInt64) -> Bool { destination & 0xf0ff_ffff_ffff == 0x00c2_8001 }
}

/// What a bridge port does with control frames that come in by it.
public enum BridgeControlAction: String, CaseIterable, Sendable {
    case drop
    /// To all other members, as if the bridge were not there.
    case tunnel
    /// To the feature that speaks the protocol; without one they are dropped.
    case punt
}

/// The actions of a port for all protocols, two bits each.
struct BridgeControlActions: BitwiseCopyable {
    private var bits: UInt8 = 0

    /// Loops that somebody made through a bridge are found as long as BPDUs pass it; the rest is for one link.
    static var standard: BridgeControlActions {
        var actions = BridgeControlActions()
        actions[.bpdu] = .tunnel
        return actions
    }

    subscript(control: BridgeControlProtocol) -> BridgeControlAction {
        get {
            switch bits &>> UInt8(2 * control.rawValue) & 3 {
            case 1: .tunnel
            case 2: .punt
            default: .drop
            }
        }
        set {
            let value: UInt8 =
                switch newValue {
                case .drop: 0
                case .tunnel: 1
                case .punt: 2
                }
            bits = bits & ~(3 &<< UInt8(2 * control.rawValue)) | value &<< UInt8(2 * control.rawValue)
        }
    }
}
