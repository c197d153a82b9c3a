import BitTorrent
import CLinux
import Glibc
import PoolRuntime

/// Turns the names of `--peer` into addresses on a thread of its own, so that a slow name server holds up nothing.
/// Used once a run; the thread ends with its work.
final class NameResolver {
    /// Readable when something was resolved or failed.
    let resultDescriptor: OwnedDescriptor
    private let results: ResolvedNames

    enum Outcome: Sendable {
        case addresses([PeerAddress])
        /// The resolver's own word for it.
        case failed(HostAndPort, reason: String)
    }

    /// Starts to resolve `names`; numeric ones are answered in the same way.
    init(_ names: [HostAndPort]) throws(SystemCallError) {
        resultDescriptor = OwnedDescriptor(try checked("eventfd", clinux_eventfd()))
        // The thread may outlive this object: it writes to a descriptor of its own.
        results = ResolvedNames(descriptor: dup(resultDescriptor.rawValue))
        guard !names.isEmpty else { return }
        let work = ResolverWork(names: names, results: results)
        try DetachedThread.start { work.run() }
    }

    /// What came since the last call.
    func takeOutcomes() -> [Outcome] {
        var count: UInt64 = 0
        _ = read(resultDescriptor.rawValue, &count, MemoryLayout<UInt64>.size)
        return results.take()
    }
}

/// The answers on their way from the resolver's thread to the loop.
private final class ResolvedNames: Sendable {
    private let outcomes = Locked<[NameResolver.Outcome]>([])
    private let descriptor: CInt

    init(descriptor: CInt) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    func add(_ outcome: NameResolver.Outcome) {
        outcomes.withLock { $0.append(outcome) }
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
    }

    func take() -> [NameResolver.Outcome] {
        outcomes.withLock { outcomes in
            defer { outcomes = [] }
            return outcomes
        }
    }
}

private final class ResolverWork: Sendable {
    private let names: [HostAndPort]
    private let results: ResolvedNames

    init(names: [HostAndPort], results: ResolvedNames) {
        self.names = names
        self.results = results
    }

    func run() {
        for name in names { results.add(Self.resolve(name)) }
    }

    private static func resolve(_ name: HostAndPort) -> NameResolver.Outcome {
        var hints = addrinfo()
        hints.ai_socktype = clinux_sock_stream
        hints.ai_flags = AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        var code = getaddrinfo(name.host, nil, &hints, &list)
        if code == EAI_NONAME || code == EAI_FAMILY {
            // AI_ADDRCONFIG hides `::1` on machines without IPv6 beyond loopback.
            hints.ai_flags = 0
            code = getaddrinfo(name.host, nil, &hints, &list)
        }
        guard code == 0 else { return .failed(name, reason: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        var addresses: [PeerAddress] = []
        var next = list
        while let entry = next {
            if let address = address(of: entry.pointee, port: name.port), !addresses.contains(address) {
                addresses.append(address)
            }
            next = entry.pointee.ai_next
        }
        return .addresses(addresses)
    }

    private static func address(of entry: addrinfo, port: UInt16) -> PeerAddress? {
        guard let pointer = entry.ai_addr else { return nil }
        let bytes = UnsafeRawBufferPointer(start: pointer, count: Int(entry.ai_addrlen))
        switch entry.ai_family {
        case AF_INET: return PeerAddress(addressBytes: Array(bytes[4..<8]), port: port)
        case AF_INET6: return PeerAddress(addressBytes: Array(bytes[8..<24]), port: port)
        default: return nil
        }
    }
}
