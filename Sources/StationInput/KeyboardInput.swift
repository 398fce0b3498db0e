/// One `struct input_event` of the kernel, without its time.
package struct InputEvent: Sendable, Equatable {
    package var type: UInt16
    package var code: UInt16
    package var value: Int32

    package init(type: UInt16, code: UInt16, value: Int32) {
        self.type = type
        self.code = code
        self.value = value
    }

    /// Two words of time, type, code, value; in the machine's own order of bytes.
    package static let size = 2 * MemoryLayout<Int>.size + 8

    /// Takes the whole events off the front of what was read.
    package static func take(_ bytes: inout [UInt8]) -> [InputEvent] {
        let count = bytes.count / size
        let events = (0..<count).map { number in
            let place = number * size + size - 8
            func word(_ offset: Int) -> UInt32 {
                (0..<4).reduce(0) { $0 | UInt32(bytes[place + offset + $1]) << UInt32(8 * $1) }
            }
            let head = word(0)
            return InputEvent(
                type: UInt16(truncatingIfNeeded: head),
                code: UInt16(truncatingIfNeeded: head >> 16),
                value: Int32(bitPattern: word(4)))
        }
        bytes.removeFirst(count * size)
        return events
    }
}

/// A reader that types: the kernel's key events become codes.
///
/// A code ends with Enter or Tab. Where the kernel dropped events, all that came until the next end is
/// refused: a code with a character missing may be somebody else's.
package struct KeyboardInput: Sendable {
    package private(set) var assembler: CodeAssembler
    private let map: KeyMap
    private var shifts: Set<UInt16> = []
    private var others: Set<UInt16> = []

    package init(_ map: KeyMap, _ assembler: CodeAssembler = CodeAssembler()) {
        self.map = map
        self.assembler = assembler
    }

    private enum Key {
        static let ends: Set<UInt16> = [15, 28, 96]  // Tab, Enter, keypad Enter
        static let shifts: Set<UInt16> = [42, 54]
        static let others: Set<UInt16> = [29, 97, 56, 100, 125, 126]  // Ctrl, Alt, Meta
        /// Caps, Num, Scroll: codes have no case.
        static let locks: Set<UInt16> = [58, 69, 70]
    }

    /// Takes an event; gives what it completes.
    package mutating func take(_ event: InputEvent) -> ReaderInput? {
        if event.type == 0, event.code == 3 {  // SYN_DROPPED
            // Which keys are held is not known any more either.
            shifts = []
            others = []
            assembler.spoil(.lost)
            return nil
        }
        // EV_KEY; 2 is a key that repeats because it is held: readers do not hold keys.
        guard event.type == 1, event.value == 0 || event.value == 1 else { return nil }
        let isPressed = event.value == 1
        if Key.shifts.contains(event.code) {
            if isPressed { shifts.insert(event.code) } else { shifts.remove(event.code) }
            return nil
        }
        if Key.others.contains(event.code) {
            if isPressed { others.insert(event.code) } else { others.remove(event.code) }
            return nil
        }
        guard isPressed, !Key.locks.contains(event.code) else { return nil }
        if Key.ends.contains(event.code) { return assembler.end() }
        if others.isEmpty, let typed = map.character(event.code, isShifted: !shifts.isEmpty) {
            assembler.add(typed)
        } else {
            assembler.spoil(.unreadable)
        }
        return nil
    }

    package mutating func paused() -> ReaderInput? { assembler.paused() }
}
