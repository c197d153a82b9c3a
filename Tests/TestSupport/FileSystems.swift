import Foundation

/// Whether a path lies on ext4, the one file system on which the writer reserves room by itself.
package func liesOnExt4(_ path: String) throws -> Bool {
    let stat = Process(), output = Pipe()
    stat.executableURL = URL(fileURLWithPath: "/usr/bin/stat")
    stat.arguments = ["--file-system", "--format=%t", path]
    stat.standardOutput = output
    try stat.run()
    // ext2 and ext3 have the same number; nobody mounts those any more without ext4's code.
    return output.fileHandleForReading.readDataToEndOfFile() == Data("ef53\n".utf8)
}
