import BitTorrent
import TestSupport
import Testing

@Suite struct SessionFuzzTests {
    private static let seed = UInt64.random(in: 0...UInt64.max)

    /// Whatever a peer says in whatever order: nothing crashes, a requested block is settled exactly once, the window
    /// holds, and nothing follows a close.
    @Test func everyRequestedBlockIsSettledExactlyOnce() {
        var random = SeededGenerator(seed: Self.seed)
        for round in 0..<300 {
            let extensions: Handshake.Extensions = Bool.random(using: &random) ? .ours : .extensionProtocol
            var talk = SessionConversation.unchoked(extensions)
            var awaited: Set<BlockAddress> = []
            let comment = Comment(rawValue: "seed \(Self.seed), round \(round)")
            for _ in 0..<400 {
                let block = BlockAddress.at(
                    Int.random(in: 0..<20, using: &random), Int.random(in: 0..<2, using: &random))
                let wasOpen = talk.session.isOpen
                var actions: [SessionAction] = []
                switch Int.random(in: 0..<10, using: &random) {
                case 0...3:
                    actions = talk.request(block)
                    if !actions.isEmpty { #expect(awaited.insert(block).inserted, comment) }
                case 4, 5:
                    let (verdict, found) = talk.deliver(block)
                    actions = found
                    if verdict == .take(block) { #expect(awaited.remove(block) != nil, comment) }
                case 6:
                    actions = talk.cancel(block)
                    awaited.remove(block)
                case 7: actions = talk.pass(.milliseconds(Int.random(in: 0...4000, using: &random)))
                default: actions = talk.hear(Self.message(block, talk, &random))
                }
                for returned in actions.returned { #expect(awaited.remove(returned) != nil, comment) }
                #expect(talk.session.awaitedCount == awaited.count, comment)
                #expect(awaited.count <= 250, comment)
                if !wasOpen { #expect(actions.isEmpty, comment) }
                if case .close = actions.last { #expect(awaited.isEmpty, comment) }
                if actions.dropLast().contains(where: { if case .close = $0 { true } else { false } }) {
                    Issue.record("a close that is not the last action; \(comment)")
                }
            }
        }
    }

    private static func message(
        _ block: BlockAddress, _ talk: SessionConversation, _ random: inout SeededGenerator
    ) -> PeerMessage {
        switch Int.random(in: 0..<14, using: &random) {
        case 0...2: .choke
        case 3...6: .unchoke
        case 7: .rejectRequest(talk.span(block))
        case 8: .have(block.piece.rawValue)
        case 9: .allowedFast(block.piece.rawValue)
        case 10: .request(talk.span(block))
        case 11: .interested
        case 12: .extended(id: 0, payload: Array("d4:reqqi\(Int.random(in: 1...250, using: &random))ee".utf8))
        default: .suggestPiece(UInt32.random(in: 0...20, using: &random))
        }
    }
}
