import CLinux
import Glibc
import PoolRuntime
import SystemPackage
import Testing

@Suite struct RegionMappingTests {
    @Test func regionCanNeitherShrinkNorGrowNorBeUnsealed() throws {
        let region = try RegionMapping.makeRegion(name: "test", byteCount: 65536)
        #expect(ftruncate(region.rawValue, 4096) == -1 && errno == EPERM)
        #expect(ftruncate(region.rawValue, 1 << 20) == -1 && errno == EPERM)
        var information = stat()
        #expect(fstat(region.rawValue, &information) == 0)
        #expect(information.st_size == 65536)
    }

    /// A piece of a huge page at the end, which stays in small ones.
    @Test(arguments: [65536, 2 << 20, (4 << 20) + 12288]) func allOfARegionIsReserved(byteCount: Int) throws {
        let region = try RegionMapping.makeRegion(name: "test", byteCount: byteCount)
        var information = stat()
        #expect(fstat(region.rawValue, &information) == 0)
        #expect(information.st_size == byteCount)
        #expect(information.st_blocks * 512 >= byteCount)
        let mapping = try RegionMapping(descriptor: region.rawValue, byteCount: byteCount, access: .readWrite)
        #expect(mapping.bytes.allSatisfy { $0 == 0 })
    }

    /// Only there can the kernel map a huge page by one entry of the tables.
    @Test func aLargeRegionLiesAtTheStartOfAHugePage() throws {
        let region = try RegionMapping.makeRegion(name: "test", byteCount: 6 << 20)
        for access in [RegionMapping.Access.readOnly, .readWrite] {
            let mapping = try RegionMapping(descriptor: region.rawValue, byteCount: 6 << 20, access: access)
            #expect(UInt(bitPattern: mapping.base) % (2 << 20) == 0)
        }
    }

    @Test func whatOneMappingWritesTheOtherReads() throws {
        let region = try RegionMapping.makeRegion(name: "test", byteCount: 65536)
        let writer = try RegionMapping(descriptor: region.rawValue, byteCount: 65536, access: .readWrite)
        let reader = try RegionMapping(descriptor: region.rawValue, byteCount: 65536, access: .readOnly)
        writer.base.storeBytes(of: 0xDEAD_BEEF, toByteOffset: 40_000, as: UInt32.self)
        #expect(reader.bytes.load(fromByteOffset: 40_000, as: UInt32.self) == 0xDEAD_BEEF)
    }

    @Test func whoIsToReadItAloneCannotMakeItWritable() throws {
        let region = try RegionMapping.makeRegion(name: "test", byteCount: 65536)
        let shared = try RegionMapping.readOnly(region.rawValue)
        let reader = try RegionMapping(descriptor: shared.rawValue, byteCount: 65536, access: .readOnly)
        #expect(mprotect(reader.base, 65536, PROT_READ | PROT_WRITE) == -1 && errno == EACCES)
        #expect(throws: SystemCallError.self) {
            try RegionMapping(descriptor: shared.rawValue, byteCount: 65536, access: .readWrite)
        }
        // The owner's can: the other way round shows that it is the descriptor that counts.
        let owner = try RegionMapping(descriptor: region.rawValue, byteCount: 65536, access: .readOnly)
        #expect(mprotect(owner.base, 65536, PROT_READ | PROT_WRITE) == 0)
    }

    @Test func sealedBytesComeBackAndCannotBeChanged() throws {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let sealed = try RegionMapping.makeSealed(name: "test", bytes)
        #expect(try RegionMapping.contents(of: sealed.rawValue) == bytes)
        var one: UInt8 = 1
        #expect(pwrite(sealed.rawValue, &one, 1, 0) == -1 && errno == EPERM)
        #expect(throws: SystemCallError.self) {
            try RegionMapping(descriptor: sealed.rawValue, byteCount: bytes.count, access: .readWrite)
        }
    }
}
