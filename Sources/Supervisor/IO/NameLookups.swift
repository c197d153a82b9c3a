import BitTorrent
import PoolRuntime

/// Names that are wanted now and then, each on a thread of its own, so that a name server that does not answer holds up
/// nobody but its own name.
final class NameLookups {
    typealias Outcome = NameResolver.Outcome

    /// More wait for their turn: a list of a hundred dead trackers is no reason for a hundred threads.
    private static let mostAtOnce = 8

    private let poll: PollLoop
    private var waiting: [HostAndPort] = []
    private var running: [HostAndPort: NameResolver] = [:]
    private var askers: [HostAndPort: [(Outcome) -> Void]] = [:]

    init(poll: PollLoop) { self.poll = poll }

    /// - Parameter done: is called once, from the loop; at once for a numeric host.
    func resolve(_ name: HostAndPort, _ done: @escaping (Outcome) -> Void) {
        if let address = PeerAddress(numericHost: name.host, port: name.port) { return done(.addresses([address])) }
        askers[name, default: []].append(done)
        guard askers[name]!.count == 1 else { return }
        waiting.append(name)
        startNext()
    }

    private func startNext() {
        while running.count < Self.mostAtOnce, !waiting.isEmpty {
            let name = waiting.removeFirst()
            do throws(SystemCallError) {
                let resolver = try NameResolver([name])
                let descriptor = resolver.resultDescriptor.rawValue
                var watch: PollLoop.WatchID?
                watch = try poll.watch(descriptor: descriptor) { [weak self] _ in
                    guard let outcome = resolver.takeOutcomes().first else { return }
                    if let watch { self?.poll.unwatch(watch) }
                    self?.ended(name, outcome)
                }
                running[name] = resolver
            } catch {
                ended(name, .failed(name, reason: error.description))
            }
        }
    }

    private func ended(_ name: HostAndPort, _ outcome: Outcome) {
        running[name] = nil
        for asker in askers.removeValue(forKey: name) ?? [] { asker(outcome) }
        startNext()
    }
}
