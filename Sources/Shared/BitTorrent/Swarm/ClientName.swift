/// What a peer id says about the client (BEP 20), for people: nothing may depend on it, since anybody may send any id.
/// Yields nothing but the names below, letters, digits and dots.
package enum ClientName {
    /// Two characters of the Azureus style: `-LT20A0-` is libtorrent 2.0.10. Those that are met today; of others the two
    /// characters have to do.
    private static let azureus: [String: String] = [
        "A2": "aria2", "AZ": "Vuze", "BC": "BitComet", "BI": "BiglyBT", "BT": "BitTorrent", "DE": "Deluge",
        "FD": "Free Download Manager", "FL": "Folx", "GT": "anacrolix/torrent", "HL": "Halite", "KT": "KTorrent",
        "LT": "libtorrent", "MO": "MonoTorrent", "PI": "PicoTorrent", "SD": "Thunder", "SK": "Swarmkeeper",
        "TL": "Tribler", "TR": "Transmission", "UM": "µTorrent for Mac", "UT": "µTorrent", "UW": "µTorrent Web",
        "WD": "WebTorrent Desktop", "WW": "WebTorrent", "XL": "Xunlei", "lt": "libTorrent", "qB": "qBittorrent",
    ]
    /// First character of Shadow's style: `T03I-----` is BitTornado 0.3.18.
    private static let shadow: [String: String] = [
        "A": "ABC", "O": "Osprey Permaseed", "Q": "BTQueue", "R": "Tribler", "S": "Shadow's client",
        "T": "BitTornado", "U": "UPnP NAT BitTorrent",
    ]
    /// What stands before numbers with dashes: `M7-9-2--` is BitTorrent 7.9.2.
    private static let dashed: [String: String] = ["A2-": "aria2", "M": "BitTorrent"]

    /// - Returns: a name, with the version where the id tells it; nil for an id of no known style.
    package static func of(_ id: PeerID) -> String? {
        let bytes = id.bytes
        return azureusName(bytes) ?? dashedName(bytes) ?? shadowName(bytes)
    }

    private static func azureusName(_ bytes: [UInt8]) -> String? {
        guard bytes[0] == dash, bytes[7] == dash, bytes[1..<7].allSatisfy({ value(of: $0) != nil }) else { return nil }
        let code = text(bytes[1..<3])
        let name = azureus[code] ?? code
        // Up to 3 its versions had two digits behind the dot, as in 2.94.
        if code == "TR", bytes[3] < UInt8(ascii: "4") { return "\(name) \(text(bytes[3..<4])).\(text(bytes[4..<6]))" }
        var numbers = bytes[3..<6].compactMap { value(of: $0) }
        // The fourth may be a letter for the kind of build.
        if let last = value(of: bytes[6]), (1..<10).contains(last) { numbers.append(last) }
        return "\(name) \(dotted(numbers))"
    }

    private static func shadowName(_ bytes: [UInt8]) -> String? {
        guard let name = shadow[text(bytes[0..<1])] else { return nil }
        let version = bytes[1..<6].prefix { $0 != dash }
        let numbers = version.compactMap { value(of: $0) }
        guard !numbers.isEmpty, numbers.count == version.count,
            bytes[version.endIndex..<9].allSatisfy({ $0 == dash })
        else { return nil }
        return "\(name) \(dotted(numbers))"
    }

    private static func dashedName(_ bytes: [UInt8]) -> String? {
        for (start, name) in dashed where bytes.starts(with: start.utf8) {
            let parts = bytes.dropFirst(start.utf8.count).split(
                separator: dash, maxSplits: 3, omittingEmptySubsequences: false
            ).prefix(3)
            let numbers = parts.compactMap { part in
                part.count <= 3 && part.allSatisfy { value(of: $0) ?? 10 < 10 } ? Int(text(part)) : nil
            }
            if numbers.count == 3 { return "\(name) \(dotted(numbers))" }
        }
        return nil
    }

    private static let dash = UInt8(ascii: "-")

    /// 0 … 9, then A … Z or a … z for 10 … 35.
    private static func value(of byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(byte - UInt8(ascii: "A")) + 10
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte - UInt8(ascii: "a")) + 10
        default: nil
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
    private static func dotted(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ".") }
}
