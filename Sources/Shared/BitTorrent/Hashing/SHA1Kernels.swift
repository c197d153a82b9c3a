import CSHA1

/// What this machine computes SHA-1 with, for reports; the choice itself is made in `CSHA1`.
package enum SHA1Kernels {
    /// Names of the kernels that the CPU can run, the portable one first: "scalar", "sha-ni", "sha-ni-x2", "avx2-x8",
    /// "avx512-x8", "avx512-x16".
    package static var supported: [String] {
        (0..<UInt32(CSHA1_KERNEL_COUNT)).map { csha1_kernel($0) }
            .filter { csha1_kernel_is_supported($0) }
            .compactMap { csha1_kernel_name($0).map { String(cString: $0) } }
    }

    /// The environment variable that forces one of them for the whole process.
    package static let environmentName = CSHA1_ENVIRONMENT_NAME

    /// False if the variable names no kernel of this CPU and is therefore without effect.
    package static var environmentIsValid: Bool { csha1_environment_is_valid() }
}
