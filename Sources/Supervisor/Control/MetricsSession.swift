import BitTorrent

/// One connection to `--metrics-listen`: a request of HTTP/1.1 (RFC 9112) that may only be `GET /metrics`, one answer,
/// and the end. Understands no bodies and keeps no connection.
struct MetricsSession: StreamSession {
    enum Request: Equatable {
        case metrics
        /// A status line's number and words.
        case refused(Int, String)
    }

    /// Of a request line and its headers; Prometheus sends some 300 bytes.
    static let longestRequest = 4096
    /// For the whole request (chosen; a slow one is none of ours).
    static let requestPatience: Duration = .seconds(5)

    /// On loopback only: a web page may point its own name at 127.0.0.1 and have a browser read for it, so the name that
    /// was asked for must be one that no page can own.
    private let mustNameUs: Bool
    private let began: MonotonicInstant
    private var input: [UInt8] = []
    private var isInputOver = false
    private var isAnswered = false
    private var pending: PendingOutput

    init(mustNameUs: Bool, now: MonotonicInstant) {
        self.mustNameUs = mustNameUs
        began = now
        pending = PendingOutput(now: now)
    }

    /// What comes after the answer was given is read and dropped, so that the end is no reset that destroys the answer.
    var wantsInput: Bool { !isInputOver }

    mutating func received(_ bytes: some Collection<UInt8>, now: MonotonicInstant) {
        pending.touched(now: now)
        if !isAnswered, input.count <= Self.longestRequest { input += bytes }
    }

    mutating func inputEnded(now: MonotonicInstant) { isInputOver = true }

    var hasRequest: Bool { !isAnswered && (headEnd != nil || input.count > Self.longestRequest) }

    mutating func nextRequest() -> Request? {
        guard hasRequest else { return nil }
        guard let end = headEnd, end <= Self.longestRequest else {
            return .refused(431, "Request Header Fields Too Large")
        }
        guard let head = String(validating: input[..<end], as: UTF8.self) else { return .refused(400, "Bad Request") }
        return Self.request(head, mustNameUs: mustNameUs)
    }

    /// Where the empty line begins. Bare newlines are taken, too (RFC 9112, 2.2).
    private var headEnd: Int? {
        var lineStart = 0
        for (index, byte) in input.enumerated() where byte == UInt8(ascii: "\n") {
            let isEmpty = index == lineStart || index == lineStart + 1 && input[lineStart] == UInt8(ascii: "\r")
            if isEmpty, lineStart > 0 { return lineStart }
            lineStart = index + 1
        }
        return nil
    }

    static func request(_ head: String, mustNameUs: Bool) -> Request {
        let lines = head.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline)
        let words = lines.first?.split(separator: " ", omittingEmptySubsequences: false) ?? []
        guard words.count == 3, words[2].hasPrefix("HTTP/1."), !words[0].isEmpty else {
            return .refused(400, "Bad Request")
        }
        var hosts: [String] = []
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return .refused(400, "Bad Request") }
            if line[..<colon].lowercased() == "host" {
                hosts.append(String(line[line.index(after: colon)...].trimmed))
            }
        }
        // RFC 9112, 3.2: exactly one in HTTP/1.1.
        guard hosts.count == 1 || hosts.isEmpty && words[2] == "HTTP/1.0" else { return .refused(400, "Bad Request") }
        if mustNameUs, let host = hosts.first, !isOurs(host) { return .refused(403, "Forbidden") }
        guard words[0] == "GET" else { return .refused(405, "Method Not Allowed") }
        let path = words[1].prefix { $0 != "?" }
        return path == "/metrics" ? .metrics : .refused(404, "Not Found")
    }

    /// `localhost` or a numeric address, with or without a port.
    static func isOurs(_ host: String) -> Bool {
        var name = host[...]
        if name.hasPrefix("["), let end = name.firstIndex(of: "]") {
            name = name[name.index(after: name.startIndex)..<end]
        } else if let colon = name.lastIndex(of: ":"), name.firstIndex(of: ":") == colon {
            name = name[..<colon]
        }
        return name.lowercased() == "localhost" || PeerAddress(numericHost: String(name), port: 0) != nil
    }

    mutating func answer(_ bytes: [UInt8], isLast: Bool, now: MonotonicInstant) {
        isAnswered = true
        input = []
        pending.add(bytes, now: now)
    }

    var output: ArraySlice<UInt8> { pending.rest }
    mutating func sent(_ byteCount: Int, now: MonotonicInstant) { pending.sent(byteCount, now: now) }
    var isOver: Bool { pending.isEmpty && (isAnswered || isInputOver && !hasRequest) }
    var deadline: MonotonicInstant { isAnswered ? pending.deadline : began + Self.requestPatience }
    var lastActivity: MonotonicInstant { pending.lastActivity }

    /// A whole answer, which ends the connection.
    static func response(_ status: Int, _ reason: String, type: String = "text/plain; charset=utf-8", body: String)
        -> [UInt8]
    {
        let body = Array(body.utf8)
        let head = [
            "HTTP/1.1 \(status) \(reason)", "Content-Type: \(type)", "Content-Length: \(body.count)",
            "Connection: close",
        ]
        return Array((head.joined(separator: "\r\n") + (status == 405 ? "\r\nAllow: GET" : "") + "\r\n\r\n").utf8)
            + body
    }

    /// For a client that is one too many.
    static let busy = response(503, "Service Unavailable", body: "too many connections\n")
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
