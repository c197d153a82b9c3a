import Foundation
import TestSupport
import Testing

/// What `scripts/fuzz` does for minutes, for a moment, without a fuzzer: everything that it ever found, every seed, and some
/// thousand changes of them.
@Suite struct FuzzingTests {
    static let names = FuzzTargets.all.map { $0.name }

    private func target(_ name: String) -> any FuzzTarget.Type { FuzzTargets.all.first { $0.name == name }! }

    /// A file of `Found/TARGET` is an input that once broke a promise or the program.
    @Test(arguments: names) func whatWasFoundOnceKeepsItsPromises(name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Found/\(name)")
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        for file in files {
            print(file.lastPathComponent)
            try target(name).run(Array(Data(contentsOf: file)))
        }
    }

    @Test(arguments: names) func seedsAndTheirChangesKeepThePromises(name: String) throws {
        let target = target(name)
        let seeds = target.seeds
        try #require(!seeds.isEmpty)
        for seed in seeds { try target.run(seed) }
        var generator = SeededGenerator.printing("seedsAndTheirChanges \(name)")
        for _ in 0..<2000 {
            let seed = seeds.randomElement(using: &generator)!
            try target.run(Mutations.mutated(seed, others: seeds, using: &generator))
        }
    }

    @Test func everyFolderOfFoundCasesBelongsToATarget() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Found")
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        #expect(Set(folders.filter { !$0.hasPrefix(".") }).isSubset(of: Self.names))
    }
}
