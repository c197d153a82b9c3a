/// How an announce travels over HTTP (BEP 3, BEP 23): the request as a URL, the answer as a status and a bencoded body.
package enum HTTPAnnounce {
    /// The URL to fetch. The tracker's own text stays as it is, byte for byte: passkeys and queries in it are the
    /// tracker's.
    package static func url(of request: AnnounceRequest, at tracker: TrackerURL) -> String {
        let identity = request.identity
        var query: [(name: String, value: String)] = [
            ("info_hash", percentEncoded(identity.infoHash.digest.bytes)),
            ("peer_id", percentEncoded(identity.peerID.bytes)),
            ("port", String(identity.port)),
            ("uploaded", String(request.counters.uploaded)),
            ("downloaded", String(request.counters.downloaded)),
            ("left", String(request.counters.left)),
            ("compact", "1"),
            ("no_peer_id", "1"),
            ("numwant", String(request.peersWanted)),
            ("key", eightHexDigits(identity.key)),
        ]
        if let event = request.event { query.append(("event", event.rawValue)) }
        if let trackerID = request.trackerID { query.append(("trackerid", percentEncoded(trackerID))) }
        return tracker.text + separator(after: tracker.text)
            + query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    /// - Parameter body: after removal of any content encoding.
    /// - Throws: the tracker's own `failure reason` if it gives one, whatever the status says: some send it with a 400.
    package static func response(status: Int, body: [UInt8]) throws(AnnounceError) -> AnnounceResponse {
        let isSuccess = (200..<300).contains(status)
        do throws(AnnounceError) {
            let response = try AnnounceResponse(parsing: body)
            if isSuccess { return response }
        } catch {
            if case .refused = error { throw error }
            if isSuccess { throw error }
        }
        throw .httpStatus(status)
    }

    static func separator(after text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "?")) else { return "?" }
        return text.utf8.last == UInt8(ascii: "?") || text.utf8.last == UInt8(ascii: "&") ? "" : "&"
    }

    /// RFC 3986: only unreserved characters stay as they are.
    static func percentEncoded(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                text.append(byte)
            default:
                text += [UInt8(ascii: "%"), hexDigit(byte >> 4), hexDigit(byte & 15)]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func eightHexDigits(_ number: UInt32) -> String {
        String(
            decoding: (0..<8).map { hexDigit(UInt8(truncatingIfNeeded: number >> UInt32(28 - 4 * $0)) & 15) },
            as: UTF8.self)
    }

    private static func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "A") + nibble - 10
    }
}
