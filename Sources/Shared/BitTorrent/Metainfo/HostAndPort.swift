/// `tracker.example:6969`, `192.0.2.1:6881` or `[2001:db8::1]:6881`: what BEP 9's `x.pe` and the user's `--peer` name.
/// Resolves nothing.
package struct HostAndPort: Hashable, Sendable, CustomStringConvertible {
    /// A name or a numeric address; IPv6 without brackets.
    package let host: String
    /// Never 0.
    package let port: UInt16

    /// nil when there is no plain host or no port of 1 … 65535.
    package init?(_ text: some StringProtocol) {
        guard let parts = Self.split(Substring(text)), let digits = parts.port, let port = Self.port(digits)
        else { return nil }
        host = parts.host.lowercased()
        self.port = port
    }

    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The two sides of the colon behind the host; nil when the host is empty or has other than the plain letters.
    private static func split(_ text: Substring) -> (host: Substring, port: Substring?)? {
        var host = text
        var rest: Substring = ""
        if text.first == "[" {
            guard let close = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<close]
            rest = text[text.index(after: close)...]
            guard host.contains(":"), host.utf8.allSatisfy(isAddressLetter), rest.isEmpty || rest.first == ":"
            else { return nil }
        } else {
            host = text.prefix { $0 != ":" }
            rest = text[host.endIndex...]
            guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(isNameLetter) else { return nil }
        }
        return (host, rest.isEmpty ? nil : rest.dropFirst())
    }

    /// nil for anything but 1 … 65535 in digits.
    private static func port(_ digits: Substring) -> UInt16? {
        guard digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }), let port = UInt16(digits),
            port > 0
        else { return nil }
        return port
    }

    private static func isNameLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Digits of IPv6, an embedded IPv4 address, no zone.
    private static func isAddressLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: ":"), UInt8(ascii: "."): true
        default: false
        }
    }
}
