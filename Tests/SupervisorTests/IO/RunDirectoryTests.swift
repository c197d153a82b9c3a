import Foundation
import Glibc
import Testing

@testable import Supervisor

@Suite struct RunDirectoryTests {
    private let base: URL
    private var environment: [String: String] { ["TMPDIR": base.path] }
    private var ours: String { base.appending(path: "swarmkeeper-\(getuid())").path }

    init() throws {
        base = FileManager.default.temporaryDirectory.appending(path: "run-directories-\(UUID())")
        try FileManager.default.createDirectory(at: base, withIntermediateDirectories: true)
    }

    /// Each start sweeps what it takes for dead while the others are half-way.
    @Test func manyStartsAtOnceLeaveOneAnotherAlone() async throws {
        let environment = environment
        let failures = await withTaskGroup(of: [String].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (0..<100).compactMap { _ -> String? in
                        do {
                            let directory = try RunDirectory(environment: environment)
                            return access("\(directory.path)/lock", F_OK) == 0 ? nil : "\(directory.path) was swept"
                        } catch { return "\(error)" }
                    }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(failures.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: ours).isEmpty)
        try FileManager.default.removeItem(at: base)
    }

    @Test func aDeadRunsDirectoryIsSweptAndALivingOnesIsNot() throws {
        let living = try RunDirectory(environment: environment)
        for name in ["run-dead00", "run-half00", "new-young0", "new-old000"] {
            try FileManager.default.createDirectory(atPath: "\(ours)/\(name)", withIntermediateDirectories: false)
            guard name == "run-dead00" else { continue }
            #expect(FileManager.default.createFile(atPath: "\(ours)/\(name)/lock", contents: nil))
        }
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -3600)], ofItemAtPath: "\(ours)/new-old000")
        try withExtendedLifetime((living, try RunDirectory(environment: environment))) { first, second in
            let names = try FileManager.default.contentsOfDirectory(atPath: ours)
            #expect(
                Set(names) == Set(["new-young0"] + [first, second].map { String($0.path.dropFirst(ours.count + 1)) }))
        }
        try FileManager.default.removeItem(at: base)
    }
}
