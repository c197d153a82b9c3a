import BitTorrent
import Testing

/// Addresses, ids and moments that the tests of this folder share.
enum SwarmFixture {
    static let ownID = PeerID(Array("-SK0100-ourselves123".utf8))
    static let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    /// Each number is an address in a network of its own.
    static func address(_ number: Int, port: UInt16 = 6881) -> PeerAddress {
        PeerAddress(v4: 0x0100_0001 + UInt32(number) << 8, port: port)
    }
    static func id(_ number: Int) -> PeerID {
        PeerID((0..<20).map { UInt8(truncatingIfNeeded: number >> ($0 % 4 * 8)) ^ 0x55 })
    }
    static func peers(_ limits: KnownPeers.Limits = KnownPeers.Limits()) -> KnownPeers {
        KnownPeers(ownID: ownID, ownAddresses: [PeerAddress(v4: 0x7F00_0001, port: 7000)], limits: limits, now: start)
    }
}

@Suite struct KnownPeersTests {
    typealias Fixture = SwarmFixture
    let start = SwarmFixture.start

    /// Tries an address, in vain, for as long as it is offered.
    func attemptsUntilGivenUp(
        _ address: PeerAddress, _ peers: inout KnownPeers, _ random: inout SeedPrintingGenerator
    ) -> Int {
        var due: MonotonicInstant? = start
        var attempts = 0
        while let now = due, attempts < 20, peers.hopefulCount > 0 {
            #expect(peers.candidates(now: now, limit: 10) == [address])
            #expect(peers.connecting(address, worker: 0, now: now) == true)
            peers.closed(address, worker: 0, .failed, now: now, using: &random)
            attempts += 1
            due = peers.nextDeadline(now: now)
        }
        return attempts
    }

    @Test(arguments: [
        PeerAddress(v4: 0x0A00_0001, port: 0),
        PeerAddress(v4: 0, port: 6881),
        PeerAddress(v4: 0xE000_0001, port: 6881),
        PeerAddress(v4: 0xFFFF_FFFF, port: 6881),
        PeerAddress(v4: 0x7F00_0001, port: 7000),
        PeerAddress(v6High: 0, v6Low: 0xFFFF_7F00_0001, port: 7000),
        PeerAddress(v6High: 0, v6Low: 0, port: 6881),
        PeerAddress(v6High: 0xFF02 << 48, v6Low: 1, port: 6881),
        PeerAddress(v6High: 0xFE80 << 48, v6Low: 1, port: 6881),
    ]) func addressThatCanBeNoPeerIsFiltered(_ address: PeerAddress) {
        var peers = Fixture.peers()
        #expect(peers.learned(address, from: .tracker, now: start) == false)
        #expect(peers.knownCount == 0)
    }

    @Test(arguments: [
        PeerAddress(v4: 0x0A00_0001, port: 53), PeerAddress(v4: 0x0A00_0001, port: 1),
        PeerAddress(v4: 0x7F00_0001, port: 6881), PeerAddress(v6High: 0x2001_0DB8 << 32, v6Low: 1, port: 80),
        PeerAddress(v6High: 0, v6Low: 1, port: 6881),
    ]) func lowPortsAndLoopbackAreUsed(_ address: PeerAddress) {
        var peers = Fixture.peers()
        #expect(peers.learned(address, from: .tracker, now: start) == true)
        #expect(peers.candidates(now: start, limit: 5) == [address])
    }

    @Test func duplicatesAreKnownOnce() {
        var peers = Fixture.peers()
        #expect(peers.learned(PeerAddress(v4: 0x0A00_0001, port: 5), from: .tracker, now: start) == true)
        #expect(peers.learned(PeerAddress(v4: 0x0A00_0001, port: 5), from: .peerExchange, now: start) == false)
        let mapped = PeerAddress(v6High: 0, v6Low: 0xFFFF_0A00_0001, port: 5)
        #expect(peers.learned(mapped, from: .tracker, now: start) == false)
        #expect(peers.knownCount == 1)
        peers.checkInvariants()
    }

    @Test func failuresBackOffAndTheFifthGivesUp() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        let address = Fixture.address(1)
        peers.learned(address, from: .tracker, now: start)
        var now = start
        for failures in 1...4 {
            #expect(peers.candidates(now: now, limit: 1) == [address])
            #expect(peers.connecting(address, worker: 2, now: now) == true)
            #expect(peers.candidates(now: now, limit: 1).isEmpty)
            peers.closed(address, worker: 2, .failed, now: now, using: &random)
            let due = peers.nextDeadline(now: now)!
            let exact = 10.0 * Double(1 << (failures - 1))
            #expect((exact * 0.75...exact * 1.25).contains((due - now).inSeconds))
            #expect(peers.candidates(now: now + .seconds(exact * 0.74), limit: 1).isEmpty)
            now = due
        }
        #expect(peers.connecting(address, worker: 2, now: now) == true)
        #expect(!peers.nobodyLeft(now: now))
        peers.closed(address, worker: 2, .failed, now: now, using: &random)
        #expect(peers.candidates(now: now + .seconds(100_000), limit: 1).isEmpty)
        #expect(peers.nobodyLeft(now: now + .seconds(60)))
        peers.checkInvariants()
    }

    @Test func givenUpAddressGetsASecondChanceWhenItIsNamedMuchLater() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        let address = Fixture.address(1)
        peers.learned(address, from: .tracker, now: start)
        #expect(attemptsUntilGivenUp(address, &peers, &random) == 5)
        let soon = start + .seconds(1000), late = start + .seconds(10_000)
        #expect(peers.learned(address, from: .tracker, now: soon) == false)
        #expect(peers.learned(address, from: .tracker, now: late) == true)
        #expect(!peers.nobodyLeft(now: late))
        #expect(peers.candidates(now: late, limit: 1) == [address])
        #expect(peers.connecting(address, worker: 0, now: late) == true)
        peers.closed(address, worker: 0, .failed, now: late, using: &random)
        #expect(peers.nobodyLeft(now: late))
        peers.checkInvariants()
    }

    @Test func backOffGrowsToTenMinutes() {
        var random = SeedPrintingGenerator()
        for _ in 0..<100 {
            let delays = [1, 2, 6, 7, 30, 1000].map {
                ReconnectBackoff.delay(afterFailures: $0, using: &random).inSeconds
            }
            for (delay, exact) in zip(delays, [10.0, 20, 320, 600, 600, 600]) {
                #expect((exact * 0.75...exact * 1.25).contains(delay))
            }
        }
    }

    @Test func usefulPeerThatLeavesStartsAfreshAndAFlappingOneDoesNot() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        let useful = Fixture.address(1), flapping = Fixture.address(2)
        peers.learned(useful, from: .tracker, now: start)
        peers.learned(flapping, from: .tracker, now: start)
        var now = start
        var flaps = 0
        for _ in 0..<1000 {
            for address in peers.candidates(now: now, limit: 2) {
                #expect(peers.connecting(address, worker: 0, now: now) == true)
                let id = Fixture.id(address == useful ? 1 : 2)
                #expect(
                    peers.handshakeCompleted(address, worker: 0, remoteID: id, isIncoming: false, now: now) == nil)
                peers.closed(address, worker: 0, .lost(wasUseful: address == useful), now: now, using: &random)
                if address == flapping { flaps += 1 }
            }
            now = now + .seconds(1)
        }
        #expect(flaps == 5)
        #expect(peers.hopefulCount == 1)
        peers.checkInvariants()
    }

    @Test func endsThatNobodyIsToBlameForDoNotCount() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        let address = Fixture.address(1)
        peers.learned(address, from: .tracker, now: start)
        var now = start
        for index in 0..<20 {
            now = now + .seconds(20)
            #expect(peers.connecting(address, worker: 0, now: now) == true)
            let ending: KnownPeers.Ending = index % 2 == 0 ? .localTrouble : .released
            peers.closed(address, worker: 0, ending, now: now, using: &random)
            #expect(peers.candidates(now: now, limit: 1).isEmpty)
        }
        #expect(peers.hopefulCount == 1)
    }

    @Test func bannedAddressIsNeverTriedAgain() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        let idle = Fixture.address(1), connected = Fixture.address(2)
        for address in [idle, connected] { peers.learned(address, from: .tracker, now: start) }
        #expect(peers.connecting(connected, worker: 3, now: start) == true)
        #expect(peers.banned(idle, wasIncoming: false).isEmpty)
        #expect(peers.banned(connected, wasIncoming: false) == [connected])
        #expect(!peers.nobodyLeft(now: start + .seconds(60)))
        peers.closed(connected, worker: 3, .released, now: start, using: &random)
        #expect(peers.knownCount == 0)
        #expect(peers.learned(idle, from: .commandLine, now: start) == false)
        #expect(peers.nobodyLeft(now: start + .seconds(60)))
        #expect(
            peers.handshakeCompleted(connected, worker: 0, remoteID: Fixture.id(1), isIncoming: true, now: start)
                == .banned)
        peers.checkInvariants()
    }

    @Test func bannedVisitorDoesNotComeBackFromAnotherPort() {
        var peers = Fixture.peers()
        #expect(peers.banned(Fixture.address(1, port: 40_000), wasIncoming: true).isEmpty)
        #expect(peers.isBanned(Fixture.address(1, port: 40_001)))
        // A lying seed of ours shares its machine with others, until three lie.
        for port in 1...3 as ClosedRange<UInt16> {
            #expect(!peers.isBanned(Fixture.address(2, port: 9)))
            _ = peers.banned(Fixture.address(2, port: port), wasIncoming: false)
        }
        #expect(peers.isBanned(Fixture.address(2, port: 9)))
        // Loopback is banned port by port.
        for port in 1...9 as ClosedRange<UInt16> {
            _ = peers.banned(PeerAddress(v4: 0x7F00_0001, port: port), wasIncoming: true)
        }
        #expect(!peers.isBanned(PeerAddress(v4: 0x7F00_0001, port: 10)))
    }

    @Test func aPardonedAddressAndItsMachineAreWelcomeAgain() {
        var peers = Fixture.peers()
        for port in 1...3 as ClosedRange<UInt16> {
            _ = peers.banned(Fixture.address(2, port: port), wasIncoming: false)
        }
        _ = peers.banned(Fixture.address(1, port: 7), wasIncoming: true)
        let wasBanned = peers.pardoned(Fixture.address(2, port: 1))
        let wasBannedStill = peers.pardoned(Fixture.address(2, port: 1))
        #expect(wasBanned && !wasBannedStill)
        #expect(!peers.isBanned(Fixture.address(2, port: 1)) && !peers.isBanned(Fixture.address(2, port: 9)))
        #expect(peers.isBanned(Fixture.address(2, port: 2)) && peers.isBanned(Fixture.address(1, port: 8)))
        let visitor = peers.pardoned(Fixture.address(1, port: 7))
        #expect(visitor && !peers.isBanned(Fixture.address(1, port: 8)))
        #expect(peers.bannedCount == 2)
        // Those that stay are forgotten in their order.
        for number in 10..<10_010 { _ = peers.banned(Fixture.address(number), wasIncoming: false) }
        #expect(peers.bannedCount == 10_000 && !peers.isBanned(Fixture.address(2, port: 3)))
        #expect(peers.isBanned(Fixture.address(10)))
    }

    @Test func banListForgetsTheOldest() {
        var peers = Fixture.peers()
        for number in 0..<25_000 { _ = peers.banned(Fixture.address(number), wasIncoming: number % 2 == 0) }
        #expect(peers.bannedCount == 10_000)
        #expect(!peers.isBanned(Fixture.address(14_999)) && !peers.isBanned(Fixture.address(0, port: 1)))
        #expect(peers.isBanned(Fixture.address(15_000, port: 1)))
        #expect(peers.isBanned(Fixture.address(24_999)))
    }

    @Test func commandLineComesFirstAndOriginsTakeTurns() {
        var peers = Fixture.peers()
        for number in 0..<5 { peers.learned(Fixture.address(number), from: .peerExchange, now: start) }
        for number in 10..<12 { peers.learned(Fixture.address(number), from: .tracker, now: start) }
        peers.learned(Fixture.address(20), from: .commandLine, now: start)
        let expected = [20, 10, 0, 11, 1, 2].map { Fixture.address($0) }
        #expect(peers.candidates(now: start, limit: 6) == expected)
        #expect(peers.candidates(now: start, limit: 0).isEmpty)
    }

    @Test func leastFailedComesFirst() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        peers.learned(Fixture.address(1), from: .tracker, now: start)
        #expect(peers.connecting(Fixture.address(1), worker: 0, now: start) == true)
        peers.closed(Fixture.address(1), worker: 0, .failed, now: start, using: &random)
        peers.learned(Fixture.address(2), from: .tracker, now: start)
        let later = start + .seconds(15)
        #expect(peers.candidates(now: later, limit: 2) == [Fixture.address(2), Fixture.address(1)])
    }

    @Test func oneNetworkIsTriedSixteenTimesInTenSeconds() {
        var peers = Fixture.peers()
        // 254 addresses of one victim's network.
        for number in 1...254 as ClosedRange<UInt32> {
            peers.learned(PeerAddress(v4: 0x0A00_0000 + number, port: 80), from: .tracker, now: start)
        }
        let first = peers.candidates(now: start, limit: 1000)
        #expect(first.count == 16)
        for address in first { #expect(peers.connecting(address, worker: 0, now: start) == true) }
        #expect(peers.candidates(now: start + .seconds(9), limit: 1000).isEmpty)
        #expect(peers.nextDeadline(now: start + .seconds(9)) == start + .seconds(10))
        #expect(peers.candidates(now: start + .seconds(10), limit: 1000).count == 16)
        peers.checkInvariants()
    }

    /// A swarm on one network, such as a data centre's.
    @Test func aNetworkWhosePeersAnswerIsJoinedSixteenASecond() {
        var peers = Fixture.peers()
        for number in 1...40 as ClosedRange<UInt32> {
            peers.learned(PeerAddress(v4: 0x0A00_0000 + number, port: 80), from: .tracker, now: start)
        }
        var tried: [Int] = []
        for second in 0..<3 {
            let now = start + .seconds(second)
            let next = peers.candidates(now: now, limit: 1000)
            tried.append(next.count)
            for address in next {
                #expect(peers.connecting(address, worker: 0, now: now) == true)
                let id = Fixture.id(Int(address.addressBytes[3]))
                #expect(
                    peers.handshakeCompleted(address, worker: 0, remoteID: id, isIncoming: false, now: now) == nil)
            }
        }
        #expect(tried == [16, 16, 8])
        peers.checkInvariants()
    }

    @Test func oneMachineIsConnectedAtMostEightTimes() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        for port in 1...100 as ClosedRange<UInt16> {
            peers.learned(Fixture.address(1, port: port), from: .peerExchange, now: start)
        }
        #expect(peers.knownCount == peers.limits.knownPerMachine)
        let first = peers.candidates(now: start, limit: 1000)
        #expect(first.count == 8)
        for address in first { #expect(peers.connecting(address, worker: 0, now: start) == true) }
        let later = start + .seconds(11)
        #expect(peers.candidates(now: later, limit: 1000).isEmpty)
        peers.closed(first[0], worker: 0, .failed, now: later, using: &random)
        #expect(peers.candidates(now: later + .seconds(1), limit: 1000).count == 1)
    }

    @Test func visitorThatLeavesMakesRoomForAnAddressOfItsMachine() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        func visitor(_ number: Int) -> PeerAddress { Fixture.address(1, port: UInt16(50_000 + number)) }
        for number in 0..<8 {
            #expect(
                peers.handshakeCompleted(
                    visitor(number), worker: 0, remoteID: Fixture.id(number), isIncoming: true, now: start) == nil)
        }
        peers.learned(Fixture.address(1), from: .tracker, now: start)
        #expect(peers.candidates(now: start, limit: 1).isEmpty)
        peers.closed(visitor(3), worker: 0, .lost(wasUseful: true), now: start, using: &random)
        #expect(peers.nextDeadline(now: start) == start + .seconds(1))
        #expect(peers.candidates(now: start + .seconds(1), limit: 1) == [Fixture.address(1)])
    }

    @Test func testSwarmOnLoopbackIsNotHeldBack() {
        var peers = Fixture.peers()
        for port in 20_000..<20_400 as Range<UInt16> {
            peers.learned(PeerAddress(v4: 0x7F00_0001, port: port), from: .tracker, now: start)
        }
        #expect(peers.candidates(now: start, limit: 1000).count == 400)
    }

    @Test func deadWorkersPeersGoBackToThePool() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        for number in 0..<3 {
            peers.learned(Fixture.address(number), from: .tracker, now: start)
            #expect(peers.connecting(Fixture.address(number), worker: number % 2, now: start) == true)
        }
        let visitor = Fixture.address(9, port: 50_000)
        #expect(
            peers.handshakeCompleted(visitor, worker: 0, remoteID: Fixture.id(9), isIncoming: true, now: start) == nil)
        #expect(peers.connectionCount(of: 0) == 3)
        let back = peers.workerGone(0, now: start, using: &random)
        #expect(back == [Fixture.address(0), Fixture.address(2)])
        #expect(peers.connectionCount(of: 0) == 0)
        #expect(peers.worker(of: Fixture.address(1)) == 1)
        #expect(peers.worker(of: visitor) == nil)
        #expect(peers.aloneSince == start)
        #expect(peers.candidates(now: start + .seconds(1), limit: 9).count == 2)
        // Its own last words come after its death.
        peers.closed(Fixture.address(0), worker: 0, .failed, now: start, using: &random)
        #expect(peers.candidates(now: start + .seconds(1), limit: 9).count == 2)
        peers.checkInvariants()
    }

    @Test func unwantedAddressIsNotTried() {
        var peers = Fixture.peers()
        #expect(peers.connecting(Fixture.address(1), worker: 0, now: start) == false)
        peers.learned(Fixture.address(1), from: .tracker, now: start)
        #expect(peers.connecting(Fixture.address(1), worker: 0, now: start) == true)
        #expect(peers.connecting(Fixture.address(1), worker: 1, now: start) == false)
        #expect(peers.worker(of: Fixture.address(1)) == 0)
    }
}
