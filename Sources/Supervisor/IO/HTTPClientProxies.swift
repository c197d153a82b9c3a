import Glibc

/// What the environment says about proxies. libcurl reads it by itself; we only need to know whether a connection is
/// one to a proxy, whose address says nothing about the server behind it.
struct HTTPProxyEnvironment: Sendable {
    private let proxied: Set<String>
    private let exceptions: [String]

    /// - Parameter variable: the value of an environment variable.
    init(_ variable: (String) -> String?) {
        func isSet(_ names: String...) -> Bool { names.contains { !(variable($0) ?? "").isEmpty } }
        // HTTP_PROXY in capitals does not count: a CGI server sets it from a header of the request.
        let every = isSet("all_proxy", "ALL_PROXY")
        var proxied: Set<String> = []
        if every || isSet("http_proxy") { proxied.insert("http") }
        if every || isSet("https_proxy", "HTTPS_PROXY") { proxied.insert("https") }
        self.proxied = proxied
        exceptions = (variable("no_proxy") ?? variable("NO_PROXY") ?? "").lowercased()
            .split { $0 == "," || $0 == " " }.map { String($0.first == "." ? $0.dropFirst() : $0) }
    }

    static let none = HTTPProxyEnvironment { _ in nil }
    static var current: HTTPProxyEnvironment { HTTPProxyEnvironment { getenv($0).map { String(cString: $0) } } }

    func usesProxy(scheme: String, host: String) -> Bool {
        let host = host.lowercased()
        return proxied.contains(scheme) && !exceptions.contains { $0 == "*" || host == $0 || host.hasSuffix("." + $0) }
    }
}
