import PoolProtocol
import Testing

struct JoinTests {
    private func hash(_ ordinal: Int, _ generation: UInt32) -> Incarnation {
        Incarnation(Place(.hashWorker, ordinal), generation: generation)
    }

    @Test func joinIsCompleteWhenEveryIncumbentHasWelcomedUs() {
        var neighbours = Neighbours()
        #expect(!neighbours.isJoined)
        neighbours.joining([hash(0, 1), hash(1, 3)])
        #expect(!neighbours.isJoined)
        neighbours.welcomed(by: hash(0, 1))
        #expect(!neighbours.isJoined && neighbours.isCurrent(hash(0, 1)) && !neighbours.isCurrent(hash(1, 3)))
        neighbours.welcomed(by: hash(1, 3))
        #expect(neighbours.isJoined)
        #expect(neighbours.current(Place(.hashWorker, 1)) == hash(1, 3))
    }

    @Test func joinWithoutIncumbentsIsCompleteAtOnce() {
        var neighbours = Neighbours()
        neighbours.joining([])
        #expect(neighbours.isJoined)
    }

    @Test func welcomeOfAStrangerCountsForNothing() {
        var neighbours = Neighbours()
        neighbours.joining([hash(0, 2)])
        neighbours.welcomed(by: hash(0, 1))
        neighbours.welcomed(by: hash(1, 1))
        #expect(!neighbours.isJoined)
        #expect(neighbours.current(Place(.hashWorker, 0)) == nil)
    }

    @Test func newcomerTakesThePlaceOfItsPredecessor() {
        var neighbours = Neighbours()
        neighbours.joining([])
        #expect(neighbours.greeted(by: hash(0, 1)) == true)
        neighbours.replaced(by: hash(0, 2))
        #expect(!neighbours.isCurrent(hash(0, 1)))
        #expect(neighbours.current(Place(.hashWorker, 0)) == nil, "it was named, but has not said hello")
        #expect(neighbours.greeted(by: hash(0, 2)) == true)
        #expect(neighbours.current(Place(.hashWorker, 0)) == hash(0, 2))
    }

    @Test func replacementThatIsHeardAfterTheGreetingKeepsTheNewcomer() {
        var neighbours = Neighbours()
        neighbours.joining([hash(0, 1)])
        neighbours.welcomed(by: hash(0, 1))
        #expect(neighbours.greeted(by: hash(0, 2)) == true)
        neighbours.replaced(by: hash(0, 2))
        #expect(neighbours.isCurrent(hash(0, 2)) && !neighbours.isCurrent(hash(0, 1)))
    }

    @Test func generationThatWasReplacedIsNotWelcome() {
        var neighbours = Neighbours()
        neighbours.joining([])
        neighbours.replaced(by: hash(0, 3))
        #expect(neighbours.greeted(by: hash(0, 2)) == false)
        #expect(!neighbours.isCurrent(hash(0, 2)))
        #expect(neighbours.greeted(by: hash(0, 3)) == true)
    }

    @Test func placeThatWasGivenUpStaysEmpty() {
        var neighbours = Neighbours()
        neighbours.joining([hash(0, 1), hash(1, 1)])
        neighbours.welcomed(by: hash(0, 1))
        neighbours.welcomed(by: hash(1, 1))
        neighbours.gaveUp(Place(.hashWorker, 0))
        #expect(neighbours.current(Place(.hashWorker, 0)) == nil)
        #expect(neighbours.greeted(by: hash(0, 2)) == false)
        #expect(neighbours.isCurrent(hash(1, 1)))
    }

    // MARK: Greetings

    @Test(arguments: [true, false]) func greetingsSurviveTheJourney(isHello: Bool) throws {
        let hello = Hello(who: hash(1, 2), pid: 77, vocabulary: 5)
        let greeting: Greeting = isHello ? .hello(hello) : .welcome(hello)
        let frame = greeting.encoded
        #expect(try frame.withUnsafeBytes { try Greeting(frame: $0) } == greeting)
        for count in 1..<frame.count {
            #expect(throws: PoolCodecError.truncated) {
                try frame.prefix(count).withUnsafeBytes { try Greeting(frame: $0) }
            }
        }
        #expect(throws: PoolCodecError.invalidField("greeting")) {
            try (frame + [0]).withUnsafeBytes { try Greeting(frame: $0) }
        }
    }

    @Test func greetingIsTheSameOnEveryDataEdge() throws {
        let hello = Hello(who: hash(1, 2), pid: 77, vocabulary: 5)
        #expect(EdgeUnderTest.frame(of: PeerWorkerToHashWorker.hello(hello)) == Greeting.hello(hello).encoded)
        #expect(EdgeUnderTest.frame(of: HashWorkerToPeerWorker.welcome(hello)) == Greeting.welcome(hello).encoded)
        #expect(EdgeUnderTest.frame(of: HashWorkerToWriter.hello(hello)) == Greeting.hello(hello).encoded)
        #expect(EdgeUnderTest.frame(of: WriterToHashWorker.welcome(hello)) == Greeting.welcome(hello).encoded)
    }

    @Test func dataIsNoGreeting() throws {
        let data = EdgeUnderTest.frame(of: WriterToHashWorker.writesAnswered([9]))
        #expect(try data.withUnsafeBytes { try Greeting(frame: $0) } == nil)
        #expect(try [UInt8]().withUnsafeBytes { try Greeting(frame: $0) } == nil)
    }

    @Test func helloCarriesTheVocabularyOfThisBuild() {
        #expect(Hello(who: hash(0, 1), pid: 1).vocabulary == Vocabulary.hash)
    }

    // MARK: Names

    @Test func routingIDNamesTheIncarnation() {
        for role in Role.allCases {
            let who = Incarnation(Place(role, 12), generation: 345)
            #expect(who.routingID.withUnsafeBytes { Incarnation(routingID: $0) } == who)
        }
        #expect(String(decoding: hash(1, 2).routingID, as: UTF8.self) == "h1.2")
    }

    @Test(arguments: [
        "", ".", "h", "h1", "h1.2.3", "h1.", "h.2", "c1.2", "h70000.1", "h1.x", "h1.+2", "h1.4294967296", "h-1.2",
        "h+1.2", "p.1",
    ])
    func otherRoutingIDsAreNobody(_ text: String) {
        #expect(Array(text.utf8).withUnsafeBytes { Incarnation(routingID: $0) } == nil)
    }

    @Test func neighboursAreMutual() {
        for role in Role.allCases {
            for neighbour in Topology.neighbours(of: role) {
                #expect(Topology.neighbours(of: neighbour).contains(role))
            }
        }
        #expect(Set(Topology.startOrder) == Set(Role.allCases).subtracting([.supervisor]))
    }
}
