import BitTorrent
import PoolProtocol
import PoolRuntime

/// What this torrent gives to others: the files that peer-workers send from.
extension TorrentRun {
    /// Opens files for reading and passes them to a peer-worker. One that cannot be opened is answered all the same, and
    /// one that the worker cannot want is, too: it may have been taken over.
    func open(_ files: [UInt32], for worker: Incarnation) {
        guard let process = context.shell.process(worker) else { return }
        for part in files.parts(of: DescriptorsPassed.maximumCount) {
            var answers = part.map { OpenedFile(file: $0, descriptor: 0) }
            var opened: [(index: Int, descriptor: OwnedDescriptor)] = []
            for (index, file) in part.enumerated() {
                guard let place = place(ofFile: file) else { continue }
                do throws(SystemCallError) {
                    opened.append((index, try storage.openForReading(place)))
                } catch {
                    context.output.emit(.warning("\(name): cannot be sent from (\(error))"))
                }
            }
            if let names = try? process.pass(opened.map(\.descriptor.rawValue)) {
                for (name, file) in zip(names, opened) { answers[file.index].descriptor = name }
            }
            process.whenAllArrived { [ordinal] in
                process.outbox.append(SupervisorToPeerWorker.filesOpened(torrent: ordinal, answers))
            }
        }
    }

    private func place(ofFile number: UInt32) -> PieceFiles.File? {
        let count = metainfo.files.count
        if number == count { return .parts }
        return number < count && storage.selected.isCreated(Int(number)) ? .payload(Int(number)) : nil
    }
}
