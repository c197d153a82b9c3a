import BitTorrent

/// The first datagram on a worker's lifeline: all that it must know before it can speak. Its descriptors ride along in
/// the order of `Descriptor`.
package struct LaunchOrder: PoolCodable {
    package static let layoutVersion: UInt32 = 3

    /// The descriptors that come with the order, in this order; those that a role lacks are left out.
    package enum Descriptor: Int, CaseIterable, Sendable {
        /// The worker's data listener (unix stream socket), to be adopted with ZMQ_USE_FD.
        case listener
        /// `StatusPage`.
        case statusPage
        /// peer-worker: intake region; hash-worker: assembly region, read-write.
        case ownRegion
        /// peer-worker: TCP listeners, v4 then v6, as many as `tcpListenerCount`.
        case tcpListeners
        /// writer: the directories that it writes below, as many as `directoryCount`; for its lock-down alone, each
        /// torrent names its own.
        case directories
    }

    package var who: Incarnation
    /// Absolute path of the run directory that holds the sockets.
    package var runDirectory: String
    package var regionByteCount: UInt64
    package var tcpListenerCount: UInt16
    /// The worker's loop turns at least this often.
    package var heartbeatMilliseconds: UInt32
    /// Core to run on; nil: any.
    package var pinnedCore: UInt16?
    /// swift-log level, 0 trace … 6 critical.
    package var logLevel: UInt8
    /// A successor hash-worker looks into its region for pieces to adopt; false: start empty.
    package var adoptsRegion: Bool
    /// Bind address for outgoing connections of peer-workers, empty: any.
    package var bindAddress: String
    package var connectTimeoutMilliseconds: UInt32
    package var maximumPeerCount: UInt16
    /// A handler of the loop that takes this long counts as slow.
    package var slowMilliseconds: UInt32
    package var directoryCount: UInt16
    package var sandbox: SandboxOrder

    package init(
        who: Incarnation, runDirectory: String, regionByteCount: UInt64, tcpListenerCount: UInt16,
        heartbeatMilliseconds: UInt32, pinnedCore: UInt16?, logLevel: UInt8, adoptsRegion: Bool, bindAddress: String,
        connectTimeoutMilliseconds: UInt32, maximumPeerCount: UInt16, slowMilliseconds: UInt32,
        directoryCount: UInt16, sandbox: SandboxOrder
    ) {
        self.who = who
        self.runDirectory = runDirectory
        self.regionByteCount = regionByteCount
        self.tcpListenerCount = tcpListenerCount
        self.heartbeatMilliseconds = heartbeatMilliseconds
        self.pinnedCore = pinnedCore
        self.logLevel = logLevel
        self.adoptsRegion = adoptsRegion
        self.bindAddress = bindAddress
        self.connectTimeoutMilliseconds = connectTimeoutMilliseconds
        self.maximumPeerCount = maximumPeerCount
        self.slowMilliseconds = slowMilliseconds
        self.directoryCount = directoryCount
        self.sandbox = sandbox
    }

    package func encode(into writer: inout FrameWriter) {
        writer.put(Self.layoutVersion)
        who.encode(into: &writer)
        writer.put(text: runDirectory)
        writer.put(regionByteCount)
        writer.put(tcpListenerCount)
        writer.put(heartbeatMilliseconds)
        writer.put(pinnedCore ?? .max)
        writer.put(logLevel)
        writer.put(flag: adoptsRegion)
        writer.put(text: bindAddress)
        writer.put(connectTimeoutMilliseconds)
        writer.put(maximumPeerCount)
        writer.put(slowMilliseconds)
        writer.put(directoryCount)
        sandbox.encode(into: &writer)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        guard try reader.get(UInt32.self) == Self.layoutVersion else { throw .invalidField("layoutVersion") }
        who = try Incarnation(from: &reader)
        runDirectory = try reader.getText()
        regionByteCount = try reader.get()
        tcpListenerCount = try reader.get()
        heartbeatMilliseconds = try reader.get()
        let core = try reader.get(UInt16.self)
        pinnedCore = core == .max ? nil : core
        logLevel = try reader.get()
        adoptsRegion = try reader.getBool()
        bindAddress = try reader.getText()
        connectTimeoutMilliseconds = try reader.get()
        maximumPeerCount = try reader.get()
        slowMilliseconds = try reader.get()
        directoryCount = try reader.get()
        sandbox = try SandboxOrder(from: &reader)
    }
}

/// Every later datagram on the lifeline: names for the descriptors that ride along, one each, in order.
package struct DescriptorsPassed: PoolCodable {
    /// Most descriptors in one datagram (the kernel allows 253).
    package static let maximumCount = 250
    package var identifiers: [UInt32]
    package init(identifiers: [UInt32]) { self.identifiers = identifiers }
    package func encode(into writer: inout FrameWriter) { writer.put(list: identifiers) }
    package init(from reader: inout FrameReader) throws(PoolCodecError) { identifiers = try reader.getList() }
}
