import PoolProtocol
import Testing

/// One edge of the pool with its sample messages, so that a test can be written once for all edges.
struct EdgeUnderTest: Sendable, CustomTestStringConvertible {
    struct Sample: Sendable {
        /// The case of the message's enumeration.
        let name: String
        let frame: [UInt8]
    }

    let edge: Edge
    let samples: [Sample]
    /// Decodes a whole frame and encodes each of its messages again.
    let reencode: @Sendable ([UInt8]) throws(PoolCodecError) -> [[UInt8]]
    /// Whether each sample is the same after a journey.
    let keepsSamples: @Sendable () throws -> Bool

    var testDescription: String { "\(edge)" }

    init<Message: PoolMessage>(_ type: Message.Type) {
        edge = Message.edge
        samples = Message.samples.map { Sample(name: Self.caseName(of: $0), frame: Self.frame(of: $0)) }
        reencode = { (frame) throws(PoolCodecError) in
            try Self.decode(Message.self, frame).map { Self.frame(of: $0) }
        }
        keepsSamples = {
            try Message.samples.allSatisfy { try Self.decode(Message.self, Self.frame(of: $0)) == [$0] }
        }
    }

    static let all = [
        EdgeUnderTest(SupervisorToPeerWorker.self), EdgeUnderTest(PeerWorkerToSupervisor.self),
        EdgeUnderTest(SupervisorToHashWorker.self), EdgeUnderTest(HashWorkerToSupervisor.self),
        EdgeUnderTest(SupervisorToWriter.self), EdgeUnderTest(WriterToSupervisor.self),
        EdgeUnderTest(PeerWorkerToHashWorker.self), EdgeUnderTest(HashWorkerToPeerWorker.self),
        EdgeUnderTest(HashWorkerToWriter.self), EdgeUnderTest(WriterToHashWorker.self),
    ]

    static func frame(of message: some PoolCodable) -> [UInt8] {
        var writer = FrameWriter()
        message.encode(into: &writer)
        return writer.take()
    }

    static func decode<Message: PoolMessage>(
        _ type: Message.Type, _ frame: [UInt8]
    ) throws(PoolCodecError) -> [Message] {
        var messages: [Message] = []
        var failure: PoolCodecError?
        frame.withUnsafeBytes { bytes in
            do throws(PoolCodecError) { try Message.decodeAll(bytes) { messages.append($0) } } catch { failure = error }
        }
        if let failure { throw failure }
        return messages
    }

    /// `grantBlocks([…])` is `grantBlocks`.
    private static func caseName(of message: some PoolMessage) -> String {
        String("\(message)".prefix { $0 != "(" })
    }
}

/// Decodes one value that fills the bytes exactly.
func decodeWhole<Value: PoolCodable>(_ type: Value.Type, _ bytes: [UInt8]) throws -> Value {
    try bytes.withUnsafeBytes { buffer in
        var reader = FrameReader(buffer)
        let value = try Value(from: &reader)
        #expect(reader.isAtEnd)
        return value
    }
}
