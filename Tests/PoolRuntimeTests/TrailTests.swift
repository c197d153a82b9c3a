import BitTorrent
import Logging
import PoolProtocol
import Synchronization
import Testing

@testable import PoolRuntime

@Suite struct TrailTests {
    private let place = Place(.peerWorker, 0)
    private func record(_ number: Int) -> TrailRecord {
        TrailRecord(.granted, number: UInt32(number), time: MonotonicInstant(nanoseconds: Int64(number)))
    }

    @Test func theLastEventsAreThereOldestFirst() throws {
        let (writer, reader) = try StatusPageWriter.makeOwn()
        #expect(reader.trail(of: place).isEmpty)
        writer.trail.add(record(1))
        #expect(reader.trail(of: place) == [record(1)])
        let last = 2 * StatusPage.trailCapacity + 7
        for number in 2...last { writer.trail.add(record(number)) }
        #expect(reader.trail(of: place) == (last - StatusPage.trailCapacity + 1...last).map(record))
        // The rest of the page is as it was.
        #expect(reader.turn == 0 && reader.stack == nil && reader.slowHandlers.isEmpty)
    }

    /// A worker that was taken over may write anything.
    @Test func anyBytesAreATrailOfSomeLength() throws {
        let memory = try RegionMapping.makeRegion(name: "page", byteCount: StatusPage.byteCount)
        let mapping = try RegionMapping(
            descriptor: memory.rawValue, byteCount: StatusPage.byteCount, access: .readWrite)
        let reader = StatusPageReader(mapping)
        var generator = SystemRandomNumberGenerator()
        for byte in [nil, UInt8(0), 0x7F, 0xFF] {
            for offset in 0..<StatusPage.byteCount {
                let value = byte ?? UInt8.random(in: 0...255, using: &generator)
                mapping.base.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
            }
            #expect(reader.trail(of: place).count <= StatusPage.trailCapacity)
        }
    }

    /// Keeps what is logged, for tests.
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private struct Collector: LogHandler {
        var logLevel: Logger.Level
        var metadata: Logger.Metadata = [:]
        let lines: Lines
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) { lines.all.withLock { $0.append("\(event.level) \(event.message)") } }
    }

    @Test(arguments: [Logger.Level.trace, .debug, .notice])
    func eventsAreLoggedAtDebugAndAlwaysRemembered(level: Logger.Level) throws {
        let (writer, reader) = try StatusPageWriter.makeOwn()
        let lines = Lines()
        let chronicle = Chronicle(
            Logger(label: "test") { _ in Collector(logLevel: level, lines: lines) }, trail: writer.trail,
            clock: { MonotonicInstant(nanoseconds: 5) })
        var detailCount = 0
        func detail() -> String {
            detailCount += 1
            return "why"
        }
        chronicle.note(.closed, Tags(torrent: 0, peer: .outgoing(3)), number: 4, detail: detail())
        chronicle.complain(.diskFailed, Tags(torrent: 0), number: 28, as: .warning, detail: "write a")
        let event = level <= .debug ? ["debug t0 peer:3: closed, cause 4 (why)"] : []
        #expect(lines.all.withLock { $0 } == event + ["warning t0: a disk call failed, errno 28 (write a)"])
        #expect(detailCount == event.count, "no text is made that nobody reads")
        #expect(reader.trail(of: place).map(\.event) == [.closed, .diskFailed])
        #expect(chronicle.followsBlocks == (level == .trace))
    }
}
