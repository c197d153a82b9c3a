import CLinux
import PoolProtocol
import PoolRuntime

/// Files that the supervisor makes or changes below `--dir` while it is root, on behalf of the user that the workers
/// become: with that user's rights, and belonging to it.
enum FileOwner {
    /// - Parameter owner: nil: as whoever we are.
    static func acting<Result>(
        as owner: SandboxOrder.Identity?, _ body: () throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        guard let owner else { return try body() }
        try checked("setfsuid", clinux_reach_files_as(owner.user, owner.group))
        defer { _ = clinux_reach_files_as(0, 0) }
        return try body()
    }
}
