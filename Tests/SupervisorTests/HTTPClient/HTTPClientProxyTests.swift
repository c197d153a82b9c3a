import Testing

@testable import Supervisor

struct HTTPClientProxyTests {
    private func proxies(_ variables: [String: String]) -> HTTPProxyEnvironment {
        HTTPProxyEnvironment { variables[$0] }
    }

    @Test func eachSchemeHasItsVariables() {
        #expect(!proxies([:]).usesProxy(scheme: "http", host: "t.example"))
        #expect(!proxies(["http_proxy": ""]).usesProxy(scheme: "http", host: "t.example"))
        #expect(proxies(["http_proxy": "p"]).usesProxy(scheme: "http", host: "t.example"))
        #expect(!proxies(["http_proxy": "p"]).usesProxy(scheme: "https", host: "t.example"))
        #expect(!proxies(["HTTP_PROXY": "p"]).usesProxy(scheme: "http", host: "t.example"), "set by CGI servers")
        #expect(proxies(["HTTPS_PROXY": "p"]).usesProxy(scheme: "https", host: "t.example"))
        #expect(proxies(["ALL_PROXY": "p"]).usesProxy(scheme: "http", host: "t.example"))
    }

    @Test func exceptionsNameHostsAndDomains() {
        let some = proxies(["all_proxy": "p", "no_proxy": "localhost, .example.org,T.Example"])
        #expect(!some.usesProxy(scheme: "http", host: "LOCALHOST"))
        #expect(!some.usesProxy(scheme: "http", host: "a.example.org"))
        #expect(!some.usesProxy(scheme: "http", host: "t.example"))
        #expect(some.usesProxy(scheme: "http", host: "xt.example"))
        #expect(!proxies(["all_proxy": "p", "NO_PROXY": "*"]).usesProxy(scheme: "http", host: "t.example"))
    }

    @Test func serverBehindAProxyIsPublicAndTheProxyItselfIsNoTarget() {
        var walk = HTTPTargetRule.Walk(HTTPTargetRule())
        walk.proxyConnects()
        let mayConnect = walk.mayConnect(to: [127, 0, 0, 1], path: "/announce")
        #expect(!mayConnect)
        #expect(walk.refusal == .localAfterPublic)
    }
}
