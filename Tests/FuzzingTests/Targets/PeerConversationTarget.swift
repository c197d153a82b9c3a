import BitTorrent
import TestSupport

/// A peer's session from the first byte to the last. An input is a script of both sides: what the peer sends, cut
/// anyhow, and what our side wishes, in any order; time passes in between.
enum PeerConversationTarget: FuzzTarget {
    static let name = "peer-session"

    static var seeds: [[UInt8]] {
        func peer(_ messages: [PeerMessage]) -> [UInt8] {
            var bytes: [UInt8] = []
            for message in messages { PeerMessageEncoder.append(message, to: &bytes) }
            return [0] + Script.run(bytes)
        }
        var block: [UInt8] = []
        PeerMessageEncoder.appendPieceHeader(BlockSpan(index: 0, begin: 16384, byteCount: 100), to: &block)
        block += [UInt8](repeating: 5, count: 100)
        let answered = [0] + Script.run(block)
        let hello = [0] + Script.run(PeerStreamTarget.handshake)
        let opened = [0] + hello + peer([.haveAll, .unchoke, .interested])
        let everything = peer(PeerStreamTarget.messages)
        let requests: [UInt8] = [1, 0, 1, 1, 1, 2]
        let exchange = PeerExchangeMessage(
            added: [.init(PeerAddress(v4: 0x0102_0304, port: 5))], dropped: [PeerAddress(v4: 0x0102_0305, port: 5)])
        return [
            opened + requests + answered + [2, 0, 4, 200, 7, 0, 5, 4, 250, 4, 250],
            opened + [5] + peer([.request(BlockSpan(index: 12, begin: 0, byteCount: 64))]) + [6, 8, 9, 3, 3],
            [1] + hello + peer([.bitfield([0xFF, 0xF0]), .unchoke]) + requests + peer([.choke]) + [4, 255],
            [2] + hello + everything,
            // Asked for, cancelled, and asked for again while it comes.
            opened + [1, 1, 2, 1, 0] + Script.run(Array(block.prefix(40))) + [1, 1, 0]
                + Script.run(Array(block.dropFirst(40))) + answered,
            opened + peer([.extended(id: 1, payload: exchange.payload)]) + requests
                + peer([.rejectRequest(BlockSpan(index: 0, begin: 0, byteCount: 64)), .choke]) + requests,
        ]
    }

    static func run(_ input: [UInt8]) throws {
        var script = Script(input)
        var talk = try PeerConversation(flags: script.byte())
        while !script.isAtEnd, !talk.isOver {
            switch script.byte() % 12 {
            case 0: try talk.receive(script.run())
            case 1: try talk.request(script.byte())
            case 2: try talk.cancel(script.byte())
            case 3: try talk.answerNext(refusing: false)
            case 4: try talk.pass(.milliseconds(40 * Int(script.byte())))
            case 5: try talk.setChoking(false)
            case 6: try talk.answerNext(refusing: true)
            case 7: try talk.pieceBecameOurs(script.byte())
            case 8: try talk.setChoking(true)
            case 9: try talk.probe()
            case 10: try talk.receive([UInt8](repeating: script.byte(), count: Int(script.byte())))
            default: try talk.sendExtended()
            }
        }
        try talk.end()
    }
}
