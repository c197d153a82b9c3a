package import Logging
import Glibc

/// Writes one line an entry with one `write`, so that lines of several processes never mix. Bounded: a line is cut at
/// 4,096 bytes, which the kernel writes to a pipe as a whole.
package struct LineLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    private let label: String
    private let descriptor: CInt

    package init(label: String, level: Logger.Level, descriptor: CInt = STDERR_FILENO) {
        self.label = label
        logLevel = level
        self.descriptor = descriptor
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let merged = metadata.merging(event.metadata ?? [:]) { _, new in new }
        let pairs = merged.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        var line = Array("\(event.level) \(label): \(event.message)\(pairs)".utf8.prefix(4095))
        line.append(UInt8(ascii: "\n"))
        _ = write(descriptor, line, line.count)
    }
}
