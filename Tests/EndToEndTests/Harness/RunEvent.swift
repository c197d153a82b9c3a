import Foundation

/// One line of `--events` or of `--progress json` (docs/events.md).
struct RunEvent {
    let members: [String: Any]

    init?(_ line: some Collection<UInt8>) {
        guard let object = try? JSONSerialization.jsonObject(with: Data(line)), let members = object as? [String: Any]
        else { return nil }
        self.members = members
    }

    var kind: String { text("event") ?? "" }
    /// Seconds since 1970.
    var time: Double { number("ts") ?? 0 }

    func text(_ name: String) -> String? { members[name] as? String }
    func number(_ name: String) -> Double? { (members[name] as? NSNumber)?.doubleValue }
    func count(_ name: String) -> Int? { (members[name] as? NSNumber)?.intValue }
    func objects(_ name: String) -> [[String: Any]] { members[name] as? [[String: Any]] ?? [] }

    /// Whether it is of a kind and its member `state` is the given one.
    func isA(_ kind: String, _ state: String) -> Bool { self.kind == kind && text("state") == state }

    /// All lines of a text; a line that is no JSON is an error.
    static func all(in text: String) throws -> [RunEvent] {
        try text.utf8.split(separator: UInt8(ascii: "\n")).map { line in
            guard let event = RunEvent(line) else {
                throw Unexpected("no JSON: \(String(decoding: line, as: UTF8.self))")
            }
            return event
        }
    }
}

/// Follows a file of events while a supervisor writes it.
final class EventLog {
    private let path: String
    private var file: FileHandle?
    /// Bytes of a line whose end is not written yet.
    private var rest = Data()
    private(set) var events: [RunEvent] = []

    init(_ path: String) { self.path = path }

    /// Reads what is new.
    /// - Returns: the new events.
    @discardableResult func read() -> ArraySlice<RunEvent> {
        let start = events.count
        if file == nil { file = FileHandle(forReadingAtPath: path) }
        if let file { rest += file.readDataToEndOfFile() }
        var parts = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        rest = parts.popLast().map { Data($0) } ?? Data()
        events += parts.compactMap { RunEvent($0) }
        return events[start...]
    }
}
