import BitTorrent
import Testing

@testable import PoolProtocol

@Suite struct TagsTests {
    @Test func tagsStandInOneOrderWhateverIsKnown() {
        var tags = Tags(torrent: 1, piece: PieceIndex(42), block: 7, peer: .outgoing(17), assignment: 26)
        #expect(tags.description == "t1 piece:42 block:7 peer:17 as:26")
        tags.block = nil
        tags.torrent = nil
        #expect(tags.description == "piece:42 peer:17 as:26")
        #expect(Tags().description.isEmpty)
    }

    @Test func placesAreCalledByOneLetterAndTheirNumber() {
        let names = [
            Place(.supervisor, 0): "s", Place(.peerWorker, 0): "p0", Place(.hashWorker, 11): "h11",
            Place(.writer, 0): "w",
        ]
        for (place, name) in names {
            #expect(place.description == name && Place(name) == place)
            #expect(Incarnation(place, generation: 3).description == name + ".3")
        }
        for text in ["", "p", "h", "x1", "p-1", "p+1", "p1 ", "p65536", "1"] { #expect(Place(text) == nil, "\(text)") }
    }

    @Test func aPeerIsCalledByWhatEveryProcessHearsOfIt() {
        let third = PeerName(worker: 4, number: 9 << PeerName.outgoingBitCount | 3)
        #expect(
            third.description == "3" && third == PeerName(worker: 0, number: 3), "its worker and torrent do not matter")
        let number = PeerName.firstIncoming | 5 << PeerName.incomingBitCount | 70_000
        let incoming = PeerName(worker: 2, number: number)
        #expect(incoming.description == "p2.5.70000" && incoming.number == number)
        #expect(incoming != PeerName(worker: 1, number: number))
        for name in [third, incoming] { #expect(PeerName(name.description) == name) }
        for text in ["", "-1", "65536", "p0", "p0.1", "p0.1.", "p0.1.2.3", "h0.1.2", "p0.x.2", "p0.1.-2"] {
            #expect(PeerName(text) == nil, "\(text)")
        }
    }

    @Test func aRecordIsReadAsItWasWritten() {
        let place = Place(.peerWorker, 3)
        let incoming = PeerName(worker: 3, number: PeerName.firstIncoming | 1 << PeerName.incomingBitCount)
        let subjects = [
            Tags(), Tags(torrent: 0), Tags(torrent: 7, piece: PieceIndex(0), assignment: 1), Tags(peer: .outgoing(1)),
            Tags(torrent: 2, piece: PieceIndex(5), peer: incoming, assignment: .max),
        ]
        for event in TrailEvent.allCases {
            for tags in subjects {
                let record = TrailRecord(event, tags, number: .max, time: MonotonicInstant(nanoseconds: 12))
                #expect(TrailRecord(words: record.words, of: place) == record)
            }
        }
    }

    @Test func whatNoWorkerWritesIsNoRecord() {
        let place = Place(.hashWorker, 0)
        let sound = TrailRecord(.verified, Tags(torrent: 0), time: MonotonicInstant(nanoseconds: 5)).words
        #expect(TrailRecord(words: (0, 0, 0, 0), of: place) == nil)
        #expect(TrailRecord(words: (1, 0xFFFF, 0, 0), of: place) == nil)
        #expect(TrailRecord(words: (1 << 63, sound.1, sound.2, sound.3), of: place) == nil)
    }

    @Test func aRecordSaysWhatItsNumberMeans() {
        func text(_ event: TrailEvent, _ number: UInt32) -> String {
            TrailRecord(event, Tags(torrent: 0, piece: PieceIndex(4)), number: number, time: .distantPast).text
        }
        #expect(text(.granted, 16) == "t0 piece:4: granted, blocks 16")
        #expect(text(.verified, 16) == "t0 piece:4: its hash is right")
        let place = TrailRecord.number(of: Place(.hashWorker, 1))
        #expect(text(.neighbourJoined, place) == "t0 piece:4: is joined with h1")
        #expect(text(.neighbourJoined, .max).hasSuffix(" nobody"))
    }
}
