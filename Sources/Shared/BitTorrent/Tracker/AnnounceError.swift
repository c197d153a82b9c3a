/// Why an announce brought no answer that we can use. The text is fit for a person and holds no secret of the tracker's
/// URL.
package enum AnnounceError: Error, Hashable, Sendable {
    /// BEP 31: when the tracker is willing to be asked again.
    package enum Retry: Hashable, Sendable {
        case after(Duration)
        case never
    }

    /// Nothing came, or not all of it; `reason` is the transport's own line.
    case unreachable(reason: String)
    case httpStatus(Int)
    /// The tracker said no (`failure reason`).
    case refused(reason: String, retry: Retry?)
    /// The body is no bencoded dictionary; `reason` says where it ends to be one.
    case notBencoded(reason: String)
    /// A dictionary, but with neither interval nor peers: some other service answers there.
    case notAnAnswer
    /// A key that must be there has a value of another kind.
    case wrongType(key: String)
}

extension AnnounceError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let reason): reason
        case .httpStatus(let status): "the server answered with HTTP status \(status)"
        case .refused(let reason, _): "the tracker refuses: \(reason)"
        case .notBencoded(let reason): "the answer is not a bencoded dictionary: \(reason)"
        case .notAnAnswer: "the answer holds neither interval nor peers"
        case .wrongType(let key): "the answer's \"\(key)\" has the wrong type"
        }
    }
}
