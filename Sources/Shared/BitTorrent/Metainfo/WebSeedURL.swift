/// The address of a web seed (BEP 19), checked like a tracker's: http or https, a host, nothing odd inside.
package struct WebSeedURL: Hashable, Sendable, CustomStringConvertible {
    /// All of it, credentials included; for the request only, never logged.
    package let text: String
    /// What messages name: scheme, host and port.
    package let origin: String

    /// nil when it is no usable http or https URL.
    package init?(_ raw: String) {
        guard let url = try? TrackerURL(raw) else { return nil }
        switch url.scheme {
        case .http, .https: break
        case .udp: return nil
        }
        text = url.text
        origin = url.origin
    }

    /// The origin: a URL that is printed by accident gives no secret away.
    package var description: String { origin }
}
