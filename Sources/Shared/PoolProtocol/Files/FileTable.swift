package import BitTorrent

/// The files of a torrent as the writer needs them; rides in a sealed memfd, since 100,000 paths pass any message.
package struct FileTable: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package enum Kind: UInt8, Sendable, CaseIterable {
            /// A file that the user wants: created even when it is empty.
            case wanted = 1
            /// Not selected: its bytes of boundary pieces go to the parts file at `partsOffset`.
            case unselected
            /// BEP 47 padding: bytes are dropped.
            case pad
        }
        package var kind: Kind
        /// Relative to `--dir`, components joined by `/`; empty for pads.
        package var path: String
        /// First byte in the torrent.
        package var offset: UInt64
        package var byteCount: UInt64

        package init(kind: Kind, path: String, offset: UInt64, byteCount: UInt64) {
            self.kind = kind
            self.path = path
            self.offset = offset
            self.byteCount = byteCount
        }
    }

    /// Where a run of unselected bytes lives in the hidden parts file.
    package struct PartsRun: Equatable, Sendable {
        /// First byte in the torrent.
        package var offset: UInt64
        package var byteCount: UInt64
        /// First byte in the parts file.
        package var partsOffset: UInt64

        package init(offset: UInt64, byteCount: UInt64, partsOffset: UInt64) {
            self.offset = offset
            self.byteCount = byteCount
            self.partsOffset = partsOffset
        }
    }

    package var infoHash: InfoHash
    package var geometry: TorrentGeometry
    /// In the order of the torrent's bytes, without gaps.
    package var files: [Entry]
    /// Name of the parts file, relative to `--dir`; empty when no run needs it.
    package var partsPath: String
    /// In the order of the torrent's bytes.
    package var partsRuns: [PartsRun]

    package init(
        infoHash: InfoHash, geometry: TorrentGeometry, files: [Entry], partsPath: String, partsRuns: [PartsRun]
    ) {
        self.infoHash = infoHash
        self.geometry = geometry
        self.files = files
        self.partsPath = partsPath
        self.partsRuns = partsRuns
    }

    /// The same without any name: for those who need not know them.
    package var withoutPaths: FileTable {
        var table = self
        for index in table.files.indices { table.files[index].path = "" }
        table.partsPath = ""
        return table
    }

    package func encoded() -> [UInt8] {
        var writer = FrameWriter()
        infoHash.digest.encode(into: &writer)
        geometry.encode(into: &writer)
        writer.put(UInt32(files.count))
        for file in files {
            writer.put(file.kind.rawValue)
            writer.put(counted: Array(file.path.utf8))
            writer.put(file.offset)
            writer.put(file.byteCount)
        }
        writer.put(counted: Array(partsPath.utf8))
        writer.put(UInt32(partsRuns.count))
        for run in partsRuns {
            writer.put(run.offset)
            writer.put(run.byteCount)
            writer.put(run.partsOffset)
        }
        return writer.take()
    }

    package init(decoding bytes: UnsafeRawBufferPointer) throws(PoolCodecError) {
        var reader = FrameReader(bytes)
        infoHash = InfoHash(try Digest(from: &reader))
        geometry = try TorrentGeometry(from: &reader)
        let fileCount = try reader.get(UInt32.self)
        files = []
        for _ in 0..<fileCount {
            files.append(
                Entry(
                    kind: try reader.getEnum(Entry.Kind.self), path: try reader.getText(), offset: try reader.get(),
                    byteCount: try reader.get()))
        }
        partsPath = try reader.getText()
        let runCount = try reader.get(UInt32.self)
        partsRuns = []
        for _ in 0..<runCount {
            partsRuns.append(
                PartsRun(offset: try reader.get(), byteCount: try reader.get(), partsOffset: try reader.get()))
        }
    }
}
