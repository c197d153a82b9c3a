import CCurl
import CLinux
import Glibc
import PoolRuntime

/// The supervisor's way to HTTP and HTTPS servers: libcurl on a thread of its own behind two bounded queues, so that no
/// server, name server or TLS handshake ever holds up the loop. Used by one thread.
final class HTTPClient {
    /// Readable when `takeResults` has something; for the loop to watch.
    let resultDescriptor: CInt
    private let mailbox: HTTPClientMailbox
    private let multi: UnsafeMutableRawPointer
    private let thread: pthread_t
    private var isRunning = true

    private static let isLibraryReady = ccurl_global_init() == CURLE_OK

    init(options: HTTPClientOptions = .init()) throws(SystemCallError) {
        guard Self.isLibraryReady, let multi = curl_multi_init() else {
            throw SystemCallError("curl_multi_init", ENOMEM)
        }
        let mailbox = HTTPClientMailbox(limit: options.outstandingLimit)
        do {
            resultDescriptor = try checked("eventfd", clinux_eventfd())
        } catch {
            curl_multi_cleanup(multi)
            throw error
        }
        self.multi = multi
        self.mailbox = mailbox
        let body = HTTPClientThread(
            multi: multi, mailbox: mailbox, options: options, resultDescriptor: resultDescriptor)
        do {
            thread = try Self.startThread(body)
        } catch {
            curl_multi_cleanup(multi)
            close(resultDescriptor)
            throw error
        }
    }

    deinit {
        shutDown()
        close(resultDescriptor)
    }

    /// - Returns: false when too many requests are outstanding or the client is shut down; there will be no result.
    func send(_ request: HTTPRequest) -> Bool {
        guard mailbox.post(request) else { return false }
        curl_multi_wakeup(multi)
        return true
    }

    /// Ends a request if it is outstanding; afterwards there is no result for it.
    func cancel(_ id: UInt64) {
        if isRunning, mailbox.cancel(id) { curl_multi_wakeup(multi) }
    }

    /// What ended since the last call. Does not block.
    func takeResults() -> [HTTPResult] {
        var count: UInt64 = 0
        read(resultDescriptor, &count, MemoryLayout.size(ofValue: count))
        return mailbox.takeResults()
    }

    /// Drops what is under way and ends the thread, at once whatever servers do. Later requests are refused.
    func shutDown() {
        guard isRunning else { return }
        isRunning = false
        mailbox.close()
        curl_multi_wakeup(multi)
        pthread_join(thread, nil)
        curl_multi_cleanup(multi)
    }

    private static func startThread(_ body: HTTPClientThread) throws(SystemCallError) -> pthread_t {
        // The new thread inherits the mask: signals belong to the supervisor's signalfd.
        var all = sigset_t(), before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let retained = Unmanaged.passRetained(body)
        var thread = pthread_t()
        let code = pthread_create(&thread, nil, HTTPClient.threadMain, retained.toOpaque())
        if code != 0 {
            retained.release()
            throw SystemCallError("pthread_create", code)
        }
        return thread
    }

    private static let threadMain: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { body in
        Unmanaged<HTTPClientThread>.fromOpaque(body!).takeRetainedValue().run()
        return nil
    }
}
