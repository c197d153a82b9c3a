/// What keeps a connection from answering its peer's next request.
enum UploadWait: Equatable {
    /// Nothing, or there is no request.
    case nothing
    /// The kernel takes no more bytes.
    case kernel
    /// A file comes from the supervisor.
    case file
    /// Bytes are being read into the page cache.
    case disk
}
