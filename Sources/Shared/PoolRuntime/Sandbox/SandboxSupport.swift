import CLinux
package import PoolProtocol

/// What this machine's kernel can do for a sandbox, found out by asking it.
package struct SandboxSupport: Equatable {
    /// Of Landlock; 0: none.
    package let landlockVersion: Int
    package let hasSystemCallFilters: Bool

    package static func probe() -> SandboxSupport {
        SandboxSupport(
            landlockVersion: max(0, Int(clinux_landlock_version())),
            hasSystemCallFilters: clinux_has_system_call_filters() == 1)
    }

    package var layers: SandboxLayers {
        var layers: SandboxLayers = [.privileges, .limits]
        layers.formUnion(LandlockPlan.layers(ofVersion: landlockVersion))
        if hasSystemCallFilters { layers.insert(.calls) }
        return layers
    }

    /// What this kernel lacks of `wanted`, for the user; nil: nothing.
    package func lack(of wanted: SandboxLayers) -> String? {
        let missing = wanted.subtracting(layers)
        guard !missing.isEmpty else { return nil }
        let landlock = landlockVersion == 0 ? "has no Landlock" : "has version \(landlockVersion) of Landlock"
        let reasons = [
            missing.isDisjoint(with: [.files, .ports, .signals]) ? nil : landlock,
            missing.contains(.calls) ? "has no system call filters" : nil,
        ]
        return "this kernel \(reasons.compactMap { $0 }.joined(separator: " and ")): "
            + "nothing guards \(missing.words.joined(separator: ", "))"
    }
}
