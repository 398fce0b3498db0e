import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import Gateway

@Suite("Port bindings", .timeLimit(.minutes(1))) struct ServicesPortBindingsTests {
    @Test("a binding is there after a restart, by path and by serial number")
    func kept() async throws {
        let scratch = ScratchDirectory()
        let directory = scratch.path
        try await LoopThread.run {
            let bindings = PortBindings(stateDirectory: directory)
            #expect(bindings.profile(path: "1-1.2", serial: "A900") == nil)
            try bindings.bind("1-1.2", to: "and-tm-2657p")
            try bindings.bind("serial:A900", to: "tanita-mc-780")
            let again = PortBindings(stateDirectory: directory)
            #expect(again.bindings == bindings.bindings)
            #expect(again.profile(path: "1-1.2", serial: nil) == "and-tm-2657p")
            #expect(again.profile(path: "1-1.2", serial: "B") == "and-tm-2657p")
            #expect(
                again.profile(path: "1-1.2", serial: "A900") == "tanita-mc-780",
                "the adapter's own number says more than the socket")
            #expect(again.profile(path: "1-1.20", serial: nil) == nil)
        }
    }

    @Test("binding a port again replaces what it was bound to; unbinding forgets it")
    func replaced() async throws {
        let scratch = ScratchDirectory()
        let directory = scratch.path
        try await LoopThread.run {
            let bindings = PortBindings(stateDirectory: directory)
            try bindings.bind("1-1", to: "a")
            try bindings.bind("1-1", to: "b")
            #expect(bindings.bindings.count == 1)
            #expect(bindings.profile(path: "1-1", serial: nil) == "b")
            #expect(try bindings.unbind("1-1"))
            #expect(try !bindings.unbind("1-1"))
            #expect(PortBindings(stateDirectory: directory).bindings.isEmpty)
        }
    }

    @Test("a file that cannot be read binds nothing and is named, it is not taken for an empty one")
    func broken() async throws {
        let scratch = ScratchDirectory()
        scratch.write("ports.json", "{\"ports\":[{")
        let directory = scratch.path
        try await LoopThread.run {
            let bindings = PortBindings(stateDirectory: directory)
            #expect(bindings.bindings.isEmpty)
            #expect(bindings.problem?.contains("ports.json") == true)
            try bindings.bind("1-1", to: "a")
            #expect(bindings.problem == nil)
        }
    }

    @Test("a binding that cannot be stored is refused and does not count until the next restart")
    func notStored() async throws {
        try await LoopThread.run {
            let bindings = PortBindings(stateDirectory: "/nowhere/at/all")
            #expect(throws: PortBindings.Failure.self) { try bindings.bind("1-1", to: "a") }
            #expect(bindings.bindings.isEmpty)
        }
    }
}
