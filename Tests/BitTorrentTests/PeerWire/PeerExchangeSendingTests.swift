import BitTorrent
import TestSupport
import Testing

/// What one peer is told of the others.
@Suite struct PeerExchangeSendingTests {
    typealias Contact = PeerExchangeMessage.Contact

    private struct Talk {
        var clock = FakeClock()
        var members = SwarmMembers()
        var sending: PeerExchangeSending
        init() { sending = PeerExchangeSending(now: clock.now) }

        mutating func arrive(_ numbers: Range<Int>) {
            for number in numbers { members.arrived(Contact(PeerExchangeMessageTests.address(number))) }
        }
        mutating func depart(_ numbers: Range<Int>) {
            for number in numbers { members.departed(PeerExchangeMessageTests.address(number)) }
        }
        /// After a while: who is added and who is dropped, by number.
        mutating func pass(_ duration: Duration, unwanted: Int? = nil) -> (added: [Int], dropped: [Int])? {
            clock.advance(by: duration)
            let message = sending.message(members, now: clock.now) {
                $0 != unwanted.map { PeerExchangeMessageTests.address($0) }
            }
            func number(_ address: PeerAddress) -> Int { Int((address.v4! - 0x0100_0001) >> 8) }
            return message.map { ($0.added.map { number($0.address) }, $0.dropped.map(number)) }
        }
    }

    @Test func theFirstMessageComesSoonAndTellsOfAll() {
        var talk = Talk()
        talk.arrive(1..<4)
        #expect(talk.pass(.seconds(2)) == nil)
        let first = talk.pass(.seconds(1))
        #expect(first?.added == [1, 2, 3] && first?.dropped == [])
    }

    @Test func nothingIsSaidWhileThereIsNothingToSay() {
        var talk = Talk()
        #expect(talk.pass(.seconds(100)) == nil)
        talk.arrive(1..<2)
        #expect(talk.pass(.zero)?.added == [1], "the first waits for nothing else")
        #expect(talk.pass(.seconds(1000)) == nil)
    }

    @Test func changesComeOnceAMinute() {
        var talk = Talk()
        talk.arrive(1..<4)
        _ = talk.pass(.seconds(3))
        talk.arrive(4..<5)
        talk.depart(2..<3)
        #expect(talk.pass(.seconds(59)) == nil)
        let second = talk.pass(.seconds(1))
        #expect(second?.added == [4] && second?.dropped == [2])
    }

    @Test func whoCameAndWentBetweenIsNotMentioned() {
        var talk = Talk()
        talk.arrive(1..<2)
        _ = talk.pass(.seconds(3))
        talk.arrive(2..<3)
        talk.depart(2..<3)
        #expect(talk.pass(.seconds(60)) == nil)
    }

    @Test func whoLeftAndCameBackIsDroppedFirstAndAddedInTheNextMessage() {
        var talk = Talk()
        talk.arrive(1..<2)
        _ = talk.pass(.seconds(3))
        talk.depart(1..<2)
        talk.arrive(1..<2)
        let second = talk.pass(.seconds(60))
        #expect(second?.added == [] && second?.dropped == [1])
        #expect(talk.pass(.seconds(60))?.added == [1])
    }

    @Test func aMessageHoldsFiftyAndTheFirstAHundred() {
        var talk = Talk()
        talk.arrive(0..<260)
        #expect(talk.pass(.seconds(3))?.added == Array(0..<100))
        #expect(talk.pass(.seconds(60))?.added == Array(100..<150))
        talk.depart(0..<140)
        let third = talk.pass(.seconds(60))
        #expect(third?.added == [] && third?.dropped == Array(0..<50))
        #expect(talk.pass(.seconds(60))?.dropped == Array(50..<100))
        let fifth = talk.pass(.seconds(60))
        #expect(fifth?.dropped == Array(100..<140) && fifth?.added == Array(150..<200))
    }

    @Test func thePeerIsNotToldOfItself() {
        var talk = Talk()
        talk.arrive(1..<3)
        #expect(talk.pass(.seconds(3), unwanted: 2)?.added == [1])
        talk.depart(2..<3)
        #expect(talk.pass(.seconds(60), unwanted: 2) == nil)
    }

    /// Whatever happens: nobody is added twice or dropped unadded, the limits hold, and when all is quiet the peer knows
    /// exactly who is there.
    @Test func thePeersPictureBecomesTheSwarm() {
        var random = TestSupport.SeededGenerator.printing()
        for _ in 0..<40 {
            var talk = Talk()
            var present: Set<Int> = [], told: Set<Int> = []
            var isFirst = true
            func hear(_ message: (added: [Int], dropped: [Int])?) {
                guard let message else { return }
                #expect(message.added.count <= (isFirst ? 100 : 50) && message.dropped.count <= 50)
                isFirst = false
                #expect(told.isDisjoint(with: message.added) && told.isSuperset(of: message.dropped))
                #expect(Set(message.added).count == message.added.count)
                #expect(Set(message.added).isDisjoint(with: message.dropped))
                told.subtract(message.dropped)
                told.formUnion(message.added)
            }
            for _ in 0..<60 {
                for _ in 0..<Int.random(in: 0..<120, using: &random) {
                    let number = Int.random(in: 0..<200, using: &random)
                    if random.oneIn(2) {
                        talk.arrive(number..<number + 1)
                        present.insert(number)
                    } else {
                        talk.depart(number..<number + 1)
                        present.remove(number)
                    }
                }
                hear(talk.pass(.seconds(Int64.random(in: 1...90, using: &random)), unwanted: 7))
            }
            for _ in 0..<12 { hear(talk.pass(.seconds(60), unwanted: 7)) }
            #expect(told == present.subtracting([7]))
        }
    }

    @Test func theStoryOfALongSwarmStaysShort() {
        var members = SwarmMembers()
        for round in 0..<50 {
            for number in 0..<1000 { members.arrived(Contact(PeerExchangeMessageTests.address(number))) }
            for number in 0..<1000 where number % 10 != round % 10 {
                members.departed(PeerExchangeMessageTests.address(number))
            }
        }
        #expect(members.count == 100)
        var sending = PeerExchangeSending(now: FakeClock().now)
        let message = sending.message(members, now: FakeClock().now + .seconds(3)) { _ in true }
        #expect(message?.added.count == 100 && message?.dropped == [])
    }
}
