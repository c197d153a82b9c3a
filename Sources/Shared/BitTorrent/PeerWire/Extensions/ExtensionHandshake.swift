/// The dictionary behind extended message 0 (BEP 10): what one side calls its extensions, and how much it will queue.
/// Every field is optional on the wire; one that makes no sense is taken as absent, since the next client may mean it.
package struct ExtensionHandshake: Hashable, Sendable {
    /// The extended id of this message itself.
    package static let messageID: UInt8 = 0
    /// Most extensions that are remembered of one peer; libtorrent sends about ten.
    package static let maximumExtensionCount = 64
    /// Longest extension name that is remembered, in bytes.
    package static let maximumNameByteCount = 64
    /// Bytes of `v` that are kept.
    package static let maximumClientByteCount = 64
    private static let limits = BencodeDecoder.Limits(
        byteCount: WireLimits.extendedByteCount, depth: 16, itemCount: 4096)

    /// `m`: the extended id to use towards the sender, by name. 0 switches an extension off.
    package var extensions: [String: UInt8]
    /// `v`: name and version of the client; text of a stranger, to be escaped before a person sees it.
    package var client: String?
    /// `p`: TCP port where the sender listens; never 0.
    package var listenPort: UInt16?
    /// `yourip`: 4 or 16 bytes, how the sender sees the receiver.
    package var yourIP: [UInt8]?
    /// `reqq`: requests that the sender queues without dropping any; > 0.
    package var requestQueue: Int?
    /// `upload_only` (BEP 21): the sender wants nothing any more, as a seed or a partial one; nil: it did not say.
    package var isUploadOnly: Bool?

    package init(
        extensions: [String: UInt8] = [:], client: String? = nil, listenPort: UInt16? = nil, yourIP: [UInt8]? = nil,
        requestQueue: Int? = nil, isUploadOnly: Bool? = nil
    ) {
        self.extensions = extensions
        self.client = client
        self.listenPort = listenPort
        self.yourIP = yourIP
        self.requestQueue = requestQueue
        self.isUploadOnly = isUploadOnly
    }

    /// - Throws: `extensionHandshakeMalformed` when the payload does not start with a bencoded dictionary.
    package init(payload: [UInt8]) throws(PeerWireError) {
        let root: BencodeView
        do {
            root = try BencodeDecoder(limits: Self.limits).decode(payload).value
        } catch {
            throw .extensionHandshakeMalformed
        }
        guard root.kind == .dictionary else { throw .extensionHandshakeMalformed }
        extensions = Self.extensions(root["m"])
        client = root["v"]?.string.map { String(decoding: $0.prefix(Self.maximumClientByteCount), as: UTF8.self) }
        listenPort = root["p"]?.integer.flatMap(UInt16.init(exactly:)).flatMap { $0 == 0 ? nil : $0 }
        yourIP = root["yourip"]?.string.flatMap { $0.count == 4 || $0.count == 16 ? Array($0) : nil }
        requestQueue = root["reqq"]?.integer.flatMap { $0 > 0 ? Int(min($0, Int64(Int32.max))) : nil }
        isUploadOnly = root["upload_only"]?.integer.map { $0 != 0 }
    }

    package var payload: [UInt8] {
        var entries = [
            BencodeValue.Entry(
                "m", .dictionary(extensions.map { BencodeValue.Entry($0.key, .integer(Int64($0.value))) }))
        ]
        if let client { entries.append(.init("v", .text(client))) }
        if let listenPort { entries.append(.init("p", .integer(Int64(listenPort)))) }
        if let yourIP { entries.append(.init("yourip", .string(yourIP))) }
        if let requestQueue { entries.append(.init("reqq", .integer(Int64(requestQueue)))) }
        if let isUploadOnly { entries.append(.init("upload_only", .integer(isUploadOnly ? 1 : 0))) }
        return BencodeEncoder().encode(.dictionary(entries))
    }

    /// Takes over what a later handshake of the same peer says; `m` is additive (BEP 10).
    package mutating func merge(_ later: ExtensionHandshake) {
        for (name, id) in later.extensions {
            if id == 0 {
                extensions[name] = nil
            } else if extensions[name] != nil || extensions.count < Self.maximumExtensionCount {
                extensions[name] = id
            }
        }
        client = later.client ?? client
        listenPort = later.listenPort ?? listenPort
        yourIP = later.yourIP ?? yourIP
        requestQueue = later.requestQueue ?? requestQueue
        isUploadOnly = later.isUploadOnly ?? isUploadOnly
    }

    private static func extensions(_ view: BencodeView?) -> [String: UInt8] {
        guard let entries = view?.entries else { return [:] }
        var extensions: [String: UInt8] = [:]
        for (name, value) in entries where extensions.count < maximumExtensionCount {
            guard name.count <= maximumNameByteCount, let id = value.integer.flatMap(UInt8.init(exactly:)) else {
                continue
            }
            extensions[String(decoding: name, as: UTF8.self)] = id
        }
        return extensions
    }
}
