import BitTorrent
import Testing

@Suite struct KnownPeersConnectionTests {
    typealias Fixture = SwarmFixture
    let start = SwarmFixture.start

    @Test func ourselvesAreFoundByPeerIDAndNeverRetried() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        let address = Fixture.address(1)
        peers.learned(address, from: .tracker, now: start)
        #expect(peers.connecting(address, worker: 0, now: start) == true)
        #expect(
            peers.handshakeCompleted(address, worker: 0, remoteID: Fixture.ownID, isIncoming: false, now: start)
                == .ourselves)
        // The other end of the same connection.
        #expect(
            peers.handshakeCompleted(
                Fixture.address(1, port: 50_000), worker: 1, remoteID: Fixture.ownID, isIncoming: true, now: start)
                == .ourselves)
        #expect(peers.connectedCount == 0)
        peers.closed(address, worker: 0, .released, now: start, using: &random)
        #expect(peers.knownCount == 0)
        #expect(peers.learned(address, from: .tracker, now: start) == false)
        #expect(peers.nobodyLeft(now: start + .seconds(60)))
        peers.checkInvariants()
    }

    @Test func ourselvesFoundByTheWorkerAreNeverRetried() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        let address = Fixture.address(1)
        peers.learned(address, from: .tracker, now: start)
        #expect(peers.connecting(address, worker: 0, now: start) == true)
        peers.ownAddressLearned(address)
        peers.closed(address, worker: 0, .released, now: start, using: &random)
        #expect(peers.knownCount == 0)
        peers.learned(Fixture.address(2), from: .tracker, now: start)
        peers.ownAddressLearned(Fixture.address(2))
        #expect(peers.candidates(now: start, limit: 3).isEmpty)
        peers.checkInvariants()
    }

    @Test func secondConnectionToOnePeerIsVetoedAndLeftAloneForLong() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        let visitor = Fixture.address(1, port: 50_000), listener = Fixture.address(1)
        #expect(
            peers.handshakeCompleted(visitor, worker: 0, remoteID: Fixture.id(1), isIncoming: true, now: start) == nil)
        peers.learned(listener, from: .tracker, now: start)
        #expect(peers.connecting(listener, worker: 1, now: start) == true)
        #expect(
            peers.handshakeCompleted(listener, worker: 1, remoteID: Fixture.id(1), isIncoming: false, now: start)
                == .duplicate)
        peers.closed(listener, worker: 1, .released, now: start, using: &random)
        #expect(peers.candidates(now: start + .seconds(599), limit: 1).isEmpty)
        #expect(peers.candidates(now: start + .seconds(600), limit: 1) == [listener])
        // The first one has left: the id is free.
        peers.closed(visitor, worker: 0, .lost(wasUseful: true), now: start, using: &random)
        #expect(peers.connecting(listener, worker: 1, now: start) == true)
        #expect(
            peers.handshakeCompleted(listener, worker: 1, remoteID: Fixture.id(1), isIncoming: false, now: start)
                == nil)
        peers.checkInvariants()
    }

    @Test func visitorsAreForgottenWhenTheyLeave() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        for flap in 0..<1000 {
            let visitor = Fixture.address(1, port: UInt16(10_000 + flap))
            #expect(
                peers.handshakeCompleted(visitor, worker: 0, remoteID: Fixture.id(1), isIncoming: true, now: start)
                    == nil)
            #expect(peers.candidates(now: start, limit: 1).isEmpty)
            peers.closed(visitor, worker: 0, .lost(wasUseful: false), now: start, using: &random)
        }
        #expect(peers.knownCount == 0)
        #expect(peers.nextDeadline(now: start) == start + .seconds(60))
        peers.checkInvariants()
    }

    @Test func aHundredVisitorsFromOneMachineAreCapped() {
        var peers = Fixture.peers()
        for (machine, expected) in [(Fixture.address(1), 8), (PeerAddress(v4: 0x7F00_0001, port: 1), 32)] {
            let welcome = (0..<100).count { number in
                let visitor = PeerAddress(v4: machine.v4!, port: UInt16(50_000 + number))
                let id = Fixture.id(number + Int(machine.v4!))
                return peers.handshakeCompleted(visitor, worker: 0, remoteID: id, isIncoming: true, now: start) == nil
            }
            #expect(welcome == expected)
        }
        peers.checkInvariants()
    }

    @Test func lateHandshakeOfAnAttemptThatWasGivenToAnotherWorkerIsVetoed() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        let address = Fixture.address(1)
        peers.learned(address, from: .tracker, now: start)
        #expect(peers.connecting(address, worker: 0, now: start) == true)
        _ = peers.workerGone(0, now: start, using: &random)
        #expect(peers.connecting(address, worker: 1, now: start) == true)
        #expect(
            peers.handshakeCompleted(address, worker: 0, remoteID: Fixture.id(1), isIncoming: false, now: start)
                == .duplicate)
        #expect(peers.worker(of: address) == 1)
        peers.checkInvariants()
    }

    @Test func nobodyIsLeftOnlyAfterAMinuteAlone() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        #expect(!peers.nobodyLeft(now: start + .seconds(59)))
        #expect(peers.nextDeadline(now: start) == start + .seconds(60))
        #expect(peers.nobodyLeft(now: start + .seconds(60)))
        #expect(peers.nextDeadline(now: start + .seconds(60)) == nil)
        let visitor = Fixture.address(1, port: 50_000)
        let later = start + .seconds(100)
        _ = peers.handshakeCompleted(visitor, worker: 0, remoteID: Fixture.id(1), isIncoming: true, now: later)
        #expect(!peers.nobodyLeft(now: later + .seconds(1000)))
        peers.closed(visitor, worker: 0, .lost(wasUseful: true), now: later, using: &random)
        #expect(!peers.nobodyLeft(now: later + .seconds(59)))
        #expect(peers.nobodyLeft(now: later + .seconds(60)))
        peers.learned(Fixture.address(2), from: .tracker, now: later)
        #expect(!peers.nobodyLeft(now: later + .seconds(1000)))
    }

    @Test func visitorFindsRoomInAFullListOfNames() {
        var limits = KnownPeers.Limits()
        limits.known = 40
        var peers = Fixture.peers(limits)
        for number in 0..<100 { peers.learned(Fixture.address(number), from: .tracker, now: start) }
        #expect(peers.knownCount == 40)
        #expect(
            peers.handshakeCompleted(
                Fixture.address(500, port: 50_000), worker: 0, remoteID: Fixture.id(1), isIncoming: true, now: start)
                == nil)
        #expect(peers.knownCount <= 40)
        peers.checkInvariants()
    }

    @Test func floodOfNamesIsBoundedAndTheWorstMakesRoom() {
        var random = SeedPrintingGenerator()
        var peers = Fixture.peers()
        for number in 0..<12_000 { peers.learned(Fixture.address(number), from: .peerExchange, now: start) }
        #expect(peers.knownCount == 10_000)
        // Equals do not wash each other out, a tracker's word outweighs peer exchange.
        #expect(peers.learned(Fixture.address(20_000), from: .peerExchange, now: start) == false)
        #expect(peers.learned(Fixture.address(20_000), from: .tracker, now: start) == true)
        #expect(peers.knownCount <= 10_000)
        for number in 20_001..<40_000 { peers.learned(Fixture.address(number), from: .tracker, now: start) }
        #expect(peers.knownCount == 10_000)
        #expect(peers.learned(Fixture.address(50_000), from: .tracker, now: start) == false)
        // One that failed is worse than one that was never tried.
        let failing = peers.candidates(now: start, limit: 1)[0]
        #expect(peers.connecting(failing, worker: 0, now: start) == true)
        peers.closed(failing, worker: 0, .failed, now: start, using: &random)
        #expect(peers.learned(Fixture.address(50_000), from: .tracker, now: start) == true)
        #expect(peers.learned(Fixture.address(50_001), from: .commandLine, now: start) == true)
        peers.checkInvariants()
    }

    @Test func randomEventsKeepTheBooksRight() {
        var random = SeedPrintingGenerator()
        for _ in 0..<20 {
            var limits = KnownPeers.Limits()
            limits.known = 30
            var peers = Fixture.peers(limits)
            var now = start
            /// What the workers have: address to worker and whether the handshake was done.
            var attempts: [PeerAddress: Int] = [:]
            var connections: [PeerAddress: Int] = [:]
            var banned: Set<PeerAddress> = []
            for _ in 0..<800 {
                now = now + .milliseconds(Int.random(in: 0..<4000, using: &random))
                let address = Fixture.address(Int.random(in: 0..<50, using: &random))
                let worker = Int.random(in: 0..<3, using: &random)
                let attempt = attempts.keys.sorted { $0.v4! < $1.v4! }.randomElement(using: &random)
                let connection = connections.keys.sorted { $0.v4! < $1.v4! }.randomElement(using: &random)
                switch Int.random(in: 0..<100, using: &random) {
                case 0..<30:
                    let origins: [KnownPeers.Origin] = [.commandLine, .tracker, .peerExchange]
                    let origin = origins.randomElement(using: &random)!
                    peers.learned(address, from: origin, now: now)
                case 30..<50:
                    for address in peers.candidates(now: now, limit: 3) {
                        #expect(attempts[address] == nil && connections[address] == nil, "is connected already")
                        #expect(!banned.contains(address))
                        #expect(peers.connecting(address, worker: worker, now: now) == true)
                        attempts[address] = worker
                    }
                case 50..<65:
                    guard let attempt, let worker = attempts.removeValue(forKey: attempt) else { break }
                    peers.closed(attempt, worker: worker, .failed, now: now, using: &random)
                    #expect(peers.candidates(now: now, limit: 100).contains(attempt) == false)
                case 65..<80:
                    guard let attempt, let worker = attempts.removeValue(forKey: attempt) else { break }
                    let veto = peers.handshakeCompleted(
                        attempt, worker: worker, remoteID: Fixture.id(Int(attempt.v4!)), isIncoming: false, now: now)
                    #expect((veto == .banned) == banned.contains(attempt))
                    if veto == nil { connections[attempt] = worker } else { attempts[attempt] = worker }
                case 80..<92:
                    guard let connection, let worker = connections.removeValue(forKey: connection) else { break }
                    let ending: KnownPeers.Ending = random.chance(2) ? .lost(wasUseful: random.chance(2)) : .released
                    peers.closed(connection, worker: worker, ending, now: now, using: &random)
                case 92..<95:
                    let back = Set(peers.workerGone(worker, now: now, using: &random))
                    let lost = attempts.merging(connections) { $1 }.filter { $0.value == worker }.keys
                    #expect(back == Set(lost).subtracting(banned))
                    for address in lost { (attempts[address], connections[address]) = (nil, nil) }
                case 95..<97:
                    banned.insert(address)
                    let toClose = peers.banned(address, wasIncoming: false)
                    let isUp = attempts[address] != nil || connections[address] != nil
                    #expect(toClose.contains(address) == isUp)
                default:
                    if let due = peers.nextDeadline(now: now) { #expect(due > now) }
                }
                peers.checkInvariants()
                #expect(peers.connectingCount == attempts.count)
                #expect(peers.connectedCount == connections.count)
                #expect(peers.nobodyLeft(now: now) == false || attempts.isEmpty && connections.isEmpty)
            }
        }
    }
}
