import BitTorrent
import CLinux
import Glibc
import Logging
import PoolRuntime
import SystemPackage

/// The sockets of local discovery (BEP 14), one for each family: sends what `LocalDiscovery` wants sent and hands over what
/// comes. Most machines lack one of the families, and some any network at all: no failure here is more than a line for
/// debugging.
final class LocalNetworks {
    /// BEP 14: more than the nearest network; an organisation's own has no more (a guess).
    private static let hops: CInt = 4
    /// Datagrams taken in a turn; a flood waits, and the kernel drops what does not fit.
    private static let datagramsPerTurn = 16

    private struct Membership {
        let group: LocalAnnouncement.Group
        let socket: OwnedDescriptor
    }

    private let memberships: [Membership]
    private let localAddress: [UInt8]
    private let logger: Logger

    /// - Parameters:
    ///   - bindAddress: take part on the network of this address only; nil: on all.
    ///   - received: a datagram and its sender.
    init(
        poll: PollLoop, bindAddress: String?, logger: Logger, received: @escaping ([UInt8], PeerAddress) -> Void
    ) {
        self.logger = logger
        localAddress = bindAddress.flatMap { PeerAddress(numericHost: $0, port: 0) }?.addressBytes ?? []
        var memberships: [Membership] = []
        for group in LocalAnnouncement.Group.allCases {
            let size = group.address.addressBytes.count
            if !localAddress.isEmpty, localAddress.count != size { continue }
            do throws(SystemCallError) {
                let socket = OwnedDescriptor(
                    try checked("bind", clinux_multicast_socket(UInt32(size), LocalAnnouncement.Group.port)))
                try poll.watch(descriptor: socket.rawValue) { _ in Self.take(from: socket.rawValue, received) }
                memberships.append(Membership(group: group, socket: socket))
            } catch { logger.debug("no local discovery", metadata: ["group": "\(group)", "error": "\(error)"]) }
        }
        self.memberships = memberships
        // To hear others before the first announcement.
        for membership in memberships { _ = join(membership) }
    }

    /// The networks that are there now: they come and go while we run.
    private func join(_ membership: Membership) -> ArraySlice<UInt32> {
        let group = membership.group.address.addressBytes
        var interfaces = [UInt32](repeating: 0, count: Int(CLINUX_MULTICAST_NETWORKS))
        let count = clinux_multicast_join(
            membership.socket.rawValue, group, UInt32(group.count), localAddress, UInt32(localAddress.count),
            &interfaces)
        return interfaces.prefix(Int(max(0, count)))
    }

    func send(_ announcement: LocalAnnouncement) {
        for membership in memberships {
            let group = membership.group.address
            let bytes = announcement.datagram(to: membership.group)
            for interface in join(membership) {
                let result = clinux_multicast_send(
                    membership.socket.rawValue, group.addressBytes, UInt32(group.addressBytes.count), group.port,
                    interface, Self.hops, bytes, bytes.count)
                if result < 0 {
                    let error = SystemCallError("sendto", -result, subject: group.description)
                    logger.debug("not announced on a local network", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    private static func take(from socket: CInt, _ received: ([UInt8], PeerAddress) -> Void) {
        // One byte more than is ever read, so that what was cut is seen to be too long.
        var buffer = [UInt8](repeating: 0, count: LocalAnnouncement.maximumByteCount + 1)
        for _ in 0..<datagramsPerTurn {
            var address = [UInt8](repeating: 0, count: 16)
            var size: UInt32 = 0
            var port: UInt16 = 0
            let count = clinux_multicast_receive(socket, &buffer, buffer.count, &address, &size, &port)
            guard count >= 0 else { return }
            if let sender = PeerAddress(addressBytes: address.prefix(Int(size)), port: port) {
                received(Array(buffer.prefix(count)), sender)
            }
        }
    }
}
