import Foundation
import Testing

extension EndToEnd {
    /// Peers of peers (BEP 11), with another client at the other end and no tracker at all.
    @Suite(.enabled(if: Able.libtorrent, Why.libtorrent)) struct PeerExchange {
        let workspace: Workspace
        init() throws { workspace = try Workspace("exchange") }

        @Test func aPeerThatLibtorrentNamesIsFoundAndUsed() throws {
            let torrent = try workspace.makeTorrent(size: "4M")
            let far = try Seeder.libtorrent(torrent, in: workspace)
            let near = try Seeder.libtorrent(
                torrent, in: workspace, ["--peer", far.address, "--upload-limit", "100000"])
            // Nobody can come to us, so we must go.
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--listen-port", "off", "--peer", near.address])
            try run.wait(for: "the peer's peer", within: 30) {
                $0.isA("peer", "connected") && $0.text("address") == far.address
            }
            try run.expectEnd(0)
            torrent.expectComplete(in: run.directory)
        }

        @Test func libtorrentFindsThePeersThatWeName() throws {
            let torrent = try workspace.makeTorrent(size: "8M")
            let seeder = try Seeder.libtorrent(torrent, in: workspace, ["--upload-limit", "100000"])
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            try run.wait(for: "the seeder") { $0.isA("peer", "connected") && $0.text("address") == seeder.address }
            let ours = "127.0.0.1:\(try run.listenPort())"
            let other = try Server(
                Programs.tool("meet_libtorrent", [torrent.file, workspace.path("other"), "--peer", ours]),
                in: workspace, name: "other")
            // Whichever of the two connects: there is nobody else but us.
            try awaiting("the meeting of the two", within: 20) {
                other.process.outputText.split(separator: "\n").count { $0.hasPrefix("met ") } == 2
            }
            run.process.send(SIGINT)
            try run.expectEnd(7)
        }

        /// A seed has nothing to gain by it: it tells all the same.
        @Test func leechersThatKnowOnlyUsFindEachOtherWhileWeSeed() throws {
            let torrent = try workspace.makeTorrent(size: "16M")
            let run = try SupervisorRun(
                workspace, [torrent], ["--no-tracker", "--seed", "--max-upload-limit", "512K"],
                directory: torrent.seedDirectory)
            try run.wait(for: "complete") { $0.kind == "complete" }
            let ours = "127.0.0.1:\(try run.listenPort())"
            let pair = try ["first", "second"].map { name in
                try Server(
                    Programs.tool("meet_libtorrent", [torrent.file, workspace.path(name), "--peer", ours]),
                    in: workspace, name: name)
            }
            func hasMet(_ one: Server, _ other: Server) -> Bool {
                one.process.outputText.contains(
                    "met \(other.address.replacingOccurrences(of: ":", with: " "))\n")
            }
            try awaiting("the meeting of the two") { hasMet(pair[0], pair[1]) || hasMet(pair[1], pair[0]) }
            run.process.send(SIGINT)
            try run.expectEnd(0)
        }

        /// BEP 27, and the user's wish.
        @Test(
            arguments: [(false, [], true), (true, [], false), (false, ["--no-pex"], false)] as [(Bool, [String], Bool)])
        func exchangeIsAnnouncedWhereItIsAllowedOnly(
            _ isPrivate: Bool, _ arguments: [String], _ expected: Bool
        ) throws {
            let torrent = try workspace.makeTorrent(size: "1M", isPrivate: isPrivate)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker"] + arguments)
            _ = try run.worker("peer", 1)
            let ours = "127.0.0.1:\(try run.listenPort())"
            let names = try workspace.run(
                Programs.tool("ask_extensions", [ours, torrent.infoHash]), "ask-\(workspace.nextNumber())")
            #expect(names.contains("ut_pex") == expected)
            run.process.send(SIGINT)
            try run.expectEnd(7)
        }

        /// The client's own name comes with its extension handshake; where that is late, it is told later.
        @Test func whoComesIsKnownByItsOwnName() throws {
            let torrent = try workspace.makeTorrent(size: "2M")
            let seeder = try Seeder.libtorrent(torrent, in: workspace)
            let run = try SupervisorRun(workspace, [torrent], ["--no-tracker", "--peer", seeder.address])
            let named = try run.wait(for: "the peer's name") {
                ($0.isA("peer", "connected") || $0.isA("peer", "named")) && $0.text("text")?.isEmpty == false
            }
            #expect(named.text("text")?.contains("libtorrent") == true)
            try run.expectEnd(0)
        }
    }
}
