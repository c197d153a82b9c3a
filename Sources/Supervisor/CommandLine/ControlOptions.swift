import BitTorrent

/// How a run may be looked into and steered.
struct ControlOptions: Equatable {
    /// nil: in the run directory.
    var socket: UserPath?
    var hasSocket = true
    /// nil: no metrics.
    var metrics: MetricsAddress?
}

/// Where metrics are served.
struct MetricsAddress: Equatable, CustomStringConvertible {
    /// Numeric.
    let host: String
    /// Never 0: nobody could know which one it became.
    let port: UInt16

    /// `ADDRESS:PORT`, `[v6]:PORT`, or a port alone for loopback.
    init?(_ text: String) {
        if let port = UInt16(text), port > 0, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            (host, self.port) = ("127.0.0.1", port)
        } else if let parts = HostAndPort(text), PeerAddress(numericHost: parts.host, port: 0) != nil {
            (host, port) = (parts.host, parts.port)
        } else {
            return nil
        }
    }

    var isLoopback: Bool { PeerAddress(numericHost: host, port: port)?.isLoopback ?? false }
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension OptionReader {
    func control() throws(UserError) -> ControlOptions {
        var options = ControlOptions()
        options.hasSocket = try !isOn(.noControl)
        if options.hasSocket, let path = try path(.controlSocket) {
            guard path.withCString({ isShort($0) }) else {
                throw last(.controlSocket)!.refusal("is too long", because: "a socket's path has 107 bytes at most")
            }
            options.socket = path
        }
        if let entry = last(.metricsListen) {
            guard let address = MetricsAddress(entry.text) else {
                throw entry.refusal(isNot: "ADDRESS:PORT", because: "such as 9100, 192.0.2.1:9100 or [::1]:9100")
            }
            options.metrics = address
        }
        return options
    }

    /// What fits a `sockaddr_un` (unix(7)).
    private func isShort(_ path: UnsafePointer<CChar>) -> Bool { (0..<108).contains { path[$0] == 0 } }
}

/// A command for a running supervisor, and how its answer is wanted.
struct ControlInvocation: Equatable {
    /// As the line protocol has it, without `json`.
    var line: String
    /// nil: of the only supervisor that runs.
    var socket: UserPath?
    var isJSON: Bool
    /// Again and again, every second.
    var watches: Bool
}
