import PoolProtocol
import Testing

struct SandboxTests {
    @Test func stateSurvivesTheStatusPage() {
        for inForce in [[], .all, [.files, .calls]] as [SandboxLayers] {
            let state = SandboxState(inForce: inForce, missing: SandboxLayers.all.subtracting(inForce))
            #expect(state.word != 0)
            #expect(SandboxState(word: state.word) == state)
        }
        #expect(SandboxState(word: 0) == nil, "the worker has not told yet")
        #expect(SandboxState(word: 7 << 32) == nil)
        #expect(SandboxState(word: 1 << 32 | 0xFFFF_FFFF)?.inForce == .all, "bits without a meaning are dropped")
    }

    @Test func stateHasAName() {
        #expect(SandboxState(inForce: .all, missing: []).name == "full")
        #expect(SandboxState(inForce: [.calls], missing: [.files]).name == "partial")
        #expect(SandboxState(inForce: [], missing: []).name == "off")
    }

    @Test func layersAreReadAsTheyAreWritten() {
        #expect(SandboxLayers.all.words == ["privileges", "limits", "files", "ports", "signals", "calls"])
        #expect(SandboxLayers(words: SandboxLayers.all.words) == .all)
        #expect(SandboxLayers(words: ["calls", "files"]) == [.files, .calls])
        #expect(SandboxLayers(words: ["calls", "walls"]) == nil)
        #expect(SandboxLayers(words: [String]()) == [])
    }
}
