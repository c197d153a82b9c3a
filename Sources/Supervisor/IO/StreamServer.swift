import BitTorrent
import CLinux
import Glibc
import PoolRuntime

/// Serves clients of one listener on the supervisor's loop: reads what a session wants, has its requests answered in
/// turn, and sends what the socket takes. Never blocks, and bounds what clients may cost: their number, their bytes
/// (the session's business) and the loop's time (`AnswerPace`).
final class StreamServer<Session: StreamSession> {
    struct Settings {
        var mostClients: Int
        /// For a client that is one too many.
        var refusal: [UInt8]
        var makeSession: (MonotonicInstant) -> Session
    }

    private final class Client {
        let descriptor: OwnedDescriptor
        var session: Session
        var pace: AnswerPace
        /// nil once the other end is gone: what it asked for is still done.
        var watch: PollLoop.WatchID?
        var interest: PollLoop.Readiness = .readable

        init(_ descriptor: OwnedDescriptor, _ session: Session, now: MonotonicInstant) {
            self.descriptor = descriptor
            self.session = session
            pace = AnswerPace(share: AnswerPace.shareOfOne, now: now)
        }
    }

    /// Answers of one turn, so that many cheap ones leave room for the pool's messages, too.
    private static var mostAnswersPerTurn: Int { 32 }
    /// Who has been still for so long makes way for a newcomer when there is no room (chosen).
    private static var idleAfter: Duration { .seconds(60) }
    /// How long nobody is accepted after the system refused to.
    private static var acceptPause: Duration { .seconds(1) }

    private let listener: OwnedDescriptor
    private let poll: PollLoop
    private let settings: Settings
    private let answer: (Session.Request) -> (bytes: [UInt8], isLast: Bool)
    private var listening: PollLoop.WatchID?
    /// Whoever was answered last comes last.
    private var clients: [Client] = []
    private var pace: AnswerPace
    private var acceptsAgain = MonotonicInstant.distantFuture

    init(
        _ listener: OwnedDescriptor, poll: PollLoop, settings: Settings,
        answer: @escaping (Session.Request) -> (bytes: [UInt8], isLast: Bool)
    ) throws(SystemCallError) {
        self.listener = listener
        self.poll = poll
        self.settings = settings
        self.answer = answer
        pace = AnswerPace(share: AnswerPace.shareOfAll, now: MonotonicClock.now)
        listening = try poll.watch(descriptor: listener.rawValue) { [unowned self] _ in accept() }
    }

    deinit {
        if let listening { poll.unwatch(listening) }
        for client in clients { if let watch = client.watch { poll.unwatch(watch) } }
    }

    // MARK: Time

    var nextDeadline: MonotonicInstant {
        var deadline = acceptsAgain
        for client in clients {
            deadline = min(deadline, client.session.deadline)
            if client.session.hasRequest { deadline = min(deadline, nextAnswer(to: client)) }
        }
        return deadline
    }

    func timerFired(now: MonotonicInstant) {
        if now >= acceptsAgain, let listening {
            acceptsAgain = .distantFuture
            poll.change(listening, to: .readable)
        }
        for client in clients where now >= client.session.deadline { close(client) }
        serve()
    }

    // MARK: Clients

    private func accept() {
        // A few at a time; those beyond stay in the kernel's queue, which is bounded.
        for _ in 0..<4 {
            let now = MonotonicClock.now
            let descriptor = clinux_accept_stream(listener.rawValue)
            if descriptor == -EAGAIN || descriptor == -ECONNABORTED || descriptor == -EINTR { return }
            guard descriptor >= 0 else {
                // Descriptors or memory are short: asking again at once would be asking for ever.
                if let listening { poll.change(listening, to: []) }
                acceptsAgain = now + Self.acceptPause
                return
            }
            welcome(OwnedDescriptor(descriptor), now: now)
        }
    }

    private func welcome(_ descriptor: OwnedDescriptor, now: MonotonicInstant) {
        if clients.count >= settings.mostClients {
            let longest = clients.min { $0.session.lastActivity < $1.session.lastActivity }
            guard let longest, now - longest.session.lastActivity >= Self.idleAfter else {
                _ = Self.send(settings.refusal[...], to: descriptor)
                Self.drain(descriptor)
                return
            }
            close(longest)
        }
        let client = Client(descriptor, settings.makeSession(now), now: now)
        do throws(SystemCallError) {
            client.watch = try poll.watch(descriptor: descriptor.rawValue) { [unowned self, unowned client] in
                happened($0, to: client)
            }
            clients.append(client)
        } catch { _ = Self.send(settings.refusal[...], to: descriptor) }
    }

    private func happened(_ readiness: PollLoop.Readiness, to client: Client) {
        let isOver = readiness.contains(.over)
        if readiness.contains(.readable) || isOver, client.session.wantsInput { read(client) }
        if isOver { left(client) }
        serve()
        settle(client)
    }

    private func read(_ client: Client) {
        let now = MonotonicClock.now
        withUnsafeTemporaryAllocation(byteCount: StreamSessions.mostBytesAtOnce, alignment: 1) { buffer in
            let count = recv(client.descriptor.rawValue, buffer.baseAddress, buffer.count, 0)
            if count > 0 {
                client.session.received(UnsafeRawBufferPointer(rebasing: buffer[..<count]), now: now)
            } else if count == 0 {
                client.session.inputEnded(now: now)
            } else if errno != EAGAIN && errno != EINTR {
                left(client)
            }
        }
    }

    /// Nobody reads any more. What was asked for is done all the same.
    private func left(_ client: Client) {
        guard let watch = client.watch else { return }
        client.watch = nil
        poll.unwatch(watch)
        client.session.inputEnded(now: MonotonicClock.now)
    }

    // MARK: Answers

    private func serve() {
        for _ in 0..<Self.mostAnswersPerTurn {
            let begun = MonotonicClock.now
            guard let index = clients.firstIndex(where: { mayBeAnswered($0, now: begun) }) else { return }
            let client = clients.remove(at: index)
            clients.append(client)
            guard let request = client.session.nextRequest() else { continue }
            let before = Self.threadTime
            let (bytes, isLast) = answer(request)
            let now = MonotonicClock.now, spent = Self.threadTime - before
            client.session.answer(bytes, isLast: isLast, now: now)
            pace.spent(spent, now: now)
            client.pace.spent(spent, now: now)
            settle(client)
        }
        let now = MonotonicClock.now
        if clients.contains(where: { mayBeAnswered($0, now: now) }) { poll.mustNotWait = true }
    }

    private func nextAnswer(to client: Client) -> MonotonicInstant {
        max(pace.nextAllowed, client.pace.nextAllowed)
    }

    private func mayBeAnswered(_ client: Client, now: MonotonicInstant) -> Bool {
        client.session.hasRequest && nextAnswer(to: client) <= now
    }

    /// CPU time of this thread: on a busy machine an answer may take long that costs little.
    private static var threadTime: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Sends what can be sent, and waits for what the session wants next.
    private func settle(_ client: Client) {
        guard clients.contains(where: { $0 === client }) else { return }
        let output = client.session.output
        if !output.isEmpty {
            let count = client.watch == nil ? output.count : Self.send(output, to: client.descriptor)
            if count >= 0 {
                client.session.sent(count, now: MonotonicClock.now)
            } else if errno != EAGAIN && errno != EINTR {
                left(client)
                client.session.sent(output.count, now: MonotonicClock.now)
            }
        }
        if client.session.isOver { return close(client) }
        guard let watch = client.watch else { return }
        var interest: PollLoop.Readiness = client.session.wantsInput ? .readable : []
        if !client.session.output.isEmpty { interest.insert(.writable) }
        if interest != client.interest {
            client.interest = interest
            poll.change(watch, to: interest)
        }
    }

    private func close(_ client: Client) {
        if let watch = client.watch { poll.unwatch(watch) }
        client.watch = nil
        clients.removeAll { $0 === client }
        Self.drain(client.descriptor)
    }

    private static func send(_ bytes: ArraySlice<UInt8>, to descriptor: OwnedDescriptor) -> Int {
        bytes.withUnsafeBytes {
            Glibc.send(descriptor.rawValue, $0.baseAddress, $0.count, 0)
        }
    }

    /// Unread bytes would turn the end of a TCP connection into a reset, which may destroy the answer.
    private static func drain(_ descriptor: OwnedDescriptor) {
        withUnsafeTemporaryAllocation(byteCount: StreamSessions.mostBytesAtOnce, alignment: 1) { buffer in
            for _ in 0..<4 {
                guard recv(descriptor.rawValue, buffer.baseAddress, buffer.count, 0) > 0 else { return }
            }
        }
    }
}
