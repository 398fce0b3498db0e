import DeviceLink
import Testing

@testable import BluetoothLink

/// What bluetoothd's errors mean for a session.
@Suite struct LinkErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var message = ""
        var expected: LinkError
        var testDescription: String { "\(name) \(message)" }
    }
    static let cases = [
        Case(
            name: "NotConnected", message: "Not Connected",
            expected: .disconnected("x: Not Connected")),
        Case(name: "Failed", message: "Not connected", expected: .disconnected("x: Not connected")),
        Case(
            name: "Failed", message: "Software caused connection abort",
            expected: .unreachable("x: Software caused connection abort")),
        Case(
            name: "AuthenticationFailed", message: "Authentication Failed",
            expected: .pairingFailed("x: Authentication Failed")),
        Case(
            name: "AuthenticationTimeout",
            expected: .pairingFailed(
                "x: org.bluez.Error.AuthenticationTimeout")),
        Case(
            name: "AuthenticationRejected", message: "no", expected: .pairingFailed("x: no")),
        Case(
            name: "AuthenticationCanceled", message: "no", expected: .pairingFailed("x: no")),
        Case(
            name: "ConnectionAttemptFailed", message: "Page Timeout",
            expected: .unreachable("x: Page Timeout")),
        Case(name: "NotPermitted", message: "no", expected: .refused(att: 0x03, "x: no")),
        Case(name: "NotAuthorized", message: "no", expected: .refused(att: 0x08, "x: no")),
        Case(name: "NotSupported", message: "no", expected: .refused(att: 0x06, "x: no")),
        Case(name: "InvalidOffset", message: "no", expected: .refused(att: 0x07, "x: no")),
        Case(name: "InvalidValueLength", message: "no", expected: .refused(att: 0x0D, "x: no")),
        Case(
            name: "Failed", message: "Operation failed with ATT error: 0x80 (Application error)",
            expected: .refused(
                att: 0x80, "x: Operation failed with ATT error: 0x80 (Application error)")),
        Case(
            name: "Failed", message: "Operation failed with ATT error: 0xzz",
            expected: .unreachable("x: Operation failed with ATT error: 0xzz")),
        Case(name: "DoesNotExist", message: "gone", expected: .unreachable("x: gone")),
        Case(name: "NewInvention", message: "what", expected: .stackFailed("x: what")),
    ]

    @Test(arguments: cases)
    func `an error names what the caller can do`(_ test: Case) {
        let error = BusError(name: "org.bluez.Error." + test.name, message: test.message)
        #expect(LinkError(error, during: "x") == test.expected)
    }

    @Test func `a stack that does not answer is not taken for a device that does not`() {
        let hung = BusError(name: BusError.timeoutName, message: "no answer")
        #expect(LinkError(hung, during: "read") == .stackFailed("read: no answer"))
        let gone = BusError(
            name: "org.freedesktop.DBus.Error.UnknownObject", message: "no such object")
        #expect(LinkError(gone, during: "read") == .unreachable("read: no such object"))
    }

    @Test(arguments: [
        ("org.bluez.Error.InProgress", "", true),
        ("org.bluez.Error.Failed", "Operation already in progress", true),
        ("org.bluez.Error.Failed", "Failed", false), ("org.bluez.Error.Busy", "", false),
    ])
    func `an operation under way is known in either of bluetoothd's words`(
        name: String, message: String, expected: Bool
    ) {
        #expect(BusError(name: name, message: message).isUnderWay == expected)
    }
}
