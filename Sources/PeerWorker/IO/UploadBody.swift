import PoolRuntime

/// Adjacent bytes of a file that are to be sent, or zeros of a pad file.
struct FilePart {
    /// nil: zeros.
    let file: OwnedDescriptor?
    /// Bytes before the part in its file.
    let offset: UInt64
    /// Bytes; > 0.
    let byteCount: Int
}

/// Where the bytes of one answer lie. Nearly always in one file, so one part needs no list.
struct UploadBody {
    let first: FilePart
    /// The others, in order.
    var others: [FilePart] = []

    var partCount: Int { 1 + others.count }
    subscript(index: Int) -> FilePart { index == 0 ? first : others[index - 1] }
}
