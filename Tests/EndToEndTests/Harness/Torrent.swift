import BitTorrent
import Foundation
import Testing

/// A .torrent of a test, and the payload that belongs to it.
struct Torrent {
    /// The .torrent file.
    let file: String
    /// The folder that contains the payload, for seeders.
    let seedDirectory: String
    let metainfo: Metainfo

    var name: String { metainfo.name.description }
    var infoHash: String { metainfo.infoHash.description }
    var byteCount: Int { Int(metainfo.geometry.totalByteCount) }
    var pieceCount: Int { metainfo.geometry.pieceCount }
    var pieceByteCount: Int { Int(metainfo.geometry.pieceByteCount) }

    /// Paths of the payload's files relative to a download's directory, without pad files.
    var paths: [String] {
        let root = "\(seedDirectory)/\(name)"
        guard metainfo.isMultiFile else { return [name] }
        return Torrent.files(below: root).map { "\(name)/\($0)" }
    }

    /// Files of all kinds below a folder, hidden ones too, but no folders, sorted.
    static func files(below folder: String) -> [String] {
        let all = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        return all.filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(folder)/\($0)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }.sorted()
    }

    /// Every file is there and equal byte for byte, and nothing else is in the directory.
    func expectComplete(
        in directory: String, besides others: [String] = [], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let wrong = paths.filter {
            !FileManager.default.contentsEqual(atPath: "\(seedDirectory)/\($0)", andPath: "\(directory)/\($0)")
        }
        #expect(wrong.prefix(3).isEmpty, "\(wrong.count) files differ or are missing", sourceLocation: sourceLocation)
        let foreign = Set(Torrent.files(below: directory)).symmetricDifference(paths + others).subtracting(wrong)
        #expect(foreign.prefix(3).isEmpty, sourceLocation: sourceLocation)
    }
}

extension Workspace {
    /// How the bytes of a torrent lie in files; `Tools/payload.py` says more.
    enum Layout: String { case single, many, zero, tiny }

    /// Makes random files and their .torrent.
    /// - Parameters:
    ///   - name: different for every torrent of a test.
    ///   - size: of all files, in bytes; may end in K or M.
    func makeTorrent(
        _ name: String = "one.bin", _ layout: Layout = .single, size: String = "16M", pieceLength: String = "256K",
        pads: Bool = false, isPrivate: Bool = false, trackers: [String] = []
    ) throws -> Torrent {
        let seed = String(UInt32.random(in: 0...UInt32.max))
        let payload = path("seed/\(name)")
        try run(
            Programs.tool("payload", [payload, "--layout", layout.rawValue, "--size", size, "--seed", seed]), "payload")
        return try makeTorrent(
            of: payload, pieceLength: pieceLength, pads: pads, isPrivate: isPrivate, trackers: trackers)
    }

    /// Makes the .torrent of a file or folder that is there already.
    func makeTorrent(
        of payload: String, pieceLength: String = "256K", pads: Bool = false, isPrivate: Bool = false,
        trackers: [String] = []
    ) throws -> Torrent {
        let url = URL(fileURLWithPath: payload)
        let file = path("\(nextNumber()).torrent")
        try run(
            Programs.tool(
                "make_torrent",
                [payload, "-o", file, "--piece-length", pieceLength] + (pads ? ["--pad"] : [])
                    + (isPrivate ? ["--private"] : [])
                    + trackers.flatMap { ["--tracker", $0] }), "make_torrent")
        let metainfo = try MetainfoParser.parse([UInt8](Data(contentsOf: URL(fileURLWithPath: file))))
        return Torrent(file: file, seedDirectory: url.deletingLastPathComponent().path, metainfo: metainfo)
    }

    /// Runs a tool to its end.
    @discardableResult func run(_ command: [String], _ name: String) throws -> String {
        let running = try Running(command, in: self, name: "\(name)-\(nextNumber())")
        guard try running.wait(within: 60) == .exited(0) else {
            throw Unexpected("\(command.joined(separator: " ")): \(running.errorText)")
        }
        return running.outputText
    }
}
