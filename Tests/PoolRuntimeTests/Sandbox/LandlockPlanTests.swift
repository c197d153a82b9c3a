import PoolProtocol
import Testing

@testable import PoolRuntime

struct LandlockPlanTests {
    private func plan(
        _ role: Role, _ version: Int = 7, wanted: SandboxLayers = .all, bindsAddress: Bool = false
    ) -> LandlockPlan { LandlockPlan(role: role, version: version, wanted: wanted, bindsAddress: bindsAddress) }

    @Test func onlyTheWriterHasADirectory() {
        #expect(plan(.peerWorker).directoryRights == [])
        #expect(plan(.hashWorker).directoryRights == [])
        let writer = plan(.writer).directoryRights
        #expect(writer.isSuperset(of: [.writeFile, .makeRegularFile, .makeDirectory, .truncate]))
        #expect(
            writer.isDisjoint(with: [
                .execute, .makeLink, .makeSocket, .makePipe, .makeBlockDevice, .makeCharacterDevice, .removeFile,
                .removeDirectory, .refer, .controlDevice,
            ]))
    }

    @Test func onlyPeerWorkersConnectAndNobodyBinds() {
        #expect(plan(.peerWorker).ports == .bindTCP)
        #expect(plan(.hashWorker).ports == [.bindTCP, .connectTCP])
        #expect(plan(.writer).ports == [.bindTCP, .connectTCP])
        #expect(plan(.peerWorker, bindsAddress: true).bindsAnyPort)
        #expect(!plan(.peerWorker).bindsAnyPort)
        #expect(!plan(.writer, bindsAddress: true).bindsAnyPort)
    }

    /// The kernel refuses a ruleset with a bit that it does not know, and a rule with one that the ruleset does not have.
    @Test(arguments: 0...7) func nothingIsAskedOfAVersionThatItDoesNotKnow(version: Int) {
        for role in [.peerWorker, .hashWorker, .writer] as [Role] {
            let plan = plan(role, version, bindsAddress: true)
            #expect(plan.layers.contains(.files) == (version >= 1))
            #expect(plan.layers.contains(.ports) == (version >= 4))
            #expect(plan.layers.contains(.signals) == (version >= 6))
            #expect(plan.files.contains(.refer) == (version >= 2))
            #expect(plan.files.contains(.truncate) == (version >= 3))
            #expect(plan.files.contains(.controlDevice) == (version >= 5))
            #expect(plan.ports.isEmpty == (version < 4))
            #expect(plan.scopes.isEmpty == (version < 6))
            #expect(!plan.bindsAnyPort || version >= 4)
            #expect(plan.files.isSuperset(of: plan.directoryRights))
        }
    }

    @Test func aLayerThatIsNotWantedIsLeftAlone() {
        let plan = plan(.writer, wanted: [.signals, .calls])
        #expect(plan.layers == .signals)
        #expect(plan.files.isEmpty && plan.ports.isEmpty && plan.directoryRights.isEmpty)
    }

    @Test func whatAKernelLacksIsNamed() {
        let full = SandboxSupport(landlockVersion: 7, hasSystemCallFilters: true)
        #expect(full.lack(of: .all) == nil)
        let old = SandboxSupport(landlockVersion: 2, hasSystemCallFilters: true)
        #expect(
            old.lack(of: .all) == "this kernel has version 2 of Landlock: nothing guards ports, signals")
        #expect(old.lack(of: [.files, .calls]) == nil)
        let none = SandboxSupport(landlockVersion: 0, hasSystemCallFilters: false)
        #expect(
            none.lack(of: .all)
                == "this kernel has no Landlock and has no system call filters: nothing guards files, ports, signals, calls"
        )
    }
}
