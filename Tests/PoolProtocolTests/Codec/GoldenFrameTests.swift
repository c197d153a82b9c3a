import PoolProtocol
import Testing

/// The frames as they are on the wire between two processes. A change of any of them is a change of the vocabulary; the
/// failing test prints the table that belongs into `GoldenFrames.swift`.
struct GoldenFrameTests {
    private static var table: String {
        var entries = EdgeUnderTest.all.flatMap { edge in
            edge.samples.map { "\(edge.edge).\($0.name)\(hex($0.frame))" }
        }
        entries.append("vocabulary \(String(Vocabulary.hash, radix: 16))")
        return entries.joined(separator: "\n")
    }

    /// Lines of 32 bytes, indented.
    private static func hex(_ frame: [UInt8]) -> String {
        stride(from: 0, to: frame.count, by: 32).map { "\n  " + digits(frame[$0..<min($0 + 32, frame.count)]) }.joined()
    }

    private static func digits(_ bytes: ArraySlice<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Digits by name.
    private static func entries(of table: String) -> [Substring: String] {
        var entries: [Substring: String] = [:]
        var name: Substring = ""
        for line in table.split(separator: "\n") {
            if line.hasPrefix(" ") { entries[name, default: ""] += line } else { name = line }
            entries[name, default: ""] += ""
        }
        return entries
    }

    @Test func framesOfEveryMessageAreAsRecorded() {
        let found = Self.table
        guard found != goldenFrames else { return }
        print("The frames have changed. The new table:\n\(found)")
        let before = Self.entries(of: goldenFrames), after = Self.entries(of: found)
        let names = Set(before.keys).union(after.keys)
        Issue.record("changed: \(names.filter { before[$0] != after[$0] }.sorted())")
    }

    @Test(arguments: EdgeUnderTest.all) func everyKindOfMessageHasASample(_ edge: EdgeUnderTest) {
        // Kinds of one subject stay together, so there may be gaps between them.
        let kinds = edge.samples.map { $0.frame[0] }
        #expect(kinds.first == 1 && zip(kinds, kinds.dropFirst()).allSatisfy { $0 < $1 })
        for kind in UInt8.min ... .max where !kinds.contains(kind) {
            #expect(throws: PoolCodecError.unknownKind(kind)) { try edge.reencode([kind]) }
        }
    }

    @Test func everyEdgeIsTested() { #expect(Set(EdgeUnderTest.all.map(\.edge)) == Set(Edge.allCases)) }
}
