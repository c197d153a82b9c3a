import Glibc
import PoolProtocol
import PoolRuntime

/// Adjacent bytes of an open file, or zeros.
struct OpenSpan {
    /// nil: a pad file or a hole, which reads as zeros.
    let file: OwnedDescriptor?
    let offset: UInt64
    let byteCount: Int
}

/// Reads the bytes of a piece, which may lie in many files, from the first to the last.
struct SpanReader {
    /// Why a piece cannot be read to its end.
    enum Failure: Error, Equatable {
        /// A file ends before the span does.
        case short
        case unreadable(errno: CInt)
    }

    private let spans: [OpenSpan]
    private var index = 0
    /// Bytes of `spans[index]` that were read.
    private var offset = 0
    private(set) var remainingByteCount: Int

    init(_ spans: [OpenSpan]) {
        self.spans = spans
        remainingByteCount = spans.reduce(0) { $0 + $1.byteCount }
    }

    /// Passes over bytes; beyond the end there is nothing to pass.
    mutating func skip(byteCount: Int) {
        var rest = min(byteCount, remainingByteCount)
        remainingByteCount -= rest
        while rest > 0 {
            let part = min(rest, spans[index].byteCount - offset)
            advance(part)
            rest -= part
        }
    }

    /// Fills the whole buffer.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
        guard buffer.count <= remainingByteCount else { throw .short }
        var filled = 0
        while filled < buffer.count {
            let span = spans[index]
            let part = min(buffer.count - filled, span.byteCount - offset)
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + part])
            if let file = span.file {
                try Self.readFully(file, at: span.offset + UInt64(offset), into: target)
            } else {
                target.initializeMemory(as: UInt8.self, repeating: 0)
            }
            advance(part)
            filled += part
        }
        remainingByteCount -= filled
    }

    private mutating func advance(_ byteCount: Int) {
        offset += byteCount
        while index < spans.count && offset == spans[index].byteCount {
            index += 1
            offset = 0
        }
    }

    private static func readFully(
        _ file: OwnedDescriptor, at start: UInt64, into buffer: UnsafeMutableRawBufferPointer
    ) throws(Failure) {
        guard let end = off_t(exactly: start + UInt64(buffer.count)) else { throw .short }
        var filled = 0
        while filled < buffer.count {
            let count = pread(
                file.rawValue, buffer.baseAddress! + filled, buffer.count - filled, end - off_t(buffer.count - filled))
            if count > 0 {
                filled += count
            } else if count == 0 {
                throw .short
            } else if errno != EINTR {
                throw .unreadable(errno: errno)
            }
        }
    }
}
