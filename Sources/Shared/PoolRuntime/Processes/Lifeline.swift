import CLinux
import Glibc
package import PoolProtocol

/// One end of the socket pair between the supervisor and a worker. It carries descriptors; its end is the other's end.
package final class Lifeline {
    /// The descriptor at which a worker finds its end.
    package static let workerDescriptor: CInt = 3

    package let descriptor: OwnedDescriptor

    package init(_ descriptor: OwnedDescriptor) { self.descriptor = descriptor }

    /// The supervisor's end and the one that a child inherits.
    package static func makePair() throws(SystemCallError) -> (ours: Lifeline, theirs: OwnedDescriptor) {
        var pair: [CInt] = [-1, -1]
        try checked("socketpair", clinux_seqpacket_pair(&pair))
        return (Lifeline(OwnedDescriptor(pair[0])), OwnedDescriptor(pair[1]))
    }

    /// Sends one datagram with descriptors; the receiver gets duplicates.
    package func send(_ message: some PoolCodable, descriptors: [CInt]) throws(SystemCallError) {
        var writer = FrameWriter()
        message.encode(into: &writer)
        let bytes = writer.bytes
        try checked(
            "sendmsg", subject: "lifeline",
            clinux_send_descriptors(
                descriptor.rawValue, bytes, bytes.count, descriptors, UInt32(descriptors.count)))
    }

    /// What came over the line.
    package enum Received {
        case message([UInt8], descriptors: [CInt])
        case nothing
        /// The other process is gone.
        case closed
    }

    package func receive(waiting: Bool = false) throws(SystemCallError) -> Received {
        var bytes = [UInt8](repeating: 0, count: Topology.maximumMessageByteCount)
        var descriptors = [CInt](repeating: -1, count: 253)
        var count = UInt32(descriptors.count)
        let received = clinux_receive_descriptors(
            descriptor.rawValue, &bytes, bytes.count, &descriptors, &count, waiting ? 1 : 0)
        if received == Int(-EAGAIN) { return .nothing }
        if received == Int(-ECONNRESET) || received == 0 { return .closed }
        try checked("recvmsg", subject: "lifeline", received)
        return .message(Array(bytes.prefix(received)), descriptors: Array(descriptors.prefix(Int(count))))
    }
}
