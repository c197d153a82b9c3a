/// The functions of one program or library, as its ELF file lists them (System V ABI, "Object Files"; 64 bits, least byte
/// first). Reads the bytes where they lie and copies nothing but names. A file that is cut or nonsense has no functions.
struct SymbolTable {
    private struct Segment {
        var fileOffset: UInt64
        var address: UInt64
        var byteCount: UInt64
    }
    private struct Section {
        var fileOffset: Int
        var byteCount: Int
        /// The section with the names of a symbol table.
        var link: Int
    }

    private static let loadSegment: UInt32 = 1
    /// The full table, and the one for dynamic linking, which a stripped file still has.
    private static let fullTable: UInt32 = 2, dynamicTable: UInt32 = 11
    private static let symbolByteCount = 24
    private static let function: UInt8 = 2, indirectFunction: UInt8 = 10

    private let bytes: UnsafeRawBufferPointer
    private var segments: [Segment] = []
    private var tables: [Section] = []
    private var sections: [Section] = []

    /// - Parameter bytes: must outlive the table.
    init?(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        // The magic number, 64 bits, least byte first.
        guard bytes.count >= 64, bytes.prefix(6).elementsEqual([0x7F, 0x45, 0x4C, 0x46, 2, 1]) else { return nil }
        readSegments()
        readSections()
    }

    private mutating func readSegments() {
        guard let start: UInt64 = load(32), let size: UInt16 = load(54), let count: UInt16 = load(56), size >= 56
        else { return }
        for index in 0..<Int(count) {
            guard let offset = place(start, index, Int(size)), let kind: UInt32 = load(offset),
                let fileOffset: UInt64 = load(offset + 8), let address: UInt64 = load(offset + 16),
                let byteCount: UInt64 = load(offset + 32)
            else { return }
            guard kind == Self.loadSegment else { continue }
            segments.append(Segment(fileOffset: fileOffset, address: address, byteCount: byteCount))
        }
    }

    private mutating func readSections() {
        guard let start: UInt64 = load(40), let size: UInt16 = load(58), let count: UInt16 = load(60), size >= 64
        else { return }
        var dynamic: [Section] = []
        for index in 0..<Int(count) {
            guard let offset = place(start, index, Int(size)), let kind: UInt32 = load(offset + 4),
                let fileOffset: UInt64 = load(offset + 24), let byteCount: UInt64 = load(offset + 32),
                let link: UInt32 = load(offset + 40)
            else { return }
            let section = Section(
                fileOffset: Int(clamping: fileOffset), byteCount: Int(clamping: byteCount), link: Int(link))
            sections.append(section)
            if kind == Self.fullTable { tables.append(section) }
            if kind == Self.dynamicTable { dynamic.append(section) }
        }
        if tables.isEmpty { tables = dynamic }
    }

    /// Where the file itself would be, in its own terms: what lies in memory at the program's first byte.
    var baseAddress: UInt64 { segments.map { $0.address &- $0.fileOffset }.min() ?? 0 }

    /// The address, in the file's own terms, of a byte of the file that is loaded to memory.
    func address(ofFileOffset offset: UInt64) -> UInt64? {
        for segment in segments {
            guard offset >= segment.fileOffset, offset - segment.fileOffset < segment.byteCount else { continue }
            return segment.address &+ (offset - segment.fileOffset)
        }
        return nil
    }

    /// The names, as the linker knows them, of the functions that these addresses (in the file's own terms) are in; one
    /// pass over the table for all of them.
    func functions(at addresses: [UInt64]) -> [String?] {
        var found = [Int?](repeating: nil, count: addresses.count)
        for table in tables where sections.indices.contains(table.link) {
            let names = sections[table.link].fileOffset
            for index in 0..<min(table.byteCount, bytes.count) / Self.symbolByteCount {
                guard let offset = place(UInt64(table.fileOffset), index, Self.symbolByteCount),
                    let name: UInt32 = load(offset), let info: UInt8 = load(offset + 4),
                    let start: UInt64 = load(offset + 8), let byteCount: UInt64 = load(offset + 16)
                else { break }
                guard info & 15 == Self.function || info & 15 == Self.indirectFunction else { continue }
                for (position, address) in addresses.enumerated()
                where address >= start && address - start < byteCount {
                    found[position] = names.addingReportingOverflow(Int(name)).partialValue
                }
            }
        }
        return found.map { $0.flatMap(text) }
    }

    private func text(at offset: Int) -> String? {
        guard offset >= 0, offset < bytes.count else { return nil }
        let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        guard let end = rest.firstIndex(of: 0), end > 0 else { return nil }
        return String(decoding: rest[..<end], as: UTF8.self)
    }

    /// Where an entry of a list begins; nil when that is beyond the file.
    private func place(_ start: UInt64, _ index: Int, _ size: Int) -> Int? {
        let (offset, overflow) = Int(clamping: start).addingReportingOverflow(index * size)
        return overflow || offset > bytes.count ? nil : offset
    }

    private func load<Number: FixedWidthInteger>(_ offset: Int) -> Number? {
        guard offset >= 0, offset <= bytes.count - MemoryLayout<Number>.size else { return nil }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }
}
