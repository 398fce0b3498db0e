import EventLoop
import GatewayTestKit
import Testing

@testable import BluetoothLink

@Suite struct BusValueTests {
    static let values: [BusValue] = [
        .byte(255), true, false, .int16(.min), .uint16(.max), .int32(.min), .uint32(.max),
        .int64(.min), .uint64(.max), .double(-1.5), "", "健康", .objectPath("/a/b"),
        .signature("a{sv}"), .variant(.variant("deep")), .structure([.byte(1), "two"]),
        .array([], of: "s"), .strings(["a", "b"]), .array([.array([], of: "u")], of: "au"),
        .bytes([]), .bytes(Array(0...255)), .dictionary([:], of: "{sv}"),
        .properties(["Transport": "le", "Flag": true, "Data": .bytes([1, 2])]),
        .dictionary([.uint16(0x157): .variant(.bytes([3]))], of: "{qv}"),
        .dictionary(
            [
                .objectPath("/o"): .dictionary(
                    [.string("i"): .properties(["p": .int16(-4)])], of: "{sa{sv}}")
            ],
            of: "{oa{sa{sv}}}"),
    ]

    @Test(arguments: values)
    func `a value comes back from a peer as it was sent`(_ value: BusValue) async throws {
        let bus = try PrivateBus()
        let answer = try await LoopThread.run {
            let server = try Bus.open(bus.address)
            let client = try Bus.open(bus.address)
            let slot = try server.export("/echo") { call throws(BusError) in call.body }
            try await server.requestName("test.echo")
            let answer = try await client.call(BusCall("test.echo", "/echo", "t.E", "Echo", value))
            withExtendedLifetime(slot) {}
            return answer
        }
        #expect(answer == [value])
        #expect(answer.first?.signature == value.signature)
    }

    @Test(arguments: [
        BusValue.array(["text"], of: "u"), .objectPath("no path"), .signature("(("),
        .dictionary(["a": "b"], of: "{su}"), .array([], of: "{"),
    ])
    func `a value that fits no D-Bus type is an error, and the bus stays usable`(
        _ value: BusValue
    ) async throws {
        let bus = try PrivateBus()
        try await LoopThread.run {
            let client = try Bus.open(bus.address)
            await #expect(throws: BusError.self) {
                _ = try await client.call(
                    BusCall("org.freedesktop.DBus", "/", "org.freedesktop.DBus.Peer", "Ping", value)
                )
            }
            _ = try await client.call(
                BusCall("org.freedesktop.DBus", "/", "org.freedesktop.DBus.Peer", "Ping"))
        }
    }

    @Test func `readers look through variants and refuse other types`() {
        let nested = BusValue.variant(.variant(.uint16(7)))
        #expect(nested.integer == 7)
        #expect(nested.string == nil && nested.bool == nil && nested.bytes == nil)
        #expect(BusValue.uint64(.max).integer == nil)
        #expect(BusValue.int64(-3).integer == -3)
        #expect(BusValue.array([], of: "y").bytes == [])
        #expect(BusValue.strings(["x"]).strings == ["x"])
        #expect(BusValue.dictionary([.uint16(1): "x"], of: "{qs}").properties == nil)
        #expect(BusValue.properties(["a": .variant("b")]).properties == ["a": "b"])
    }
}
