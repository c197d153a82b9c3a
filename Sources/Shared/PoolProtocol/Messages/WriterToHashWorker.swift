package import BitTorrent

/// The writer's answers.
package enum WriterToHashWorker: PoolMessage {
    case hello(Hello)
    case welcome(Hello)
    /// Every part of each assignment was written: its frames are no longer read.
    case writesAnswered([AssignmentID])

    package static let edge = Edge.writerToHashWorker

    package static let samples: [Self] = [
        .hello(Hello(who: Incarnation(Place(.writer, 0), generation: 2), pid: 77, vocabulary: 5)),
        .welcome(Hello(who: Incarnation(Place(.writer, 0), generation: 2), pid: 77, vocabulary: 5)),
        .writesAnswered([9]),
    ]

    package func encode(into writer: inout FrameWriter) {
        switch self {
        case .hello(let hello):
            writer.put(UInt8(1))
            hello.encode(into: &writer)
        case .welcome(let hello):
            writer.put(UInt8(2))
            hello.encode(into: &writer)
        case .writesAnswered(let assignments):
            writer.put(UInt8(3))
            writer.put(list: assignments)
        }
    }

    package init(from reader: inout FrameReader) throws(PoolCodecError) {
        switch try reader.get(UInt8.self) {
        case 1: self = .hello(try Hello(from: &reader))
        case 2: self = .welcome(try Hello(from: &reader))
        case 3: self = .writesAnswered(try reader.getList())
        case let kind: throw .unknownKind(kind)
        }
    }
}
