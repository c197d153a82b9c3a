import CLinux
import Glibc
import PoolRuntime

/// Owns the sockets on which peers reach us: for every peer-worker one on the same port (SO_REUSEPORT spreads the
/// connections), for IPv4 and IPv6. They outlive the workers, so that a restart loses no connection that waits.
final class TCPListeners {
    let port: UInt16
    /// By peer-worker ordinal.
    private let sockets: [[OwnedDescriptor]]

    /// Tries the ports in order.
    /// - Parameter address: a numeric address to bind to; nil: every address of both families.
    init(ports: ClosedRange<UInt16>, address: String?, workers: Int) throws(SystemCallError) {
        let addresses = address.map { [$0] } ?? ["0.0.0.0", "::"]
        var failure = SystemCallError("bind", EADDRINUSE, subject: "port \(ports.lowerBound)")
        for port in ports {
            do throws(SystemCallError) {
                (self.port, sockets) = try Self.listen(on: port, addresses, workers)
                return
            } catch { failure = error }
        }
        throw failure
    }

    func descriptors(of worker: Int) -> [CInt] { sockets[worker].map(\.rawValue) }

    private static func listen(
        on wanted: UInt16, _ addresses: [String], _ workers: Int
    ) throws(SystemCallError) -> (UInt16, [[OwnedDescriptor]]) {
        var port = wanted
        // Another supervisor of this user would share the port with us in silence: first try it for ourselves alone.
        var usable: [String] = []
        var probes: [OwnedDescriptor] = []
        for address in addresses {
            let probe = clinux_bind_tcp(address, port, 0, 0)
            if probe == -EAFNOSUPPORT || probe == -EADDRNOTAVAIL, address == "::" { continue }
            probes.append(OwnedDescriptor(try checked("bind", subject: "\(address) port \(port)", probe)))
            if port == 0 { port = UInt16(try checked("getsockname", clinux_local_port(probe))) }
            usable.append(address)
        }
        probes.removeAll()
        var sockets: [[OwnedDescriptor]] = []
        for _ in 0..<workers {
            var pair: [OwnedDescriptor] = []
            for address in usable {
                pair.append(
                    OwnedDescriptor(
                        try checked("bind", subject: "\(address) port \(port)", clinux_bind_tcp(address, port, 1, 1))))
            }
            sockets.append(pair)
        }
        return (port, sockets)
    }
}
