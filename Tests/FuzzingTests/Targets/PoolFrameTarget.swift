import BitTorrent
import PoolProtocol

/// Frames of every edge of the pool, the greetings, and what goes over the lifeline: the first byte says which.
enum PoolFrameTarget: FuzzTarget {
    static let name = "pool-frames"

    private struct Door: Sendable {
        let seeds: [[UInt8]]
        let run: @Sendable ([UInt8]) throws -> Void
    }

    private static let doors: [Door] = [
        door(PeerWorkerToSupervisor.self), door(HashWorkerToSupervisor.self), door(WriterToSupervisor.self),
        door(PeerWorkerToHashWorker.self), door(HashWorkerToWriter.self), door(HashWorkerToPeerWorker.self),
        door(WriterToHashWorker.self), door(SupervisorToPeerWorker.self), door(SupervisorToHashWorker.self),
        door(SupervisorToWriter.self), greetings, value(LaunchOrder.self, [launch]),
        value(DescriptorsPassed.self, [DescriptorsPassed(identifiers: [1, 2])]), fileTables,
    ]

    static var seeds: [[UInt8]] {
        doors.enumerated().flatMap { number, door in door.seeds.map { [UInt8(number)] + $0 } }
    }

    static func run(_ input: [UInt8]) throws {
        guard let first = input.first else { return }
        let frame = Array(input.dropFirst().prefix(Topology.maximumMessageByteCount))
        try doors[Int(first) % doors.count].run(frame)
    }

    // MARK: What each door is held to

    private static func door<Message: PoolMessage>(_ type: Message.Type) -> Door {
        Door(seeds: Message.samples.map(frame) + [Message.samples.flatMap(frame)]) { bytes in
            guard let messages = decode(type, bytes) else { return }
            let again = decode(type, messages.flatMap(frame))
            try promise(again?.count == messages.count, "\(messages) cannot be read again")
            try promise(mayBeCut(bytes) || again == messages, "\(messages) is read otherwise again")
            try promise(messages.count <= bytes.count, "more messages than bytes")
        }
    }

    private static func value<Value: PoolCodable>(_ type: Value.Type, _ samples: [Value]) -> Door {
        Door(seeds: samples.map(frame)) { bytes in
            guard let value = decodeOne(type, bytes) else { return }
            let again = decodeOne(type, frame(value))
            try promise(again != nil, "\(value) cannot be read again")
            try promise(mayBeCut(bytes) || again == value, "\(value) is read otherwise again")
        }
    }

    /// Texts are written up to 1 KiB; each byte of a text that is no UTF-8 becomes three when it is read.
    private static func mayBeCut(_ bytes: [UInt8]) -> Bool { bytes.count > 1024 / 3 }

    private static let greetings = Door(
        seeds: [
            Greeting.hello(Hello(who: Incarnation(Place(.hashWorker, 1), generation: 2), pid: 7, vocabulary: 5))
                .encoded,
            Greeting.welcome(Hello(who: Incarnation(Place(.writer, 0), generation: 1), pid: 8, vocabulary: 5)).encoded,
            Greeting.probe(framesBefore: 9).encoded,
        ]
    ) { bytes in
        let greeting = bytes.withUnsafeBytes { try? Greeting(frame: $0) }
        guard let greeting else { return }
        try promise(greeting.encoded.withUnsafeBytes { try? Greeting(frame: $0) } == greeting, "read otherwise again")
    }

    private static let launch = LaunchOrder(
        who: Incarnation(Place(.peerWorker, 3), generation: 1), runDirectory: "/run/x", regionByteCount: 1 << 20,
        tcpListenerCount: 2, heartbeatMilliseconds: 1000, pinnedCore: nil, logLevel: 3, adoptsRegion: true,
        bindAddress: "", connectTimeoutMilliseconds: 5000, maximumPeerCount: 50, slowMilliseconds: 100,
        directoryCount: 1,
        sandbox: SandboxOrder(
            mode: .strict, layers: .all, identity: .init(user: 65_534, group: 65_534, groups: [65_534, 4])))

    /// A table is held against the torrent before anything is written by it.
    private static let fileTables: Door = {
        let table = FileTable(
            infoHash: InfoHash(Digest(1...20)), geometry: TorrentGeometry(totalByteCount: 1000, pieceByteCount: 256),
            files: [
                .init(kind: .wanted, path: "a/b", offset: 0, byteCount: 300),
                .init(kind: .unselected, path: "c", offset: 300, byteCount: 400),
                .init(kind: .pad, path: "", offset: 700, byteCount: 300),
            ], partsPath: ".parts", partsRuns: [.init(offset: 300, byteCount: 212, partsOffset: 0)])
        var endless = table
        endless.partsRuns[0].byteCount = .max
        return Door(seeds: [table.encoded(), table.withoutPaths.encoded(), endless.encoded()]) { bytes in
            guard let table = decode(table: bytes) else { return }
            let again = decode(table: table.encoded())
            try promise(again == table, "a table is read otherwise again")
            guard let map = try? FileMap(table) else { return }
            for piece in Set([0, map.geometry.pieceCount / 2, map.geometry.pieceCount - 1]).map({ PieceIndex($0) }) {
                let length = UInt64(map.geometry.length(of: piece))
                let spans = try? map.spans(offset: map.geometry.offset(of: piece), byteCount: length)
                guard let spans else { continue }
                try promise(spans.reduce(0) { $0 + $1.byteCount } == length, "the spans are not the piece")
                for span in spans {
                    guard let file = span.file, let end = map.byteCount(of: file) else { continue }
                    try promise(span.offset + span.byteCount <= end, "a span leaves its file")
                }
            }
        }
    }()

    // MARK: Bytes

    private static func frame(_ value: some PoolCodable) -> [UInt8] {
        var writer = FrameWriter()
        value.encode(into: &writer)
        return writer.take()
    }

    private static func decode<Message: PoolMessage>(_ type: Message.Type, _ bytes: [UInt8]) -> [Message]? {
        var messages: [Message] = []
        let isReadable = bytes.withUnsafeBytes { frame in
            do throws(PoolCodecError) {
                try Message.decodeAll(frame) { messages.append($0) }
                return true
            } catch { return false }
        }
        return isReadable ? messages : nil
    }

    private static func decodeOne<Value: PoolCodable>(_ type: Value.Type, _ bytes: [UInt8]) -> Value? {
        bytes.withUnsafeBytes { frame in
            var reader = FrameReader(frame)
            return try? Value(from: &reader)
        }
    }

    private static func decode(table bytes: [UInt8]) -> FileTable? {
        bytes.withUnsafeBytes { try? FileTable(decoding: $0) }
    }
}
