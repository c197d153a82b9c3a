/// One GET, as the supervisor's thread asks for it.
struct HTTPRequest: Equatable, Sendable {
    /// Chosen by the caller, unique among its outstanding requests.
    let id: UInt64
    /// `http` or `https`; may hold credentials, so no message shows more than its origin.
    let url: String
}

struct HTTPResponse: Equatable, Sendable {
    /// The status code of the last answer, after redirects.
    let status: Int
    /// Decoded.
    let body: [UInt8]
}

/// What became of one request; each request that is not cancelled has exactly one.
struct HTTPResult: Equatable, Sendable {
    let id: UInt64
    let outcome: Result<HTTPResponse, HTTPFailure>
}

/// How far the client goes for a request, and from where.
struct HTTPClientOptions: Sendable {
    /// Of a request in all: names, connections, redirects, body (faults.md, R31).
    var deadline: Duration = .seconds(30)
    /// Of it for each connection.
    var connectTimeout: Duration = .seconds(10)
    /// Of a body before and after decoding (libtorrent's limit for trackers).
    var bodyByteLimit = 1 << 20
    /// Of all header lines of a request, redirects included (a guess; real ones have a few hundred).
    var headerByteLimit = 64 << 10
    var redirectLimit = 5
    /// Requests that are neither answered nor cancelled; with it both queues are bounded.
    var outstandingLimit = 128
    /// PEM file with the authorities to trust instead of the system's.
    var caCertificateFile: UserPath?
    /// Numeric address to connect from.
    var bindAddress: String?
    var userAgent = "Swarmkeeper/0.1.0"
    /// Where a request may lead.
    var targets = HTTPTargetRule()
    /// How the environment asks for proxies.
    var proxies = HTTPProxyEnvironment.current
}
