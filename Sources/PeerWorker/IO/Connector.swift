import BitTorrent
import Glibc
import NIOCore
import NIOPosix

/// What every connection to a peer has in common, whoever began it.
enum PeerChannel {
    /// 1: each wake of a socket is one read, so that peers take turns and `ReceiveAllocator` keeps no buffers.
    static let readsPerWake: UInt = 1
    /// The channel turns unwritable at the upper mark, which costs the peer its connection.
    static let unsent = ChannelOptions.Types.WriteBufferWaterMark(
        low: Connection.unsentLimit / 2, high: Connection.unsentLimit)
    static let noDelay = ChannelOptions.tcpOption(.tcp_nodelay)
}

/// Opens connections to numeric addresses. The size of the kernel's receive buffer is left to the kernel, which fits it
/// to bandwidth and delay.
struct Connector {
    private let eventLoop: any EventLoop
    private let timeout: TimeAmount
    /// nil: any.
    private let bindAddress: SocketAddress?

    /// - Throws: when `bindAddress` is neither empty nor a numeric address.
    init(eventLoop: any EventLoop, timeout: TimeAmount, bindAddress: String) throws {
        self.eventLoop = eventLoop
        self.timeout = timeout
        self.bindAddress = bindAddress.isEmpty ? nil : try SocketAddress(ipAddress: bindAddress, port: 0)
    }

    /// Puts `connection` into a channel; its `channelActive` follows, or `failed`, on the loop.
    func connect(_ connection: Connection, buffers: ReceiveBuffers, failed: @escaping (any Error) -> Void) {
        let bound = NIOLoopBound(connection, eventLoop: eventLoop)
        var bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelOption(PeerChannel.noDelay, value: 1)
            .channelOption(.maxMessagesPerRead, value: PeerChannel.readsPerWake)
            .channelOption(.recvAllocator, value: ReceiveAllocator(buffers))
            .channelOption(.writeBufferWaterMark, value: PeerChannel.unsent)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
        let isIPv6 = connection.address.isIPv6
        if let bindAddress, bindAddress.protocol == (isIPv6 ? .inet6 : .inet) {
            bootstrap = bootstrap.bind(to: bindAddress)
        }
        let connected: EventLoopFuture<any Channel>
        do {
            // An address of the other family than the one we are bound to would leave by another way than asked for.
            if let bindAddress, bindAddress.protocol != (isIPv6 ? .inet6 : .inet) {
                throw IOError(errnoCode: EAFNOSUPPORT, reason: "bind")
            }
            connected = bootstrap.connect(to: try SocketAddress(connection.address))
        } catch {
            connected = eventLoop.makeFailedFuture(error)
        }
        connected.assumeIsolated().whenFailure { failed($0) }
    }
}
