package import BitTorrent

extension UInt16: PoolCodable {}
extension UInt32: PoolCodable {}
extension UInt64: PoolCodable {}

extension PoolCodable where Self: FixedWidthInteger & BitwiseCopyable {
    package func encode(into writer: inout FrameWriter) { writer.put(self) }
    package init(from reader: inout FrameReader) throws(PoolCodecError) { self = try reader.get() }
}

extension PieceIndex: PoolCodable {
    package func encode(into writer: inout FrameWriter) { writer.put(rawValue) }
    package init(from reader: inout FrameReader) throws(PoolCodecError) { self.init(try reader.get(UInt32.self)) }
}

extension Digest: PoolCodable {
    package func encode(into writer: inout FrameWriter) { writer.put(raw: bytes) }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        self.init(try reader.getRaw(byteCount: Self.byteCount))
    }
}

extension PeerID: PoolCodable {
    package func encode(into writer: inout FrameWriter) { writer.put(raw: bytes) }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        self.init(try reader.getRaw(byteCount: Self.byteCount))
    }
}

extension TorrentGeometry: PoolCodable {
    package func encode(into writer: inout FrameWriter) {
        writer.put(totalByteCount)
        writer.put(pieceByteCount)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        let totalByteCount = try reader.get(UInt64.self)
        let pieceByteCount = try reader.get(UInt32.self)
        // Within the metainfo parser's bounds: beyond them the number of pieces would fit no integer.
        guard totalByteCount > 0, pieceByteCount > 0, pieceByteCount <= Self.maximumPieceByteCount,
            totalByteCount <= UInt64(pieceByteCount) * UInt64(Self.maximumPieceCount)
        else { throw .invalidField("geometry") }
        self.init(totalByteCount: totalByteCount, pieceByteCount: pieceByteCount)
    }
}

extension PeerAddress: PoolCodable {
    package func encode(into writer: inout FrameWriter) {
        writer.put(port)
        writer.put(counted: addressBytes)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        let port = try reader.get(UInt16.self)
        guard let address = PeerAddress(addressBytes: try reader.getCounted(), port: port) else {
            throw .invalidField("address")
        }
        self = address
    }
}

extension PeerExchangeMessage.Contact: PoolCodable {
    package func encode(into writer: inout FrameWriter) {
        address.encode(into: &writer)
        writer.put(flags.rawValue)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        let address = try PeerAddress(from: &reader)
        self.init(address, PeerExchangeMessage.Flags(rawValue: try reader.get()))
    }
}

extension Place: PoolCodable {
    package func encode(into writer: inout FrameWriter) {
        writer.put(role.rawValue)
        writer.put(ordinal)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        let role = try reader.getEnum(Role.self)
        self.init(role, Int(try reader.get(UInt16.self)))
    }
}

extension Incarnation: PoolCodable {
    package func encode(into writer: inout FrameWriter) {
        place.encode(into: &writer)
        writer.put(generation)
    }
    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        let place = try Place(from: &reader)
        self.init(place, generation: try reader.get())
    }
}

extension FrameReader {
    /// A one-byte enumeration; another byte is an error that names the type.
    package mutating func getEnum<Value: RawRepresentable>(
        _ type: Value.Type
    ) throws(PoolCodecError) -> Value where Value.RawValue == UInt8 {
        guard let value = Value(rawValue: try get()) else { throw .invalidField("\(type)") }
        return value
    }

    package mutating func getBool() throws(PoolCodecError) -> Bool {
        switch try get(UInt8.self) {
        case 0: false
        case 1: true
        default: throw .invalidField("Bool")
        }
    }

    /// UTF-8 that was written with `put(counted:)`; bytes that are none are repaired, since it is only shown.
    package mutating func getText() throws(PoolCodecError) -> String {
        String(decoding: try getCounted(), as: UTF8.self)
    }
}

extension FrameWriter {
    package mutating func put(flag: Bool) { put(UInt8(flag ? 1 : 0)) }
    /// Text for people; cut at 1 KiB, so that a long path never makes a message too long.
    package mutating func put(text: String) { put(counted: Array(text.utf8.prefix(1024))) }
}
