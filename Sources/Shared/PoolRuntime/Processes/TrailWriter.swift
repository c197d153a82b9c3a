import CLinux
package import PoolProtocol

/// The last events of this process, in memory that the supervisor sees and that outlives the process. Of the loop's thread.
/// A record costs some stores, and nothing is ever allocated for one.
package final class TrailWriter {
    private let mapping: RegionMapping
    private var count: UInt64 = 0

    init(_ mapping: RegionMapping) { self.mapping = mapping }

    package func add(_ record: TrailRecord) {
        let place = StatusPage.trailOffset + 8 * TrailRecord.wordCount * Int(count % UInt64(StatusPage.trailCapacity))
        let words = record.words
        store(words.0, place)
        store(words.1, place + 8)
        store(words.2, place + 16)
        store(words.3, place + 24)
        count += 1
        store(count, StatusPage.trailCountOffset)
    }

    private func store(_ value: UInt64, _ offset: Int) { clinux_store_release_64(mapping.base + offset, value) }
}

extension StatusPageReader {
    /// The last events of the worker, oldest first; a record that is being written right now may be lacking or odd.
    /// - Parameter place: whose page it is.
    package func trail(of place: Place) -> [TrailRecord] {
        let end = word(StatusPage.trailCountOffset)
        let length = min(end, UInt64(StatusPage.trailCapacity))
        return (0..<length).compactMap { age in
            let index = (end &- length &+ age) % UInt64(StatusPage.trailCapacity)
            let offset = StatusPage.trailOffset + 8 * TrailRecord.wordCount * Int(index)
            return TrailRecord(
                words: (word(offset), word(offset + 8), word(offset + 16), word(offset + 24)), of: place)
        }
    }
}
