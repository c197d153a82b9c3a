/// What a worker may be told to do wrong, as `--selftest ROLE:ATTACK` names it: a taken-over or broken process, in the
/// real pool and on purpose. The first process of the role's first place does it, once it is ready; the code is in
/// `Sources/Shared/SelfTest`, and does nothing unless an environment variable unlocks it.
package enum Attack: String, CaseIterable, Sendable {
    /// A fault in the middle of its work.
    case crash
    /// The loop never comes back, while libzmq's own thread goes on answering.
    case spin
    /// The loop turns and hears no order.
    case mute
    /// The same, and it never rests.
    case busy
    /// The loop never rests, and does all its work beside that: an event that nobody consumes.
    case restless
    /// As many messages to the supervisor as go through.
    case flood
    /// A message to the supervisor that is longer than any may be.
    case oversize
    /// A frame to the supervisor that is none.
    case nonsense
    /// Messages to the supervisor at random, each of which a sound worker might say.
    case babble
    /// The same with numbers at the edges of what they can be.
    case overreach
    /// Changes the size and the seals of its own shared memory.
    case truncateArena = "truncate-arena"
    /// References to slots that the region does not have.
    case badrefSlot = "badref-slot"
    /// References to blocks that the piece does not have, of lengths that no block has.
    case badrefBlock = "badref-block"
    /// References to assignments that never were, with leases that nobody gave.
    case badrefStale = "badref-stale"
    /// Frames to hash-workers that are none.
    case badrefNonsense = "badref-nonsense"
    /// Changes bytes of its own region all the while, before and after it has told of the blocks in it.
    case scribble
    /// Frames of the assembly region that it does not have, for pieces that the torrent does not have.
    case badframes
    /// Answers to writes that nobody asked for.
    case badanswers
    /// Changes bytes of blocks in its own region after it has handed them over.
    case flip
    /// Asks the supervisor for files that hold nothing of ours.
    case wantFiles = "want-files"
    /// Opens files, makes sockets, signals others: what fails and ends nobody, each in turn; a writer tries to leave its
    /// directory, too.
    case trespass
    /// What a sandbox ends a worker for, one call each.
    case exec, fork, ptrace, peek
    case stealDescriptor = "steal-descriptor"
    case writeCode = "write-code"
    case mapCode = "map-code"
    case userfaultfd
    case ioUring = "io-uring"
    case bpf, perf, keyctl

    /// The variable that unlocks all of it, with the value 1.
    package static let key = "SWARMKEEPER_ALLOW_SELFTEST"
    /// Comes before the attack's name on a worker's command line.
    package static let flag = "--selftest"

    package var roles: Set<Role> {
        switch self {
        case .crash, .spin, .mute, .busy, .restless, .flood, .oversize, .nonsense, .trespass, .exec, .fork, .ptrace,
            .peek,
            .stealDescriptor, .writeCode, .mapCode, .userfaultfd, .ioUring, .bpf, .perf, .keyctl:
            [.peerWorker, .hashWorker, .writer]
        case .truncateArena: [.peerWorker, .hashWorker]
        case .flip, .babble, .overreach, .scribble, .badrefSlot, .badrefBlock, .badrefStale, .badrefNonsense,
            .wantFiles:
            [.peerWorker]
        case .badframes: [.hashWorker]
        case .badanswers: [.writer]
        }
    }
}
