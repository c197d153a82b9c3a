import CLinux
import Glibc

/// Owns one mapping of a shared region. Never says what lies where: `IntakeGeometry` and `AssemblyGeometry` do.
package final class RegionMapping {
    package enum Access { case readOnly, readWrite }

    package let byteCount: Int
    package let base: UnsafeMutableRawPointer

    /// Maps `byteCount` bytes of a region's memfd; the descriptor may be closed afterwards.
    package init(descriptor: CInt, byteCount: Int, access: Access) throws(SystemCallError) {
        let protection = access == .readOnly ? PROT_READ : PROT_READ | PROT_WRITE
        guard let base = clinux_map_region(descriptor, byteCount, protection), base != MAP_FAILED else {
            throw SystemCallError("mmap", errno, subject: "region of \(byteCount) bytes")
        }
        self.base = base
        self.byteCount = byteCount
    }

    deinit { munmap(base, byteCount) }

    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }

    /// Makes the memfd of a region, its size sealed and its memory reserved.
    package static func makeRegion(name: String, byteCount: Int) throws(SystemCallError) -> OwnedDescriptor {
        OwnedDescriptor(
            try checked(
                "memfd_create", subject: "\(name), \(byteCount) bytes", clinux_memfd_region(name, UInt64(byteCount))))
    }

    /// The memory of a region for those who only read it: what this descriptor maps can never be made writable.
    package static func readOnly(_ region: CInt) throws(SystemCallError) -> OwnedDescriptor {
        let path = "/proc/self/fd/\(region)"
        return OwnedDescriptor(try checked("open", subject: path, clinux_open(path, O_RDONLY, 0)))
    }

    /// Makes a memfd that holds `bytes` and can never change.
    package static func makeSealed(name: String, _ bytes: [UInt8]) throws(SystemCallError) -> OwnedDescriptor {
        OwnedDescriptor(
            try checked("memfd_create", subject: name, clinux_memfd_sealed(name, bytes, bytes.count)))
    }

    /// The bytes of a memfd that nobody changes any more, such as a sealed one that another process handed over.
    package static func contents(of descriptor: CInt) throws(SystemCallError) -> [UInt8] {
        // Not `fstat`, which a locked-down worker does not have: the C library makes it a call that takes any path.
        let byteCount = lseek(descriptor, 0, SEEK_END)
        guard byteCount >= 0 else { throw SystemCallError("lseek", errno) }
        guard byteCount > 0 else { return [] }
        var error: CInt = 0
        // Not a shared mapping, which kernels before 6.7 refuse for memory that is sealed against writes.
        let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            while count < byteCount {
                let read = pread(descriptor, buffer.baseAddress! + count, byteCount - count, count)
                guard read > 0 else {
                    error = read == 0 ? ENODATA : errno
                    return
                }
                count += read
            }
        }
        guard error == 0 else { throw SystemCallError("pread", error) }
        return bytes
    }
}
