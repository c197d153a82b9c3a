/// Why a request brought no answer. Its text is one line for a person, names the host and holds no credentials.
struct HTTPFailure: Error, Equatable, CustomStringConvertible {
    enum Reason: Equatable {
        case badURL
        case schemeRefused
        case targetRefused(HTTPTargetRule.Refusal)
        case nameNotResolved
        /// - Parameter why: the system's word for it.
        case notConnected(why: String)
        case timedOut(after: Duration)
        /// - Parameter why: the TLS library's word for it.
        case notTrusted(why: String)
        case tooManyRedirects(limit: Int)
        case bodyTooLarge(limit: Int)
        case headersTooLarge(limit: Int)
        /// The server closed before the length that it had given.
        case cutShort
        case badEncoding
        /// - Parameter why: libcurl's word for it.
        case other(why: String)
    }

    /// `https://host:port` of the server that was asked last.
    let origin: String
    let reason: Reason

    var description: String { "\(origin): \(reasonText)" }

    private var reasonText: String {
        switch reason {
        case .badURL: "not a valid URL"
        case .schemeRefused: "only http and https are followed"
        case .targetRefused(let refusal): refusal.description
        case .nameNotResolved: "cannot resolve the name"
        case .notConnected(let why): "cannot connect (\(why))"
        case .timedOut(let duration): "no complete answer within \(Int(duration.components.seconds)) s"
        case .notTrusted(let why): "certificate refused (\(why))"
        case .tooManyRedirects(let limit): "more than \(limit) redirects"
        case .bodyTooLarge(let limit): "the answer is larger than \(limit) bytes"
        case .headersTooLarge(let limit): "the answer's headers are larger than \(limit) bytes"
        case .cutShort: "the connection was closed in the middle of the answer"
        case .badEncoding: "the answer's content encoding is damaged"
        case .other(let why): why
        }
    }
}
