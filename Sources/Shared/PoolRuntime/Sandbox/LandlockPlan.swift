import PoolProtocol

/// What a role gives up of files, ports and signals, as far as a version of Landlock can take it. Data only: `Lockdown`
/// has it done.
struct LandlockPlan: Equatable {
    /// Forbidden everywhere but where `directoryRights` allow it.
    let files: FileRights
    let ports: PortRights
    let scopes: Scopes
    /// What the role may do below the directories that were handed to it.
    let directoryRights: FileRights
    /// Outgoing connections may be bound to an address, at a port of the kernel's choice.
    let bindsAnyPort: Bool
    /// The layers that this amounts to.
    let layers: SandboxLayers

    struct PortRights: OptionSet, Hashable {
        let rawValue: UInt64
        static let bindTCP = PortRights(rawValue: 1)
        static let connectTCP = PortRights(rawValue: 2)
    }

    /// What may not leave the process any more.
    struct Scopes: OptionSet, Hashable {
        let rawValue: UInt64
        /// Connections to abstract unix sockets.
        static let abstractSockets = Scopes(rawValue: 1)
        static let signals = Scopes(rawValue: 2)
    }

    private static let firstWithPorts = 4
    private static let firstWithScopes = 6

    /// The layers that a version can bear.
    static func layers(ofVersion version: Int) -> SandboxLayers {
        var layers: SandboxLayers = version >= 1 ? .files : []
        if version >= firstWithPorts { layers.insert(.ports) }
        if version >= firstWithScopes { layers.insert(.signals) }
        return layers
    }

    /// - Parameters:
    ///   - wanted: layers beyond these are left alone.
    ///   - bindsAddress: outgoing connections come from an address of the user's choice.
    init(role: Role, version: Int, wanted: SandboxLayers, bindsAddress: Bool) {
        layers = Self.layers(ofVersion: version).intersection(wanted)
        files = layers.contains(.files) ? .known(toVersion: version) : []
        let allPorts: PortRights = role == .peerWorker ? .bindTCP : [.bindTCP, .connectTCP]
        ports = layers.contains(.ports) ? allPorts : []
        scopes = layers.contains(.signals) ? [.abstractSockets, .signals] : []
        bindsAnyPort = role == .peerWorker && bindsAddress && layers.contains(.ports)
        directoryRights = role == .writer ? Self.writing.intersection(files) : []
    }

    /// Never to remove or rename, nor to make a link: the writer does neither.
    private static let writing: FileRights = [
        .writeFile, .readFile, .readDirectory, .makeRegularFile, .makeDirectory, .truncate,
    ]
}
