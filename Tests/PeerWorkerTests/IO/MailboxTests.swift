import BitTorrent
import CLinux
import Glibc
import PoolProtocol
import Testing

@testable import PeerWorker

private let slots = Mailbox.Event.slotsReturned(assembler: 0, [SlotReturn(slot: 1, lease: 1, outcome: .taken)])

@Suite struct MailboxTests {
    private let descriptor = clinux_eventfd()
    private let mailbox: Mailbox
    init() { mailbox = Mailbox(wakeDescriptor: descriptor) }

    private func post(_ events: Mailbox.Event...) -> Bool {
        var events = events
        defer { #expect(events.isEmpty) }
        return mailbox.post(&events)
    }

    private func taken() -> [Mailbox.Event] {
        var events: [Mailbox.Event] = []
        mailbox.take(into: &events)
        return events
    }

    private var isReadable: Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) == 1
    }

    @Test func eventsKeepTheirOrderAndWakeTheLoopOnce() {
        #expect(post(.ping(1), .order(.drain)))
        #expect(!post(.ping(2)), "it was woken and has not come")
        #expect(taken() == [.ping(1), .order(.drain), .ping(2)])
        #expect(taken().isEmpty)
        #expect(post(.ping(3)))
    }

    @Test func slotsWakeTheLoopOnlyWhenItNeedsThem() {
        #expect(!post(slots))
        #expect(post(.ping(1)), "an order behind slots that nobody came for")
        #expect(taken() == [slots, .ping(1)])
        #expect(!mailbox.loopWaits(needsSlots: true))
        #expect(post(slots))
        #expect(taken() == [slots])
    }

    @Test func loopThatComesToNeedSlotsLearnsOfThoseThatWait() {
        #expect(!post(slots))
        #expect(!mailbox.loopWaits(needsSlots: false))
        #expect(mailbox.loopWaits(needsSlots: true))
        #expect(taken() == [slots])
    }

    @Test func parcelsAreJoinedAndWakeTheMessageThreadOnce() {
        var parcel = Mailbox.Parcel()
        mailbox.post(&parcel)
        #expect(!isReadable, "nothing is not worth a wake")
        parcel.news = [.ready]
        parcel.movedByteCount = 5
        mailbox.post(&parcel)
        #expect(parcel.isEmpty && isReadable)
        parcel.news = [.drained]
        parcel.movedByteCount = 6
        parcel.isLast = true
        mailbox.post(&parcel)
        var taken = Mailbox.Parcel()
        mailbox.take(into: &taken)
        #expect(taken.news == [.ready, .drained] && taken.movedByteCount == 11 && taken.isLast)
        #expect(!isReadable)
    }

    @Test func wakeThatComesAfterItsParcelWasTakenIsSilenced() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
        #expect(isReadable)
        mailbox.silence()
        #expect(!isReadable)
        mailbox.silence()
    }

    @Test func threadsExchangeEverythingInOrder() async {
        let mailbox = mailbox
        let count = 20_000
        // The other thread posts pings and is answered by news; nothing is lost, doubled or overtaken.
        let poster = Task.detached {
            var received = 0
            var number: UInt64 = 0
            while received < count {
                if number < count {
                    number += 1
                    var events: [Mailbox.Event] = [.ping(number)]
                    _ = mailbox.post(&events)
                }
                var parcel = Mailbox.Parcel()
                mailbox.take(into: &parcel)
                for news in parcel.news {
                    guard news == .descriptorReceived(UInt32(received)) else { return false }
                    received += 1
                }
            }
            return true
        }
        var next: UInt64 = 0
        var events: [Mailbox.Event] = []
        var parcel = Mailbox.Parcel()
        while next < count {
            mailbox.take(into: &events)
            for event in events {
                next += 1
                #expect(event == .ping(next))
                parcel.news.append(.descriptorReceived(UInt32(next - 1)))
            }
            events.removeAll()
            mailbox.post(&parcel)
            await Task.yield()
        }
        #expect(await poster.value)
    }
}
