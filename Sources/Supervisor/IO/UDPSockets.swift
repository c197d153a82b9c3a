import BitTorrent
import CLinux
import Glibc
import PoolRuntime

/// The two sockets from which all trackers are asked, one for each IP version, opened when first used. Never blocks.
final class UDPSockets {
    /// What came out of a socket.
    enum Arrival {
        case packet([UInt8], from: PeerAddress)
        /// The network cannot deliver to this address.
        case failure(PeerAddress, SystemCallError)
    }

    /// Of an answer; a longer one is dropped. `mostPeers` of IPv6 would take 36 kB, and trackers send far less.
    private static let longestPacket = 16 << 10
    /// Packets taken in one turn of the loop; the others wait in the kernel.
    private static let mostAtOnce = 64

    private let bindAddress: PeerAddress?
    private let watch: (CInt) throws(SystemCallError) -> Void
    private var v4: Result<OwnedDescriptor, SystemCallError>?
    private var v6: Result<OwnedDescriptor, SystemCallError>?
    private var buffer = [UInt8](repeating: 0, count: longestPacket)

    /// - Parameters:
    ///   - bindAddress: numeric; packets leave from it alone, and those to the other IP version not at all.
    ///   - watch: is told of each socket once; `arrivals` is due when it is readable or has an error.
    init(bindAddress: String?, watch: @escaping (CInt) throws(SystemCallError) -> Void) {
        self.bindAddress = bindAddress.flatMap { PeerAddress(numericHost: $0, port: 0) }
        self.watch = watch
    }

    /// Sends a packet, or loses it when the kernel has no room: that is what repetitions are for.
    func send(_ packet: [UInt8], to address: PeerAddress) throws(SystemCallError) {
        let socket = try socket(for: address)
        let bytes = address.addressBytes
        func attempt() -> Int {
            clinux_send_udp(socket, packet, packet.count, bytes, UInt32(bytes.count), address.port)
        }
        var result = attempt()
        // The error of an earlier packet to somebody else is reported here too, once.
        if result < 0, result != -Int(EAGAIN) { result = attempt() }
        if result < 0, result != -Int(EAGAIN) {
            throw SystemCallError("sendto", CInt(-result), subject: address.description)
        }
    }

    /// Takes what a socket has.
    func arrivals(at socket: CInt) -> [Arrival] {
        var arrivals: [Arrival] = []
        var bytes = [UInt8](repeating: 0, count: 16)
        var size: UInt32 = 0
        var port: UInt16 = 0
        func address() -> PeerAddress? { PeerAddress(addressBytes: bytes.prefix(Int(size)), port: port) }
        for _ in 0..<Self.mostAtOnce {
            let error = clinux_next_udp_error(socket, &bytes, &size, &port)
            if error < 0 { break }
            if error > 0, let address = address() {
                arrivals.append(.failure(address, SystemCallError("sendto", error)))
            }
        }
        for _ in 0..<Self.mostAtOnce {
            let count = clinux_receive_udp(socket, &buffer, buffer.count, &bytes, &size, &port)
            if count == -Int(EAGAIN) { break }
            if count >= 0, let address = address() {
                arrivals.append(.packet(Array(buffer[..<count]), from: address))
            }
        }
        return arrivals
    }

    private func socket(for address: PeerAddress) throws(SystemCallError) -> CInt {
        let known = address.isIPv6 ? v6 : v4
        let result = known ?? open(isIPv6: address.isIPv6)
        if address.isIPv6 { v6 = result } else { v4 = result }
        return try result.get().rawValue
    }

    private func open(isIPv6: Bool) -> Result<OwnedDescriptor, SystemCallError> {
        Result { () throws(SystemCallError) in
            if let bindAddress, bindAddress.isIPv6 != isIPv6 {
                throw SystemCallError("bind", EAFNOSUPPORT, subject: bindAddress.host)
            }
            let result = clinux_udp_socket(isIPv6 ? 16 : 4, bindAddress?.addressBytes)
            let socket = OwnedDescriptor(try checked("bind", subject: bindAddress?.host ?? "", result))
            try watch(socket.rawValue)
            return socket
        }
    }
}
