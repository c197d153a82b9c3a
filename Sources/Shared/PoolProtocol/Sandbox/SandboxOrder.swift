/// The part of a launch order that says what the worker gives up.
package struct SandboxOrder: Hashable, Sendable, PoolCodable {
    package var mode: SandboxMode
    /// What to give up, as far as the kernel can; all but in tests of a single layer.
    package var layers: SandboxLayers
    /// Whom to become; nil: nobody else.
    package var identity: Identity?

    /// A user with its groups.
    package struct Identity: Hashable, Sendable, PoolCodable {
        package var user: UInt32
        package var group: UInt32
        /// All of them, the kernel takes up to 65,536.
        package var groups: [UInt32]

        package init(user: UInt32, group: UInt32, groups: [UInt32]) {
            self.user = user
            self.group = group
            self.groups = groups
        }

        package func encode(into writer: inout FrameWriter) {
            writer.put(user)
            writer.put(group)
            writer.put(list: groups)
        }
        package init(from reader: inout FrameReader) throws(PoolCodecError) {
            user = try reader.get()
            group = try reader.get()
            groups = try reader.getList()
        }
    }

    package init(mode: SandboxMode, layers: SandboxLayers = .all, identity: Identity? = nil) {
        self.mode = mode
        self.layers = layers
        self.identity = identity
    }

    package func encode(into writer: inout FrameWriter) {
        writer.put(mode.rawValue)
        writer.put(layers.rawValue)
        writer.put(flag: identity != nil)
        identity?.encode(into: &writer)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        guard let mode = SandboxMode(rawValue: try reader.get()) else { throw .invalidField("sandboxMode") }
        self.mode = mode
        layers = SandboxLayers(rawValue: try reader.get()).intersection(.all)
        identity = try reader.getBool() ? try Identity(from: &reader) : nil
    }
}
