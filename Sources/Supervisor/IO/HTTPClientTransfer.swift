import BitTorrent
import CCurl
import Glibc

/// One request in the hands of libcurl: its handle, what came so far, and what that means when it ends. Lives on the
/// client's thread only.
final class HTTPClientTransfer {
    let request: HTTPRequest
    let easy: UnsafeMutableRawPointer
    private let options: HTTPClientOptions
    private let errorText: UnsafeMutablePointer<CChar>
    private var body: [UInt8] = []
    private var headerByteCount = 0
    private var walk: HTTPTargetRule.Walk
    /// Why a callback stopped the transfer.
    private var stopReason: HTTPFailure.Reason?

    /// Nil when there is no memory for a handle.
    init?(_ request: HTTPRequest, options: HTTPClientOptions) {
        guard let easy = curl_easy_init() else { return nil }
        self.request = request
        self.easy = easy
        self.options = options
        walk = HTTPTargetRule.Walk(options.targets)
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        configureLimits()
        configureTrust()
        configureCallbacks()
    }

    deinit {
        curl_easy_cleanup(easy)
        errorText.deallocate()
    }

    private func configureLimits() {
        set(CURLOPT_URL, request.url)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 1)
        set(CURLOPT_MAXREDIRS, options.redirectLimit)
        set(CURLOPT_TIMEOUT_MS, options.deadline.wholeMilliseconds)
        set(CURLOPT_CONNECTTIMEOUT_MS, min(options.connectTimeout, options.deadline).wholeMilliseconds)
        ccurl_set_offset(easy, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(options.bodyByteLimit))
        set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        set(CURLOPT_ACCEPT_ENCODING, "gzip")
        set(CURLOPT_USERAGENT, options.userAgent)
        // Each connection passes `openSocket`, and a tracker is not asked again for minutes.
        set(CURLOPT_FRESH_CONNECT, 1)
        set(CURLOPT_FORBID_REUSE, 1)
        set(CURLOPT_NOSIGNAL, 1)
        // A name server that does not answer must not hold up deadlines, cancellations and the end of the thread.
        set(CURLOPT_QUICK_EXIT, 1)
        if let address = options.bindAddress { set(CURLOPT_INTERFACE, "host!" + address) }
    }

    private func configureTrust() {
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        if let file = options.caCertificateFile { file.withCString { _ = ccurl_set_text(easy, CURLOPT_CAINFO, $0) } }
    }

    private func configureCallbacks() {
        let this = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        ccurl_set_pointer(easy, CURLOPT_WRITEDATA, this)
        ccurl_set_write_function(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, this in
            HTTPClientTransfer.from(this).bodyReceived(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        ccurl_set_pointer(easy, CURLOPT_HEADERDATA, this)
        ccurl_set_write_function(easy, CURLOPT_HEADERFUNCTION) { _, size, count, this in
            HTTPClientTransfer.from(this).headerReceived(byteCount: size * count)
        }
        set(CURLOPT_NOPROGRESS, 0)
        ccurl_set_pointer(easy, CURLOPT_XFERINFODATA, this)
        ccurl_set_progress_function(easy) { this, _, received, _, _ in
            HTTPClientTransfer.from(this).rawBytesReceived(total: Int(received))
        }
        ccurl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, this)
        ccurl_set_open_socket_function(easy) { this, _, address in
            HTTPClientTransfer.from(this).openSocket(address)
        }
    }

    private func set(_ option: CURLoption, _ value: Int) { ccurl_set_long(easy, option, value) }
    private func set(_ option: CURLoption, _ value: String) { ccurl_set_text(easy, option, value) }
}

// MARK: - What libcurl calls

extension HTTPClientTransfer {
    private static func from(_ pointer: UnsafeMutableRawPointer?) -> HTTPClientTransfer {
        Unmanaged<HTTPClientTransfer>.fromOpaque(pointer!).takeUnretainedValue()
    }

    /// - Returns: the bytes taken; any other number than given ends the transfer.
    private func bodyReceived(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard body.count + bytes.count <= options.bodyByteLimit else {
            stopReason = .bodyTooLarge(limit: options.bodyByteLimit)
            return bytes.isEmpty ? 1 : 0
        }
        body.append(contentsOf: bytes)
        return bytes.count
    }

    private func headerReceived(byteCount: Int) -> Int {
        headerByteCount += byteCount
        if headerByteCount <= options.headerByteLimit { return byteCount }
        stopReason = .headersTooLarge(limit: options.headerByteLimit)
        return 0
    }

    /// Sees what `bodyReceived` does not: bodies of redirects, and encodings that decode to nothing.
    /// - Returns: not 0 to end the transfer.
    private func rawBytesReceived(total: Int) -> CInt {
        if total <= options.bodyByteLimit { return 0 }
        stopReason = .bodyTooLarge(limit: options.bodyByteLimit)
        return 1
    }

    private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t {
        guard let address, mayConnect(to: address) else { return CURL_SOCKET_BAD }
        // Children of the supervisor must not inherit it.
        let kind = address.pointee.socktype | CInt(SOCK_CLOEXEC.rawValue)
        return socket(address.pointee.family, kind, address.pointee.protocol)
    }

    private func mayConnect(to address: UnsafeMutablePointer<curl_sockaddr>) -> Bool {
        guard let url = effectiveURL else { return false }
        if options.proxies.usesProxy(scheme: url.scheme, host: url.host) {
            walk.proxyConnects()
            return true
        }
        // libcurl keeps a whole address there, longer than the `sockaddr` that it declares.
        let start = UnsafeRawPointer(address) + MemoryLayout<curl_sockaddr>.offset(of: \.addr)!
        let bytes: [UInt8]
        switch address.pointee.family {
        case AF_INET:
            bytes = withUnsafeBytes(of: start.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
        case AF_INET6:
            bytes = withUnsafeBytes(of: start.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
        default: return false
        }
        if walk.mayConnect(to: bytes, path: url.path) { return true }
        stopReason = walk.refusal.map { .targetRefused($0) }
        return false
    }
}

// MARK: - The end

extension HTTPClientTransfer {
    func outcome(_ code: CURLcode) -> Result<HTTPResponse, HTTPFailure> {
        if code == CURLE_OK || isWholeEnough(code) {
            let status = ccurl_get_long(easy, CURLINFO_RESPONSE_CODE)
            return .success(HTTPResponse(status: status, body: body))
        }
        let origin = (effectiveURL ?? HTTPURLParts(request.url))?.origin ?? "tracker URL"
        return .failure(HTTPFailure(origin: origin, reason: reason(code)))
    }

    /// A server that gives no length and then breaks off may have said all: some never end TLS properly. Whether the
    /// body is whole is for its reader to see, who also sees a cut.
    private func isWholeEnough(_ code: CURLcode) -> Bool {
        code == CURLE_RECV_ERROR && stopReason == nil && !body.isEmpty
            && ccurl_get_offset(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T) < 0
    }

    private func reason(_ code: CURLcode) -> HTTPFailure.Reason {
        if let stopReason, code != CURLE_OPERATION_TIMEDOUT { return stopReason }
        return switch code {
        case CURLE_URL_MALFORMAT: .badURL
        case CURLE_UNSUPPORTED_PROTOCOL: .schemeRefused
        case CURLE_COULDNT_RESOLVE_HOST: .nameNotResolved
        case CURLE_COULDNT_CONNECT: .notConnected(why: systemReason)
        case CURLE_OPERATION_TIMEDOUT: .timedOut(after: options.deadline)
        case CURLE_PEER_FAILED_VERIFICATION: .notTrusted(why: libraryReason(code))
        case CURLE_TOO_MANY_REDIRECTS: .tooManyRedirects(limit: options.redirectLimit)
        case CURLE_FILESIZE_EXCEEDED: .bodyTooLarge(limit: options.bodyByteLimit)
        case CURLE_PARTIAL_FILE: .cutShort
        case CURLE_BAD_CONTENT_ENCODING: .badEncoding
        default: .other(why: String(cString: curl_easy_strerror(code)))
        }
    }

    private var systemReason: String {
        let code = CInt(ccurl_get_long(easy, CURLINFO_OS_ERRNO))
        return code == 0 ? "no address could be reached" : String(cString: strerror(code))
    }

    /// libcurl's own line, which says more than the code and, for TLS, quotes nothing of the URL.
    private func libraryReason(_ code: CURLcode) -> String {
        let text = String(cString: errorText)
        return TerminalText.excerpt(text.isEmpty ? String(cString: curl_easy_strerror(code)) : text)
    }

    private var effectiveURL: HTTPURLParts? {
        ccurl_get_text(easy, CURLINFO_EFFECTIVE_URL).flatMap { HTTPURLParts($0) }
    }
}

/// Parts of a URL as libcurl reads it, so that no other reading of a hostile URL decides anything.
struct HTTPURLParts: Equatable {
    let scheme: String
    let host: String
    let path: String
    private let port: String

    /// `https://host:port`; the port is always there.
    var origin: String { "\(scheme)://\(host):\(port)" }

    init?(_ url: UnsafePointer<CChar>) {
        guard let parts = curl_url() else { return nil }
        defer { curl_url_cleanup(parts) }
        guard curl_url_set(parts, CURLUPART_URL, url, CUnsignedInt(CURLU_NON_SUPPORT_SCHEME)) == CURLUE_OK else {
            return nil
        }
        func part(_ name: CURLUPart, _ flags: CUnsignedInt = 0) -> String? {
            var text: UnsafeMutablePointer<CChar>?
            guard curl_url_get(parts, name, &text, flags) == CURLUE_OK, let text else { return nil }
            defer { curl_free(text) }
            return String(cString: text)
        }
        guard let scheme = part(CURLUPART_SCHEME), let host = part(CURLUPART_HOST), let path = part(CURLUPART_PATH)
        else { return nil }
        self.scheme = scheme
        self.host = TerminalText.escaped(host)
        self.path = path
        port = part(CURLUPART_PORT, CUnsignedInt(CURLU_DEFAULT_PORT)) ?? ""
    }
}

extension Duration {
    /// At least 1: libcurl takes 0 for "no limit".
    fileprivate var wholeMilliseconds: Int { Int(max(1, wholeNanoseconds / 1_000_000)) }
}
