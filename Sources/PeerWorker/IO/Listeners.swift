import NIOCore
import NIOPosix

/// Takes in the peers that connect to the sockets which the supervisor opened and passed on. Closes none of them before
/// the process ends: the supervisor keeps them over restarts.
enum Listeners {
    /// Connections taken from one listener in a turn before peers get theirs.
    private static let acceptsPerWake: UInt = 16

    /// Begins to accept.
    /// - Parameter accept: makes the connection, on the loop; nil refuses the peer.
    static func start(
        _ descriptors: [CInt], on eventLoop: any EventLoop, buffers: ReceiveBuffers,
        accept: @escaping ((any Channel)) -> Connection?, failed: @escaping (any Error) -> Void
    ) {
        let bound = NIOLoopBound(accept, eventLoop: eventLoop)
        for descriptor in descriptors {
            ServerBootstrap(group: eventLoop)
                .serverChannelOption(.maxMessagesPerRead, value: acceptsPerWake)
                .childChannelOption(PeerChannel.noDelay, value: 1)
                .childChannelOption(.maxMessagesPerRead, value: PeerChannel.readsPerWake)
                .childChannelOption(.recvAllocator, value: ReceiveAllocator(buffers))
                .childChannelOption(.writeBufferWaterMark, value: PeerChannel.unsent)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard let connection = bound.value(channel) else { throw ChannelError.operationUnsupported }
                        try channel.pipeline.syncOperations.addHandler(connection)
                    }
                }
                .withBoundSocket(descriptor)
                .assumeIsolated()
                .whenFailure { failed($0) }
        }
    }
}
