import BitTorrent
import CCurl
import Glibc

/// What runs on the client's thread: libcurl's multi handle and all its transfers. Blocks in `curl_multi_poll` only.
final class HTTPClientThread {
    /// libcurl has timers of its own; this is how long it sleeps when it has none.
    private static let longestSleepMilliseconds: CInt = 60_000

    private let multi: UnsafeMutableRawPointer
    private let mailbox: HTTPClientMailbox
    private let options: HTTPClientOptions
    /// An eventfd; counts up when there are results.
    private let resultDescriptor: CInt
    private var transfers: [UnsafeMutableRawPointer: HTTPClientTransfer] = [:]

    init(
        multi: UnsafeMutableRawPointer, mailbox: HTTPClientMailbox, options: HTTPClientOptions, resultDescriptor: CInt
    ) {
        self.multi = multi
        self.mailbox = mailbox
        self.options = options
        self.resultDescriptor = resultDescriptor
    }

    /// Returns when the mailbox is closed; transfers under way are dropped.
    func run() {
        while true {
            let work = mailbox.takeWork()
            if work.isClosed { break }
            for id in work.cancellations { cancel(id) }
            for request in work.requests { start(request) }
            var runningCount: CInt = 0
            curl_multi_perform(multi, &runningCount)
            collectFinished()
            curl_multi_poll(multi, nil, 0, Self.longestSleepMilliseconds, nil)
        }
        for easy in transfers.keys { curl_multi_remove_handle(multi, easy) }
        transfers = [:]
    }

    private func start(_ request: HTTPRequest) {
        guard let transfer = HTTPClientTransfer(request, options: options) else {
            let failure = HTTPFailure(origin: "tracker URL", reason: .other(why: "no memory for a request"))
            return deliver(HTTPResult(id: request.id, outcome: .failure(failure)))
        }
        transfers[transfer.easy] = transfer
        curl_multi_add_handle(multi, transfer.easy)
    }

    private func cancel(_ id: UInt64) {
        guard let easy = transfers.first(where: { $0.value.request.id == id })?.key else { return }
        curl_multi_remove_handle(multi, easy)
        transfers[easy] = nil
    }

    private func collectFinished() {
        var left: CInt = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            // The message is gone with the handle's removal.
            let code = message.pointee.data.result
            guard let transfer = transfers.removeValue(forKey: easy) else { continue }
            let result = HTTPResult(id: transfer.request.id, outcome: transfer.outcome(code))
            curl_multi_remove_handle(multi, easy)
            deliver(result)
        }
    }

    private func deliver(_ result: HTTPResult) {
        guard mailbox.deliver(result) else { return }
        var one: UInt64 = 1
        write(resultDescriptor, &one, MemoryLayout.size(ofValue: one))
    }
}
