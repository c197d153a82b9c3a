import CLinux
import Glibc

/// Reads a small file whole, whatever its name leads to: never blocks on a pipe, never reads a device, never more than
/// a limit.
enum RegularFile {
    enum Failure: Error, Equatable {
        /// An errno.
        case system(CInt)
        case directory
        /// A pipe, a socket, a device.
        case special
        case tooLarge
    }

    static func read(_ path: UserPath, limit: Int) throws(Failure) -> [UInt8] {
        let descriptor = path.withCString { clinux_open($0, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0) }
        guard descriptor >= 0 else { throw .system(-descriptor) }
        defer { close(descriptor) }
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw .system(errno) }
        switch information.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw .directory
        default: throw .special
        }
        guard information.st_size <= limit else { throw .tooLarge }
        return try read(descriptor, expected: Int(information.st_size), limit: limit)
    }

    /// The size is a hint: the file may grow meanwhile, and those of `/proc` claim to be empty.
    private static func read(_ descriptor: CInt, expected: Int, limit: Int) throws(Failure) -> [UInt8] {
        var capacity = expected + 1
        var bytes: [UInt8] = []
        while true {
            var failure: CInt = 0
            let start = bytes.count
            let chunk = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                while count < capacity {
                    let step = Glibc.read(descriptor, buffer.baseAddress! + count, capacity - count)
                    if step > 0 { count += step }
                    if step == 0 { break }
                    if step < 0 && errno != EINTR {
                        failure = errno
                        break
                    }
                }
            }
            guard failure == 0 else { throw .system(failure) }
            if start == 0 { bytes = chunk } else { bytes += chunk }
            guard bytes.count <= limit else { throw .tooLarge }
            if chunk.count < capacity { return bytes }
            capacity = 64 << 10
        }
    }
}
