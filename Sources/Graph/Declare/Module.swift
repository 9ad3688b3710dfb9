// SPDX-License-Identifier: Apache-2.0

/// A feature of the router, built into the library or loaded as a plugin: both say what they bring through the same registry.
///
/// A module is made once per router. It registers in `register`, before the file is read; it allocates tables when its
/// section enables it.
@ControlPlane
public protocol Module: AnyObject {
    /// The name that `show plugins` prints.
    nonisolated static var name: String { get }
    init()
    /// Declares nodes, feature arcs, features, processes, sections and commands.
    func register(in registry: Registry)
    /// What is wrong with the file that no section could tell by itself: one names what another should declare. Every
    /// section that the file has was read, nothing is applied yet.
    /// - Parameter file: All of it.
    func objections(to file: Setting) -> [ConfigurationError]
    /// The graph is built and the configuration applied; workers start next.
    func start() throws
    /// The router is about to stop, and its workers still run: what is injected now is sent.
    func willStop()
    /// The router stops: hand back what the kernel would keep.
    func stop()
}

extension Module {
    public func objections(to file: Setting) -> [ConfigurationError] { [] }
    public func start() throws {}
    public func willStop() {}
    public func stop() {}
}

/// A top-level section of the configuration file.
public struct Section: Sendable {
    public let key: String
    public let schema: Schema
    /// Checks what the schema can't and returns what is to be done. Nothing is done before every section was read.
    public let read: @ControlPlane @Sendable (Setting) throws(ConfigurationErrors) -> Application

    /// What applying a section does; it may assume that its setting was checked. `martlet check` does it as well, in a router
    /// that is never started: what other processes could see belongs into the module's `start`.
    public typealias Application = @ControlPlane () throws -> Void

    public init(
        _ key: String, _ schema: Schema,
        read: @escaping @ControlPlane @Sendable (Setting) throws(ConfigurationErrors) -> Application
    ) {
        self.key = key
        self.schema = schema
        self.read = read
    }
}

/// A kind of interface: what `type:` names in the section `interfaces`.
public struct InterfaceDriver: Sendable {
    public let kind: String
    public let doc: String
    /// The keys that this kind adds to an interface's entry.
    public let keys: [Schema.Key]
    /// Those of an entry's settings that name the interfaces on which this one stands. They are created before it; an
    /// interface that stands on others has no device and no buffers of its own.
    public let lower: @Sendable (Setting) -> [Setting]
    /// Checks the entry and returns what creates the interface.
    public let read:
        @ControlPlane @Sendable (_ name: String, Setting) throws(ConfigurationErrors) ->
            @ControlPlane () throws -> Interface

    public init(
        _ kind: String, _ doc: String, keys: [Schema.Key],
        lower: @escaping @Sendable (Setting) -> [Setting] = { _ in [] },
        read:
            @escaping @ControlPlane @Sendable (String, Setting) throws(ConfigurationErrors) ->
            @ControlPlane () throws ->
            Interface
    ) {
        self.kind = kind
        self.doc = doc
        self.keys = keys
        self.lower = lower
        self.read = read
    }
}

/// A key that a feature adds to every interface's entry: `addresses`, for instance.
public struct InterfaceAttribute: Sendable {
    public let key: Schema.Key
    public let read:
        @ControlPlane @Sendable (Setting) throws(ConfigurationErrors) -> @ControlPlane (Interface) throws -> Void

    public init(
        _ key: Schema.Key,
        read:
            @escaping @ControlPlane @Sendable (Setting) throws(ConfigurationErrors) ->
            @ControlPlane (Interface) throws -> Void
    ) {
        self.key = key
        self.read = read
    }
}
