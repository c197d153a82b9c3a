import Foundation

enum Ports {
    /// A port of 127.0.0.1 that nobody has now, for TCP and UDP.
    static func free() throws -> UInt16 {
        for _ in 0..<50 {
            guard let (tcp, port) = bound(SOCK_STREAM, 0) else { continue }
            defer { close(tcp) }
            guard let (udp, _) = bound(SOCK_DGRAM, port) else { continue }
            close(udp)
            return port
        }
        throw Unexpected("no free port")
    }

    /// Whether something takes connections there.
    static func isOpen(_ address: String) -> Bool {
        let parts = address.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else { return false }
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        return with(String(parts[0]), port) { connect(descriptor, $0, $1) } == 0
    }

    /// Whether something listens there on any address, without connecting to it: some clients take a probe for a peer.
    static func isListening(_ port: UInt16) -> Bool {
        let table = ["tcp", "tcp6"].compactMap { try? String(contentsOfFile: "/proc/net/\($0)", encoding: .ascii) }
            .joined()
        let wanted = ":" + String(port, radix: 16, uppercase: true)
        return table.split(separator: "\n").contains { line in
            let fields = line.split(separator: " ")
            return fields.count > 3 && fields[1].hasSuffix(wanted) && fields[3] == "0A"
        }
    }

    private static func bound(_ type: __socket_type, _ port: UInt16) -> (Int32, UInt16)? {
        let descriptor = socket(AF_INET, Int32(type.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let gotIt = with("127.0.0.1", port) { bind(descriptor, $0, $1) } == 0
        let named = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard gotIt, named == 0 else {
            close(descriptor)
            return nil
        }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private static func with(
        _ host: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}
