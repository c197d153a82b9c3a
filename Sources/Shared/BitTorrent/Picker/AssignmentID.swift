/// Names one attempt at one piece at one hash-worker. Counted up from 1 by the supervisor and never reused within a
/// run, so that a late or forged reference meets nothing that is still open.
package typealias AssignmentID = UInt64
