// SPDX-License-Identifier: Apache-2.0

/// Where modules declare what they bring: the whole interface between a feature and the router.
@ControlPlane
public final class Registry {
    public let engine: Engine
    public private(set) var sections: [Section] = []
    public private(set) var commands: [Command] = []
    public private(set) var drivers: [InterfaceDriver] = []
    public private(set) var interfaceAttributes: [InterfaceAttribute] = []
    public private(set) var modules: [any Module] = []

    public init(engine: Engine) { self.engine = engine }

    /// Makes a module and has it register.
    @discardableResult
    public func load<M: Module>(_ type: M.Type) -> M {
        let module = type.init()
        modules.append(module)
        module.register(in: self)
        return module
    }

    /// A module that was loaded before, by type: how one feature reaches another's public face.
    public func module<M: Module>(_ type: M.Type) -> M? { modules.lazy.compactMap { $0 as? M }.first }

    // MARK: - Data plane

    public func add(_ node: NodeDescriptor) { engine.add(node) }
    public func add(_ arc: FeatureArc) { engine.add(arc) }
    public func add(_ feature: Feature) { engine.add(feature) }

    /// Declares a control-side process, to which nodes punt packets.
    public func add(process name: String, _ receive: @escaping @ControlPlane (PuntedPacket) -> Void) -> ProcessIndex {
        engine.addProcess(name, receive)
    }

    // MARK: - Operator

    public func add(_ section: Section) { sections.append(section) }
    public func add(_ command: Command) { commands.append(command) }
    public func add(_ driver: InterfaceDriver) { drivers.append(driver) }
    public func add(_ attribute: InterfaceAttribute) { interfaceAttributes.append(attribute) }
}
