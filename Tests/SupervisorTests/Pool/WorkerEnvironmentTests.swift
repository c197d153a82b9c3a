import Testing

@testable import Supervisor

@Suite struct WorkerEnvironmentTests {
    @Test func onlyWhatSystemLibrariesAndWorkersReadIsPassedOn() {
        let given = [
            "PATH": "/bin", "LC_ALL": "C", "LD_PRELOAD": "x.so", "TSAN_OPTIONS": "a=b", "SWARMKEEPER_SHA1": "scalar",
            "SWARMKEEPER_ALLOW_SELFTEST": "1", "XDG_RUNTIME_DIR": "/run/user/1000",
        ]
        let kept = [
            "AWS_SECRET_ACCESS_KEY": "k", "https_proxy": "http://user:password@proxy", "SWARMKEEPER_PROXY": "secret",
            "XPATH": "x", "MY_LC_ALL": "x",
        ]
        var selected = WorkerEnvironment.selected(from: given.merging(kept) { first, _ in first })
        #expect(selected.removeValue(forKey: "SWIFT_BACKTRACE") == "enable=no")
        #expect(selected == given)
    }

    @Test func aBacktracerThatTheUserWantsIsOffAllTheSame() {
        #expect(WorkerEnvironment.selected(from: ["SWIFT_BACKTRACE": "enable=yes"]) == ["SWIFT_BACKTRACE": "enable=no"])
    }
}
