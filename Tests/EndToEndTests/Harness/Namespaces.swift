import Foundation

/// Two network namespaces that are joined: seeders in one, the run under test in the other. For programs that treat
/// loopback addresses unlike others. Needs root (`Able.networkNamespaces`).
final class Namespaces {
    enum Side { case seeders, client }

    private(set) var seederAddress = "10.213.1.1"
    private(set) var clientAddress = "10.213.1.2"
    private let names: [Side: String]
    private let workspace: Workspace

    init(in workspace: Workspace) throws {
        self.workspace = workspace
        let mark = String(UInt32.random(in: 0...UInt32.max), radix: 16)
        names = [.seeders: "sk-s-\(mark)", .client: "sk-c-\(mark)"]
        for (_, name) in names {
            try ip("netns", "add", name)
            try ip("-n", name, "link", "set", "lo", "up")
        }
        try ip(
            "link", "add", "name", "sk0", "netns", names[.seeders]!, "type", "veth", "peer", "name", "sk0", "netns",
            names[.client]!)
        for (side, address) in [(Side.seeders, seederAddress), (.client, clientAddress)] {
            try ip("-n", names[side]!, "address", "add", "\(address)/24", "dev", "sk0")
            try ip("-n", names[side]!, "link", "set", "sk0", "up")
        }
    }

    deinit {
        for (_, name) in names { try? ip("netns", "del", name) }
    }

    /// Words that start a program inside.
    func inside(_ side: Side) -> [String] { ["ip", "netns", "exec", names[side]!] }

    /// Runs a program inside to its end.
    func run(_ side: Side, _ command: [String]) throws { try workspace.run(inside(side) + command, command[0]) }

    /// Joins the two a second time, by a long way on which packets overtake each other. Ends with the returned server,
    /// whose address is the seeders'.
    /// - Parameter roundTrip: in seconds, on the average; single packets vary by `jitter` more or less.
    func makeLongWay(roundTrip: Double, jitter: Double) throws -> Server {
        try Server(
            inside(.client)
                + Programs.tool(
                    "delay_relay",
                    [
                        "--other", names[.seeders]!, "--addresses", "10.213.2.2", "10.213.2.1", "--delay",
                        String(roundTrip / 2), "--jitter", String(jitter / 2),
                    ]), in: workspace, name: "relay")
    }

    /// From now on the two know each other by IPv6 alone.
    func useIPv6Only() throws {
        for (side, address) in [(Side.seeders, "fd00:213::1"), (.client, "fd00:213::2")] {
            try ip("-n", names[side]!, "address", "flush", "dev", "sk0", "scope", "global")
            try ip("-n", names[side]!, "address", "add", "\(address)/64", "dev", "sk0", "nodad")
        }
        // As our events have them.
        (seederAddress, clientAddress) = ("[fd00:213:0:0:0:0:0:1]", "[fd00:213:0:0:0:0:0:2]")
    }

    /// Takes the link between the two away, or puts it back.
    func setLink(up: Bool) throws { try ip("-n", names[.seeders]!, "link", "set", "sk0", up ? "up" : "down") }

    private func ip(_ arguments: String...) throws { try workspace.run(["ip"] + arguments, "ip") }
}
