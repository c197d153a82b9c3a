import BitTorrent
import Foundation
import Testing

extension EndToEnd {
    /// Some files of a torrent only.
    @Suite(.enabled(if: Able.libtorrent, Why.libtorrent)) struct Selection {
        let workspace: Workspace
        let torrent: Torrent
        let seeder: Seeder
        init() throws {
            workspace = try Workspace()
            torrent = try workspace.makeTorrent("payload", .many, size: "12M")
            seeder = try Seeder.libtorrent(torrent, in: workspace)
        }

        private func download(_ selection: String?) throws -> SupervisorRun {
            let run = try SupervisorRun(
                workspace, [torrent],
                ["--no-tracker", "--peer", seeder.address] + (selection.map { ["--select-file", $0] } ?? []))
            try run.expectEnd(0)
            return run
        }

        /// The numbers are those of `--show-files`; the files are named a, b/deep, b/one, b/two, c, z.
        private func expectFiles(
            _ names: [String], hidden: Int, sourceLocation: SourceLocation = #_sourceLocation
        ) {
            let found = Torrent.files(below: workspace.path("out"))
            let visible = found.filter { !$0.contains("/.") && !$0.hasPrefix(".") }
            #expect(visible == names.map { "payload/\($0)" }.sorted(), sourceLocation: sourceLocation)
            #expect(found.count - visible.count == hidden, "\(found)", sourceLocation: sourceLocation)
            for name in visible {
                #expect(
                    FileManager.default.contentsEqual(
                        atPath: "\(torrent.seedDirectory)/\(name)", andPath: workspace.path("out/\(name)")),
                    "\(name) differs", sourceLocation: sourceLocation)
            }
        }

        @Test func unselectedFilesAreAbsentAndTheirBytesAreInOneHiddenFile() throws {
            let run = try download("3,5")
            expectFiles(["b/one.bin", "c d ü.bin"], hidden: 1)
            let wanted = [2, 4].map { torrent.metainfo.files[$0].length }.reduce(0, +)
            #expect(run.downloadedByteCount <= Int(wanted) + 4 * torrent.pieceByteCount)
            #expect(run.downloadedByteCount < torrent.byteCount / 2)
        }

        @Test func selectingEverythingLaterCompletesWithoutFetchingTwice() throws {
            let first = try download("2-3,6")
            expectFiles(["b/deep/er/est.bin", "b/one.bin", "z.bin"], hidden: 1)
            let second = try download(nil)
            torrent.expectComplete(in: second.directory)
            // Boundary pieces may have moved into the files that are selected now; nothing else is fetched again.
            let again = Set(second.pieces("granted")).intersection(first.pieces("written"))
            #expect(again.isEmpty)
        }

        /// The hidden file is gone: what it held is named, and fetched again.
        @Test func bytesThatCannotBeCarriedOverAreNamed() throws {
            _ = try download("2-3,6")
            let directory = workspace.path("out")
            let hidden = try #require(
                try FileManager.default.contentsOfDirectory(atPath: directory).first { $0.hasSuffix(".parts") })
            try FileManager.default.removeItem(atPath: "\(directory)/\(hidden)")
            let second = try download(nil)
            torrent.expectComplete(in: second.directory)
            let warnings = second.events.filter { $0.kind == "warning" }.compactMap { $0.text("message") }
            #expect(warnings.contains { $0.hasPrefix(hidden) && $0.contains("fetched again") }, "\(warnings)")
        }

        @Test func selectingLessLaterKeepsWhatIsThere() throws {
            _ = try download("1,2")
            let second = try download("2")
            #expect(second.pieces("granted").isEmpty)
            for name in ["a.bin", "b/deep/er/est.bin"] {
                #expect(
                    FileManager.default.contentsEqual(
                        atPath: "\(torrent.seedDirectory)/payload/\(name)",
                        andPath: workspace.path("out/payload/\(name)")))
            }
        }

        @Test func theNumbersAreThoseOfTheListOfFiles() throws {
            let listing = try workspace.supervisor(["--show-files", torrent.file])
            #expect(listing.ending == .exited(0))
            let lines = listing.outputText.split(separator: "\n").filter { $0.contains(".bin") }
            #expect(lines.count == 6)
            #expect(lines.first { $0.contains("b/one.bin") }?.split(separator: " ").first == "3")
            #expect(Torrent.files(below: workspace.path("out")).isEmpty)
        }

        @Test(arguments: ["0", "7", "1-9", "x", "3-1", ""])
        func aSelectionThatNamesNoFileIsRefused(selection: String) throws {
            let run = try workspace.supervisor(
                ["--dir", workspace.path("out"), "--select-file", selection, torrent.file])
            #expect(run.ending == .exited(28), "\(run.errorText)")
            #expect(run.errorText.contains("select-file"))
            #expect(Torrent.files(below: workspace.path("out")).isEmpty)
        }
    }
}
