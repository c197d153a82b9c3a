import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime
import SystemPackage

/// Carries bytes of boundary pieces to their new place when the selection has changed since the last run: out of the
/// hidden parts file into files that are selected now, and the other way round. Runs before the pool exists, when nobody
/// else has a file open; what it carries is checked like everything that the journal does not vouch for.
struct PartsMove {
    let journal: JournalState
    let selected: SelectedFiles
    let payload: PayloadFiles
    let partsPath: String

    /// At most two pieces' worth of bytes for every file that changed sides.
    /// - Returns: a line for each part that could not be read; its piece is fetched again.
    func carryOut() throws(SystemCallError) -> [String] {
        guard let before = journal.wantedFiles else { return [] }
        var complaints: [String] = []
        for (index, file) in selected.layout.files.enumerated() where file.role == .payload && file.length > 0 {
            let isSelected = selected.selection.contains(index)
            guard index < before.count, before[index] != isSelected else { continue }
            for part in selected.keptParts(of: index)
            where journal.synced.contains(part.piece) && selected.wantedPieces.contains(part.piece) {
                let inFile = (path: file.path.relative, offset: part.fileOffset)
                let inParts = (path: partsPath, offset: part.partsOffset)
                let (source, target) = isSelected ? (inParts, inFile) : (inFile, inParts)
                if let trouble = try copy(part.length, from: source, to: target) {
                    complaints.append(
                        "\(TerminalText.escaped(source.path)): the part of piece \(part.piece) in it cannot be kept "
                            + "(\(trouble)); it is fetched again")
                }
            }
        }
        return complaints
    }

    /// - Returns: why nothing was copied, when the source is not there or ends too early.
    private func copy(
        _ byteCount: UInt64, from source: (path: String, offset: UInt64), to target: (path: String, offset: UInt64)
    ) throws(SystemCallError) -> String? {
        let input: OwnedDescriptor
        do throws(SystemCallError) { input = try payload.openForReading(source.path) } catch {
            return "\(error.errno)"
        }
        var bytes = [UInt8](repeating: 0, count: Int(byteCount))
        let count = pread(input.rawValue, &bytes, bytes.count, off_t(source.offset))
        guard count == bytes.count else {
            return count < 0 ? "\(Errno(rawValue: errno))" : "the file is too short"
        }
        let output = try payload.openForMoving(target.path)
        guard pwrite(output.rawValue, bytes, bytes.count, off_t(target.offset)) == bytes.count,
            fdatasync(output.rawValue) == 0
        else { throw SystemCallError("pwrite", errno, subject: target.path) }
        return nil
    }
}
