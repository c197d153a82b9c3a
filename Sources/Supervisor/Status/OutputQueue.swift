/// Holds lines on their way to a reader that may be slow or gone; bounded. When it is full, lines about progress go
/// first, since the next one tells the same better; then what is new is dropped and counted.
struct OutputQueue {
    enum Importance {
        /// Worth nothing once a newer one is there.
        case progress
        case ordinary
    }

    /// What `take` hands out.
    struct Batch: Equatable {
        var bytes: [UInt8] = []
        /// Ordinary lines that were dropped behind these bytes.
        var droppedCount = 0
    }

    /// Bytes.
    let limit: Int
    private var lines: [(bytes: [UInt8], importance: Importance)] = []
    /// Lines before this index are taken already.
    private var head = 0
    private(set) var byteCount = 0
    private var progressByteCount = 0
    /// Ordinary lines, since the last batch that told.
    private var droppedCount = 0

    init(limit: Int) { self.limit = limit }

    var isEmpty: Bool { head == lines.count && droppedCount == 0 }

    mutating func add(_ bytes: [UInt8], _ importance: Importance) {
        if byteCount + bytes.count > limit && progressByteCount > 0 { dropProgress() }
        guard byteCount + bytes.count <= limit else {
            if importance == .ordinary { droppedCount += 1 }
            return
        }
        lines.append((bytes, importance))
        byteCount += bytes.count
        if importance == .progress { progressByteCount += bytes.count }
    }

    /// Whole lines in their order, at least one if there is any, and about `most` bytes.
    mutating func take(most: Int) -> Batch {
        var batch = Batch()
        while head < lines.count && (batch.bytes.isEmpty || batch.bytes.count + lines[head].bytes.count <= most) {
            let line = lines[head]
            lines[head].bytes = []
            head += 1
            batch.bytes += line.bytes
            byteCount -= line.bytes.count
            if line.importance == .progress { progressByteCount -= line.bytes.count }
        }
        if head == lines.count {
            lines.removeAll(keepingCapacity: true)
            head = 0
            batch.droppedCount = droppedCount
            droppedCount = 0
        } else if head > lines.count / 2 {
            lines.removeSubrange(..<head)
            head = 0
        }
        return batch
    }

    private mutating func dropProgress() {
        lines.removeSubrange(..<head)
        head = 0
        lines.removeAll { $0.importance == .progress }
        byteCount -= progressByteCount
        progressByteCount = 0
    }
}
