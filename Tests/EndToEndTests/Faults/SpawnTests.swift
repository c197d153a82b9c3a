import Foundation
import Glibc
import Testing

extension EndToEnd {
    /// Workers that cannot be started or never come to life: rows R6 and R45 of docs/faults.md.
    @Suite(.enabled(if: Able.leanSeeder, Why.lean)) struct Spawning {
        let workspace: Workspace
        let torrent: Torrent
        let seeder: Seeder
        init() throws {
            workspace = try Workspace("spawn")
            torrent = try workspace.makeTorrent(size: "8M", pieceLength: "64K")
            seeder = try Seeder.lean(torrent, in: workspace, rate: 8 << 20)
        }

        /// The programs in a directory of their own.
        private func copyPrograms() throws -> String {
            let folder = workspace.path("bin")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for program in Programs.ofRun {
                try FileManager.default.copyItem(
                    atPath: "\(Programs.directory)/\(program)", toPath: "\(folder)/\(program)")
            }
            return folder
        }

        @Test(arguments: ["peer", "hash", "writer"]) func aRoleThatCannotLiveIsNamedWithItsReason(role: String) throws {
            let reason = "the moon is in the wrong house"
            try workspace.write(Data("#!/bin/sh\necho '\(reason)' >&2\nexit 3\n".utf8), to: "wrapper")
            chmod(workspace.path("wrapper"), 0o755)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--peer", seeder.address, "--worker-wrap", "\(role)=\(workspace.path("wrapper"))"])
            try run.expectEnd(40, within: 20)
            #expect(run.process.errorText.contains("exit code 3: \(reason)"))
            run.expectSound(torrent, refetched: 0)
            let attempts = run.events.count { $0.isA("worker", "dead") && $0.count("status") == 3 }
            #expect(attempts >= 5 && attempts <= 10, "no retry storm")
        }

        @Test func aProgramThatIsNotThereIsNamed() throws {
            let programs = try copyPrograms()
            unlink("\(programs)/hash-worker")
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker"], program: "\(programs)/supervisor")
            try run.expectEnd(40, within: 20)
            #expect(run.process.errorText.contains("\(programs)/hash-worker: posix_spawn: No such file or directory"))
        }

        /// Deleted under a running download, as an upgrade does: what runs goes on, and a death is survived once the new
        /// program is there.
        @Test func aProgramThatIsReplacedUnderARunIsUsedByTheNextProcess() throws {
            let programs = try copyPrograms()
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--peer", seeder.address],
                program: "\(programs)/supervisor")
            try run.wait(forPieces: 20)
            rename("\(programs)/hash-worker", "\(programs)/hash-worker.old")
            let victim = try run.worker("hash")
            kill(victim, SIGKILL)
            try run.wait(for: "the complaint") {
                $0.kind == "warning" && $0.text("message")?.contains("cannot be started") ?? false
            }
            rename("\(programs)/hash-worker.old", "\(programs)/hash-worker")
            try run.expectWhole(torrent, refetched: 0)
        }

        /// The others do its work.
        @Test func oneOfSeveralPlacesMayStayEmpty() throws {
            let wrapper = workspace.path("wrapper")
            try workspace.write(
                Data("#!/bin/sh\ncase \"$2\" in [ph]1*) exit 3;; esac\nexec \"$@\"\n".utf8), to: "wrapper")
            chmod(wrapper, 0o755)
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--peer", seeder.address, "--worker-wrap", "peer=\(wrapper)", "--hash-workers", "2"]
                    + ["--worker-wrap", "hash=\(wrapper)"])
            try run.expectWhole(torrent, refetched: 0, within: 30)
            #expect(run.process.errorText.contains("p1 died 5 times in a row and is given up"))
            #expect(run.process.errorText.contains("h1 died 5 times in a row and is given up"))
        }

        @Test(.enabled(if: Able.setpriv, "needs root and setpriv"))
        func tooManyProcessesOfOneUserAreNoCrash() throws {
            for folder in ["out", "state", "open"] {
                try FileManager.default.createDirectory(
                    atPath: workspace.path(folder), withIntermediateDirectories: true)
            }
            let user = "63123"
            for folder in ["out", "state", "runtime", "home", "open"] { chown(workspace.path(folder), 63123, 63123) }
            let run = try SupervisorRun(
                workspace, [torrent],
                [
                    "--no-tracker", "--peer", seeder.address, "--workers", "6",
                    "--events", workspace.path("open/events"),
                ],
                before: [
                    "setpriv", "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "prlimit", "--nproc=16",
                ])
            let ending = try run.process.wait(within: 30)
            run.expectNothingLeft()
            let said = run.process.errorText
            #expect(ending == .exited(0) || ending == .exited(40) && said.contains("Resource temporarily unavailable"))
        }
    }
}
