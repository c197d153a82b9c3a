/// Makes sure that no two files of a torrent want the same place. Real clashes are refused; those that only our repair
/// of names made are resolved by another name. Takes n·log n steps, so half a million hostile names cost no more.
enum PathClashes {
    /// A file whose path is not exactly what the torrent says.
    struct RepairedPath {
        let fileIndex: Int
        /// Of the names as they came.
        let fingerprint: UInt64
    }

    /// As many files as a torrent is promised to open with; their names may all be of an encoding that is no UTF-8.
    static let maximumClashCount = 100_000

    /// - Parameter repaired: ascending by index.
    static func resolve(
        _ files: inout [TorrentFile], repaired: [RepairedPath], log: inout WarningLog
    ) throws(MetainfoError) {
        let clashes = clashes(files)
        if !clashes.isEmpty {
            guard clashes.count <= maximumClashCount else { throw .tooManyClashes(limit: maximumClashCount) }
            for clash in clashes {
                let inFirst = find(clash.first, in: repaired), inSecond = find(clash.second, in: repaired)
                guard inFirst != nil || inSecond != nil else { throw clash.error(files) }
            }
            for (index, fingerprint) in renames(clashes, repaired: repaired) {
                files[index].path = files[index].path.distinguished(by: fingerprint)
                guard files[index].path.relative.utf8.count <= SafePath.maximumByteCount else {
                    throw .unsafePath(
                        field: "info.files[\(index)].path", .tooLong(limit: SafePath.maximumByteCount))
                }
                log.add(.renamed(field: "info.files[\(index)].path", files[index].path))
            }
            if let remaining = Self.clashes(files).first { throw remaining.error(files) }
        }
        warnOfFolding(files, log: &log)
    }

    private struct Clash {
        let first: Int
        let second: Int
        /// The first file's path is a folder on the second's; otherwise both are the same.
        let isFolder: Bool

        func error(_ files: [TorrentFile]) -> MetainfoError {
            isFolder ? .fileIsAlsoFolder(files[first].path) : .duplicatePath(files[first].path)
        }
    }

    /// The clashes of neighbours in sorted order; there is one exactly when any two files clash.
    private static func clashes(_ files: [TorrentFile]) -> [Clash] {
        var order = files.indices.filter { files[$0].role != .padding }.map { UInt32($0) }
        order.sort { left, right in
            switch compare(files[Int(left)].path, files[Int(right)].path) {
            case .same: left < right
            case .before, .folderOf: true
            case .after: false
            }
        }
        var clashes: [Clash] = []
        for place in order.indices.dropFirst() {
            let first = Int(order[place - 1]), second = Int(order[place])
            switch compare(files[first].path, files[second].path) {
            case .same: clashes.append(Clash(first: first, second: second, isFolder: false))
            case .folderOf: clashes.append(Clash(first: first, second: second, isFolder: true))
            case .before, .after: break
            }
            if clashes.count > maximumClashCount { break }
        }
        return clashes
    }

    private enum Order {
        case before
        case same
        /// Before, and a folder on the other's path.
        case folderOf
        case after
    }

    /// By bytes, with `/` below all others: a folder's contents directly follow its name.
    private static func compare(_ left: SafePath, _ right: SafePath) -> Order {
        let first = left.relative.utf8.span, second = right.relative.utf8.span
        for index in 0..<min(first.count, second.count) where first[index] != second[index] {
            let isBefore = first[index] == slash || (second[index] != slash && first[index] < second[index])
            return isBefore ? .before : .after
        }
        if first.count == second.count { return .same }
        if first.count > second.count { return .after }
        return second[first.count] == slash ? .folderOf : .before
    }

    private static let slash = UInt8(ascii: "/")

    /// Which files get another name, and the mark in it. It depends on the names alone, never on the order of files.
    private static func renames(_ clashes: [Clash], repaired: [RepairedPath]) -> [(index: Int, fingerprint: UInt64)] {
        var renames: [Int: UInt64] = [:]
        for clash in clashes {
            if clash.isFolder {
                // The folder may hold many files; its single rival gives way.
                renames[clash.first] = find(clash.first, in: repaired)?.fingerprint ?? Fingerprint().value
                continue
            }
            for index in [clash.first, clash.second] {
                if let path = find(index, in: repaired) { renames[index] = path.fingerprint }
            }
        }
        return renames.map { ($0.key, $0.value) }.sorted { $0.0 < $1.0 }
    }

    private static func find(_ fileIndex: Int, in repaired: [RepairedPath]) -> RepairedPath? {
        var low = 0, high = repaired.count
        while low < high {
            let middle = (low + high) / 2
            if repaired[middle].fileIndex < fileIndex { low = middle + 1 } else { high = middle }
        }
        return low < repaired.count && repaired[low].fileIndex == fileIndex ? repaired[low] : nil
    }

    /// Paths that a file system without letter case, or with one Unicode form, would take for the same.
    private static func warnOfFolding(_ files: [TorrentFile], log: inout WarningLog) {
        var folded: [(hash: Int, index: Int)] = []
        folded.reserveCapacity(files.count)
        for (index, file) in files.enumerated() where file.role != .padding {
            // `String` hashes all forms of a character alike.
            folded.append((file.path.relative.lowercased().hashValue, index))
        }
        folded.sort { ($0.hash, $0.index) < ($1.hash, $1.index) }
        for place in folded.indices.dropFirst() where folded[place].hash == folded[place - 1].hash {
            log.add(.namesDifferOnlyInForm(files[folded[place - 1].index].path, files[folded[place].index].path))
        }
    }
}
