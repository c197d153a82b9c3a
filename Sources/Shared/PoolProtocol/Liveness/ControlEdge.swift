/// Owns whether the control connection of one worker carries everything, as the supervisor sees it: each side counts what
/// it sent and what came, the worker on its status page. What was sent has to arrive while the other side's loop turns.
package struct ControlEdge {
    /// Frames of one direction.
    private struct Direction {
        /// What was sent at an earlier look, and has not arrived.
        private var awaited: UInt64 = 0
        private var arrivedBefore: UInt64 = 0
        private var vainLooks = 0

        mutating func looked(sent: UInt64, arrived: UInt64) -> Bool {
            if arrived >= awaited {
                awaited = sent
                vainLooks = 0
            } else if arrived > arrivedBefore {
                // More waits than could be read since: the receiver is slow, the connection sound.
                vainLooks = 0
            } else {
                vainLooks += 1
            }
            arrivedBefore = arrived
            return vainLooks >= ControlEdge.patience
        }
    }

    /// Looks, a heartbeat apart, at which nothing has arrived: as many as for a silent loop.
    package static let patience = Silence.missedBeats

    private var orders = Direction()
    private var news = Direction()

    package init() {}

    /// One look, every heartbeat at which we were on time.
    /// - Parameters: frames by our own count and by the worker's, of which nothing else is believed.
    /// - Returns: whether something got lost or stuck.
    package mutating func isBroken(
        sentOrders: UInt64, receivedOrders: UInt64, sentNews: UInt64, receivedNews: UInt64
    ) -> Bool {
        let ordersAreStuck = orders.looked(sent: sentOrders, arrived: receivedOrders)
        let newsAreStuck = news.looked(sent: sentNews, arrived: receivedNews)
        return ordersAreStuck || newsAreStuck
    }
}
