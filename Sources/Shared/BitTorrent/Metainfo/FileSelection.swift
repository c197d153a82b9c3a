/// Which files of a torrent the user wants: `--select-file 1,3-5`, numbered from 1 as `show` lists them.
package struct FileSelection: Hashable, Sendable {
    package enum Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        case empty
        case notANumber(String)
        case reversedRange(String)
        case outOfRange(String, fileCount: Int)

        package var description: String {
            switch self {
            case .empty: "names no file"
            case .notANumber(let part):
                "\"\(TerminalText.excerpt(part))\" is neither a file number nor a range like 3-5"
            case .reversedRange(let part): "\"\(part)\" ends before it begins"
            case .outOfRange(let part, let count): "\"\(part)\" is not within 1-\(count), the files of this torrent"
            }
        }
    }

    /// By index of the file, from 0.
    private var selected: [Bool]

    private init(selected: [Bool]) { self.selected = selected }

    package static func all(fileCount: Int) -> FileSelection {
        FileSelection(selected: [Bool](repeating: true, count: fileCount))
    }

    /// - Parameter indices: from 0.
    package init(indices: some Sequence<Int>, fileCount: Int) {
        selected = [Bool](repeating: false, count: fileCount)
        for index in indices { selected[index] = true }
    }

    /// Reads numbers and ranges, both ends included, separated by commas; spaces around them do not matter.
    package init(parsing text: String, fileCount: Int) throws(Refusal) {
        selected = [Bool](repeating: false, count: fileCount)
        for part in text.split(separator: ",", omittingEmptySubsequences: true).map(Self.trimmed) where !part.isEmpty {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map(Self.trimmed)
            guard ends.count <= 2, let lower = ends.first, let upper = ends.last,
                Self.isNumber(lower), Self.isNumber(upper)
            else { throw .notANumber(String(part)) }
            // A number too long for Int is certainly beyond the last file.
            let first = Int(lower) ?? .max, last = Int(upper) ?? .max
            guard first <= last else { throw .reversedRange(String(part)) }
            guard first >= 1, last <= fileCount else {
                throw .outOfRange(TerminalText.excerpt(part), fileCount: fileCount)
            }
            for number in first...last { selected[number - 1] = true }
        }
        guard selected.contains(true) else { throw .empty }
    }

    package var fileCount: Int { selected.count }
    package func contains(_ fileIndex: Int) -> Bool { selected[fileIndex] }
    package var isEverything: Bool { !selected.contains(false) }

    private static func trimmed(_ text: Substring) -> Substring {
        let head = text.drop { $0 == " " }
        return head.lastIndex { $0 != " " }.map { head[...$0] } ?? ""
    }

    private static func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
}
