import BitTorrent
import Glibc
import PoolProtocol
import PoolRuntime

/// Carries bytes of boundary pieces to their new place when the selection has changed since the last run: out of the
/// hidden parts file into files that are selected now, and the other way round. Runs before the pool exists, when nobody
/// else has a file open; what it carries is checked like everything that the journal does not vouch for.
struct PartsMove {
    let journal: JournalState
    let selected: SelectedFiles
    let payload: PayloadFiles
    let partsPath: String

    /// At most two pieces' worth of bytes for every file that changed sides.
    func carryOut() throws(SystemCallError) {
        guard let before = journal.wantedFiles else { return }
        for (index, file) in selected.layout.files.enumerated() where file.role == .payload && file.length > 0 {
            let isSelected = selected.selection.contains(index)
            guard index < before.count, before[index] != isSelected else { continue }
            for part in selected.keptParts(of: index)
            where journal.synced.contains(part.piece) && selected.wantedPieces.contains(part.piece) {
                let inFile = (path: file.path.relative, offset: part.fileOffset)
                let inParts = (path: partsPath, offset: part.partsOffset)
                if isSelected {
                    try copy(part.length, from: inParts, to: inFile)
                } else {
                    try copy(part.length, from: inFile, to: inParts)
                }
            }
        }
    }

    /// Nothing is copied when the source is not there or ends too early: the piece is fetched again then.
    private func copy(
        _ byteCount: UInt64, from source: (path: String, offset: UInt64), to target: (path: String, offset: UInt64)
    ) throws(SystemCallError) {
        guard let input = try? payload.openForReading(source.path) else { return }
        var bytes = [UInt8](repeating: 0, count: Int(byteCount))
        guard pread(input.rawValue, &bytes, bytes.count, off_t(source.offset)) == bytes.count else { return }
        let output = try payload.openForMoving(target.path)
        guard pwrite(output.rawValue, bytes, bytes.count, off_t(target.offset)) == bytes.count,
            fdatasync(output.rawValue) == 0
        else { throw SystemCallError("pwrite", errno, subject: target.path) }
    }
}
