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
    /// What a plugin declares is held back here until all of it is known to fit.
    private var heldBack: Declarations?

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

    /// A kind of node, and one node of that kind under its own name.
    public func add(_ node: NodeDescriptor) { declare { $0.nodes.append(node) } }
    /// A place where interfaces have features.
    public func add(_ arc: FeatureArc) { declare { $0.arcs.append(arc) } }
    /// A node's place on a feature arc.
    public func add(_ feature: Feature) { declare { $0.features.append(feature) } }

    /// Declares a control-side process, to which nodes punt packets.
    public func add(process name: String, _ receive: @escaping @ControlPlane (PuntedPacket) -> Void) -> ProcessIndex {
        engine.addProcess(name, receive)
    }

    // MARK: - Operator

    /// A section of the configuration file.
    public func add(_ section: Section) { declare { $0.sections.append(section) } }
    /// A command of the control socket.
    public func add(_ command: Command) { declare { $0.commands.append(command) } }
    /// A type of interface.
    public func add(_ driver: InterfaceDriver) { declare { $0.drivers.append(driver) } }
    /// A key that interfaces of every type have.
    public func add(_ attribute: InterfaceAttribute) { declare { $0.interfaceAttributes.append(attribute) } }

    // MARK: - Taking effect

    private func declare(_ change: (inout Declarations) -> Void) {
        if heldBack != nil { return change(&heldBack!) }
        var declared = Declarations()
        change(&declared)
        accept(declared)
    }

    /// Runs `body`, and returns what it declared instead of letting it take effect.
    func collect(_ body: () -> Void) -> Declarations {
        heldBack = Declarations()
        body()
        defer { heldBack = nil }
        return heldBack ?? Declarations()
    }

    func accept(_ declared: Declarations, of module: (any Module)? = nil) {
        if let module { modules.append(module) }
        for node in declared.nodes { engine.add(node) }
        for arc in declared.arcs { engine.add(arc) }
        for feature in declared.features { engine.add(feature) }
        sections += declared.sections
        commands += declared.commands
        drivers += declared.drivers
        interfaceAttributes += declared.interfaceAttributes
    }
}
