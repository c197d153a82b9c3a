import Foundation
import Glibc
import PoolRuntime

/// A server on loopback that does to each connection what the test wrote, good or evil. Every connection has a thread
/// of its own; all of them end when the server is released.
final class ScriptedHTTPServer: Sendable {
    /// One connection, after its request was read.
    struct Visit {
        fileprivate let socket: CInt
        fileprivate let isOver: @Sendable () -> Bool
        /// Head of the request, as it came.
        let request: String

        /// - Returns: false when the client is gone.
        @discardableResult
        func send(_ bytes: [UInt8]) -> Bool {
            var rest = bytes[...]
            while !rest.isEmpty {
                let sent = rest.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
                guard sent > 0 else { return false }
                rest = rest.dropFirst(sent)
            }
            return true
        }

        @discardableResult
        func send(_ text: String) -> Bool { send(Array(text.utf8)) }

        func answer(_ body: [UInt8], status: String = "200 OK", headers: String = "") {
            send("HTTP/1.1 \(status)\r\n\(headers)Content-Length: \(body.count)\r\n\r\n")
            send(body)
        }

        func answer(_ text: String) { answer(Array(text.utf8)) }

        func redirect(to location: String) { answer([], status: "302 Found", headers: "Location: \(location)\r\n") }

        /// Waits until the client closes, the time is over or the server is released.
        /// - Returns: whether the client is still there.
        func clientStays(milliseconds: CInt = 60_000) -> Bool {
            var waited: CInt = 0
            while waited < milliseconds, !isOver() {
                var item = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
                let slice = min(50, milliseconds - waited)
                if poll(&item, 1, slice) > 0 { return false }
                waited += slice
            }
            return !isOver()
        }
    }

    let port: UInt16
    private let listener: CInt
    private let isOver = Locked(false)
    private let seen = Locked<[String]>([])

    /// Heads of the requests so far.
    var requests: [String] { seen.withLock { $0 } }

    /// - Parameter host: an address of 127.0.0.0/8.
    init(host: String = "127.0.0.1", port: UInt16 = 0, _ script: @escaping @Sendable (Visit) -> Void) throws {
        (listener, self.port) = try Self.listen(host: host, port: port)
        let listener = listener
        Thread.detachNewThread { [weak self] in
            // Closed here only, so that its number is not reused while this thread may still accept.
            defer { close(listener) }
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { [weak self] in
                    defer { close(connection) }
                    guard let request = Self.readHead(connection) else { return }
                    self?.seen.withLock { $0.append(request) }
                    let isOver: @Sendable () -> Bool = { [weak self] in self?.isOver.withLock { $0 } ?? true }
                    script(Visit(socket: connection, isOver: isOver, request: request))
                    // Close politely, so that the client reads all before it sees the end.
                    shutdown(connection, CInt(SHUT_WR))
                }
            }
        }
    }

    deinit {
        isOver.withLock { $0 = true }
        shutdown(listener, CInt(SHUT_RDWR))
    }

    func url(_ path: String = "/announce", host: String = "127.0.0.1") -> String { "http://\(host):\(port)\(path)" }

    /// A port on loopback at which nobody listens.
    static func closedPort() throws -> UInt16 {
        let (descriptor, port) = try listen(host: "127.0.0.1", port: 0)
        close(descriptor)
        return port
    }

    private static func listen(host: String, port: UInt16) throws -> (CInt, UInt16) {
        let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var yes: CInt = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout.size(ofValue: yes)))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &address.sin_addr)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, size) == 0 && Glibc.listen(listener, 16) == 0
                    && getsockname(listener, $0, &size) == 0
            }
        }
        guard isBound else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    private static func readHead(_ connection: CInt) -> String? {
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard head.count < 64 << 10, recv(connection, &byte, 1, 0) == 1 else { return nil }
            head.append(byte)
        }
        return String(decoding: head, as: UTF8.self)
    }
}
