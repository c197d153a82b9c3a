import CZeroMQ
import Glibc

/// Owns the libzmq context of a process: one I/O thread.
package final class ZMQContext {
    fileprivate let handle: UnsafeMutableRawPointer

    package init() throws(SystemCallError) {
        guard let handle = zmq_ctx_new() else { throw SystemCallError("zmq_ctx_new", zmq_errno()) }
        self.handle = handle
    }
    deinit { zmq_ctx_term(handle) }

    /// Returns when the thread that ends closed sockets is at work. libzmq starts it with the first socket; the thread sets
    /// its scheduling first of all, and libzmq ends the process where a sandbox refuses that. Of the other, the one for
    /// input and output, any message that comes shows the same.
    package func awaitReaper() throws(SystemCallError) {
        let address = "inproc://reaper"
        guard let listener = zmq_socket(handle, ZMQ_PAIR) else { throw SystemCallError("zmq_socket", zmq_errno()) }
        defer { zmq_close(listener) }
        guard let closing = zmq_socket(handle, ZMQ_PAIR) else { throw SystemCallError("zmq_socket", zmq_errno()) }
        do {
            defer { zmq_close(closing) }
            // Its monitor stops when the reaper has ended the socket.
            try check("zmq_socket_monitor", zmq_socket_monitor(closing, address, ZMQ_EVENT_MONITOR_STOPPED))
            try check("zmq_connect", zmq_connect(listener, address))
        }
        while zmq_recv(listener, nil, 0, 0) < 0 {
            guard zmq_errno() == EINTR else { throw SystemCallError("zmq_recv", zmq_errno()) }
        }
    }
}

/// Owns one libzmq socket; belongs to one thread. Never blocks: a send that cannot go on says so.
package final class ZMQSocket {
    package enum Kind {
        case router, dealer
        fileprivate var rawValue: CInt {
            switch self {
            case .router: ZMQ_ROUTER
            case .dealer: ZMQ_DEALER
            }
        }
    }

    /// How a send ended.
    package enum SendOutcome: Equatable {
        case sent
        /// The receiver's queue is full; the owner keeps the message and tries again.
        case full
        /// No such receiver is connected (any more).
        case unreachable
    }

    package let handle: UnsafeMutableRawPointer
    private let context: ZMQContext
    /// Messages may have come to the front unseen: libzmq looked at its descriptor in a send, or `receive` stopped early.
    private var mustLook = true
    /// Messages that libzmq has taken, a name that goes before one not counted.
    package private(set) var sentMessageCount: UInt64 = 0

    /// - Parameters:
    ///   - routingID: what the other side knows us by.
    ///   - maximumMessageByteCount: larger messages end the connection that sent them.
    ///   - highWaterMark: messages that may wait for one receiver, and of one sender unless another number is given.
    package init(
        _ context: ZMQContext, _ kind: Kind, routingID: [UInt8], maximumMessageByteCount: Int, highWaterMark: Int32,
        receiveHighWaterMark: Int32? = nil
    ) throws(SystemCallError) {
        guard let handle = zmq_socket(context.handle, kind.rawValue) else {
            throw SystemCallError("zmq_socket", zmq_errno())
        }
        self.handle = handle
        self.context = context
        try set(ZMQ_ROUTING_ID, bytes: routingID)
        try set(ZMQ_LINGER, 0)
        try set(ZMQ_SNDHWM, highWaterMark)
        try set(ZMQ_RCVHWM, receiveHighWaterMark ?? highWaterMark)
        // A connection that broke belongs to a dead process; its successor has another name and is joined anew.
        try set(ZMQ_RECONNECT_IVL, -1)
        var maximum = Int64(maximumMessageByteCount)
        try check("zmq_setsockopt", zmq_setsockopt(handle, ZMQ_MAXMSGSIZE, &maximum, MemoryLayout<Int64>.size))
        if kind == .router { try set(ZMQ_ROUTER_MANDATORY, 1) }
    }

    deinit { zmq_close(handle) }

    /// Listens on a path that nobody else listens on yet.
    package func bind(path: String) throws(SystemCallError) {
        try check("zmq_bind", subject: path, zmq_bind(handle, "ipc://\(path)"))
    }

    /// Adopts a descriptor that listens on `path` already; libzmq closes it with the socket.
    package func adoptListener(_ descriptor: CInt, path: String) throws(SystemCallError) {
        try set(ZMQ_USE_FD, descriptor)
        try bind(path: path)
        try set(ZMQ_USE_FD, -1)
    }

    /// Connects to a listener; messages for it are addressed to `routingID` from now on.
    package func connect(path: String, as routingID: [UInt8]? = nil) throws(SystemCallError) {
        mustLook = true
        if let routingID { try set(ZMQ_CONNECT_ROUTING_ID, bytes: routingID) }
        try check("zmq_connect", subject: path, zmq_connect(handle, "ipc://\(path)"))
    }

    /// Becomes readable when `receive` has something to look at; until that has been called to its end, it stays so.
    package var descriptor: CInt {
        get throws(SystemCallError) {
            var descriptor: CInt = -1
            var size = MemoryLayout<CInt>.size
            try check("zmq_getsockopt", zmq_getsockopt(handle, ZMQ_FD, &descriptor, &size))
            return descriptor
        }
    }

    /// Whether there are messages of which the descriptor does not tell. To be asked before each wait for it: libzmq
    /// signals once, and a send takes the signal as well as a receive (zmq_getsockopt(3), ZMQ_FD).
    package var hasUnseenMessages: Bool {
        guard mustLook else { return false }
        mustLook = false
        var events: CInt = 0
        var size = MemoryLayout<CInt>.size
        return zmq_getsockopt(handle, ZMQ_EVENTS, &events, &size) == 0 && events & ZMQ_POLLIN != 0
    }

    /// Sends one message, from a ROUTER to the receiver of that name.
    package func send(_ payload: [UInt8], to routingID: [UInt8]?) -> SendOutcome {
        mustLook = true
        if let routingID {
            let result = routingID.withUnsafeBytes {
                zmq_send(handle, $0.baseAddress, $0.count, ZMQ_DONTWAIT | ZMQ_SNDMORE)
            }
            if result < 0 { return outcome(of: zmq_errno()) }
        }
        let result = payload.withUnsafeBytes { zmq_send(handle, $0.baseAddress, $0.count, ZMQ_DONTWAIT) }
        if result < 0 { return outcome(of: zmq_errno()) }
        sentMessageCount += 1
        return .sent
    }

    private func outcome(of error: CInt) -> SendOutcome { error == EHOSTUNREACH ? .unreachable : .full }

    /// Hands every waiting message to `body`, up to `limit` of them so that no socket starves another.
    /// - Parameter body: the sender's routing id (empty on a DEALER) and the payload, borrowed for the call.
    /// - Returns: whether there may be more.
    package func receive(limit: Int, _ body: (_ sender: UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Void) -> Bool
    {
        var first = zmq_msg_t(), second = zmq_msg_t()
        mustLook = true
        for _ in 0..<limit {
            zmq_msg_init(&first)
            guard zmq_msg_recv(&first, handle, ZMQ_DONTWAIT) >= 0 else {
                zmq_msg_close(&first)
                mustLook = false
                return false
            }
            if zmq_msg_more(&first) == 0 {
                body(UnsafeRawBufferPointer(start: nil, count: 0), Self.bytes(of: &first))
            } else {
                zmq_msg_init(&second)
                if zmq_msg_recv(&second, handle, ZMQ_DONTWAIT) >= 0 {
                    var more = zmq_msg_more(&second)
                    body(Self.bytes(of: &first), Self.bytes(of: &second))
                    while more != 0 {
                        // No sound process sends a third part; it is read away so that the next message starts right.
                        zmq_msg_close(&second)
                        zmq_msg_init(&second)
                        guard zmq_msg_recv(&second, handle, ZMQ_DONTWAIT) >= 0 else { break }
                        more = zmq_msg_more(&second)
                    }
                }
                zmq_msg_close(&second)
            }
            zmq_msg_close(&first)
        }
        return true
    }

    private static func bytes(of message: inout zmq_msg_t) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: zmq_msg_data(&message), count: zmq_msg_size(&message))
    }

    private func set(_ option: CInt, _ value: CInt) throws(SystemCallError) {
        var value = value
        try check("zmq_setsockopt", zmq_setsockopt(handle, option, &value, MemoryLayout<CInt>.size))
    }

    private func set(_ option: CInt, bytes: [UInt8]) throws(SystemCallError) {
        try check("zmq_setsockopt", zmq_setsockopt(handle, option, bytes, bytes.count))
    }
}

private func check(_ call: String, subject: String = "", _ result: CInt) throws(SystemCallError) {
    if result != 0 { throw SystemCallError(call, zmq_errno(), subject: subject) }
}
