/// Owns when a complete torrent has been given to others for long enough.
struct SeedGoal: Equatable {
    /// Bytes uploaded in all runs by bytes of the wanted pieces; nil: without limit. aria2 and Transmission count
    /// previous runs, too.
    var ratio: Double?
    /// Since the torrent was complete in this run; nil: without limit.
    var time: Duration?

    /// Whichever is reached first counts; without either it is never reached.
    func isMet(uploadedByteCount: UInt64, wantedByteCount: UInt64, seedingFor: Duration) -> Bool {
        if let ratio, Double(uploadedByteCount) >= ratio * Double(wantedByteCount) { return true }
        if let time, seedingFor >= time { return true }
        return false
    }
}
