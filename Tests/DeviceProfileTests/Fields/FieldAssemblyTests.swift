import DeviceProfile
import Measurement
import Testing

@Suite("Frames that come in several notifications") struct FieldAssemblyTests {
    private func layout(_ id: String, _ source: String) throws -> FrameLayout {
        let profile = try #require(Shipped.loaded.index[id: id])
        return try #require(FrameSource(source).flatMap { profile.layout(for: $0) })
    }

    private func sbf70() throws -> FrameLayout { try layout("sanitas-sbf70", "gatt:ffe1") }
    private static let parts = [
        bytes("E759 03 01 010000000000000065"), bytes("E759 03 02 5F5E1000 085E 01F4 00FA 01"),
        bytes("E759 03 03 F4 0190"),
    ]

    @Test("Numbered parts are joined, and a value that lies across two of them is whole")
    func numbered() throws {
        let layout = try sbf70()
        var assembler = FrameAssembler()
        #expect(assembler.take(Self.parts[0], for: layout) == .waiting)
        #expect(assembler.take(Self.parts[1], for: layout) == .waiting)
        guard case .whole(let frame) = assembler.take(Self.parts[2], for: layout) else {
            Issue.record("the last part gave nothing")
            return
        }
        #expect(
            layout.decode(frame).line
                == "measurement; weight 107.10 kg; impedance 500 Ohm; body_fat 25.0 %; "
                + "body_water 50.0 %; muscle 40.0 %; at 2020-09-13T12:26:40")
        #expect(assembler.broken == 0)
    }

    @Test("A frame that is no part goes through while others wait")
    func between() throws {
        let layout = try sbf70()
        var assembler = FrameAssembler()
        _ = assembler.take(Self.parts[1], for: layout)
        let live = bytes("E758 01 085E")
        #expect(assembler.take(live, for: layout) == .whole(live))
        guard case .whole = assembler.take(Self.parts[2], for: layout) else {
            Issue.record("the parts around it were lost")
            return
        }
    }

    @Test(
        "A missing, repeated or unannounced part gives the frame up, is counted, and the next one works",
        arguments: [[2], [1, 1, 2], [1, 0, 1, 1]])
    func outOfOrder(_ order: [Int]) throws {
        let layout = try sbf70()
        var assembler = FrameAssembler()
        let results = order.map { assembler.take(Self.parts[$0], for: layout) }
        let whole = results.filter { if case .whole = $0 { true } else { false } }
        if order == [1, 1, 2] {
            // The device began again: the first part 2 is dropped for the second.
            #expect(whole.count == 1)
        } else {
            #expect(whole.isEmpty)
        }
        assembler = FrameAssembler()
        for part in Self.parts.dropLast() { _ = assembler.take(part, for: layout) }
        guard case .whole = assembler.take(Self.parts[2], for: layout) else {
            Issue.record("a new frame is not read")
            return
        }
    }

    private static var memory: [UInt8] {
        var frame = bytes("4D3A 0031") + [UInt8](repeating: 0, count: 38)
        frame += bytes("78503C18060F0E1E0000")
        return frame + [frame.reduce(0, &+)]
    }

    @Test("An answer that says its length is whole when all of it came", arguments: [1, 7, 20, 53])
    func counted(_ size: Int) throws {
        let layout = try layout("microlife-bp3gy1-2n", "gatt:fff1")
        var assembler = FrameAssembler()
        var rest = Self.memory[...]
        var whole: [UInt8]?
        while !rest.isEmpty {
            let result = assembler.take(Array(rest.prefix(size)), for: layout)
            rest = rest.dropFirst(size)
            if case .whole(let frame) = result { whole = frame }
            #expect((result == .waiting) == !rest.isEmpty)
        }
        #expect(whole == Self.memory)
        let shown = try layout.readings(#require(whole)).map(\.shown)
        #expect(shown == [["systolic 120 mm[Hg]", "diastolic 80 mm[Hg]", "pulse_rate 60 /min"]])
    }

    @Test("Bytes that begin no frame, or run past it, are given up and counted")
    func countedBroken() throws {
        let layout = try layout("microlife-bp3gy1-2n", "gatt:fff1")
        var assembler = FrameAssembler()
        for frame in [bytes("FF00"), Self.memory + [0], bytes("4D3A FFFF") + [0]] {
            guard case .broken = assembler.take(frame, for: layout) else {
                Issue.record("\(frame.count) bytes were taken")
                continue
            }
        }
        #expect(assembler.broken == 3)
        #expect(assembler.take(Self.memory, for: layout) == .whole(Self.memory))
    }

    @Test("Two sources are put together each for itself")
    func sources() throws {
        let scale = try sbf70()
        let cuff = try layout("microlife-bp3gy1-2n", "gatt:fff1")
        var assembler = FrameAssembler()
        _ = assembler.take(Self.parts[1], for: scale)
        _ = assembler.take(Array(Self.memory.prefix(20)), for: cuff)
        guard case .whole = assembler.take(Self.parts[2], for: scale) else {
            Issue.record("the scale's frame was lost")
            return
        }
        #expect(
            assembler.take(Array(Self.memory.dropFirst(20)), for: cuff) == .whole(Self.memory))
    }

    @Test("A layout without assembly gets every notification as it is")
    func none() throws {
        let layout = try layout("sig", "gatt:2a35")
        var assembler = FrameAssembler()
        #expect(assembler.take([1, 2, 3], for: layout) == .whole([1, 2, 3]))
        #expect(assembler.take([], for: layout) == .whole([]))
    }
}
