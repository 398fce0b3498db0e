import DeviceProfile
import Measurement
import Testing

@Suite("What a device says of itself, its abilities and its users") struct StateFormatTests {
    private func text(_ format: StateFormat, _ hex: String) -> String {
        let reading = read(.state(format), hex)
        var parts = [reading.outcome.rawValue]
        if let time = reading.deviceTime { parts.append("at \(time)") }
        if let slot = reading.userSlot { parts.append("user \(slot)") }
        parts += reading.flags.map { "#" + $0 }
        parts += reading.details.map { "\($0.name)=\($0.value)" }
        if let reason = reading.reason { parts.append("\(reason) @\(reading.offset ?? -1)") }
        return parts.joined(separator: " ")
    }

    @Test(
        "The identity of a device is shown as its maker wrote it",
        arguments: [
            (.systemID, "DEBC9AFEFF563412", "device-state eui_64=0x123456FFFE9ABCDE"),
            (.systemID, "DEBC9AFEFF5634", "rejected the frame ends inside the system id @7"),
            (
                .pnpID, "02 3412 7856 0001",
                "device-state vendor_id_source=usb vendor_id=0x1234 product_id=0x5678 "
                    + "product_version=0x0100"
            ),
            (.pnpID, "00 3412 7856 0001", "rejected vendor id source 0 is reserved @0"),
            (.pnpID, "03 3412 7856 0001", "rejected vendor id source 3 is reserved @0"),
            (.deviceText, "55432D333532 0000", "device-state text=UC-352"),
            (.deviceText, "E382BF", "device-state text=タ"),
            (.deviceText, "5543 00 41", "rejected bytes behind the end of the text @2"),
            (.deviceText, "0000", "rejected an empty text @0"),
            (.deviceText, "C328", "rejected the text is not UTF-8 @0"),
        ] as [(StateFormat, String, String)])
    func identity(_ format: StateFormat, _ hex: String, _ expected: String) {
        #expect(text(format, hex) == expected)
    }

    @Test(
        "A feature tells what the device can do, and bits of the future do no harm",
        arguments: [
            (
                .bloodPressureFeature, "3700",
                "device-state #body-movement-detection #cuff-fit-detection "
                    + "#irregular-pulse-detection #measurement-position-detection #multiple-bonds"
            ),
            (.bloodPressureFeature, "00C0", "device-state"),
            (.glucoseFeature, "0006", "device-state #time-fault-detection #multiple-bonds"),
            (
                .weightScaleFeature, "BB010000",
                "device-state #time-stamp #multiple-users weight_resolution=0.005 kg "
                    + "weight_resolution_imperial=0.01 lb height_resolution=0.001 m "
                    + "height_resolution_imperial=0.1 in"
            ),
            (
                .weightScaleFeature, "08000000",
                "device-state weight_resolution=0.5 kg weight_resolution_imperial=1 lb"
            ),
            (.weightScaleFeature, "40000000", "rejected weight resolution 8 is reserved @0"),
            (.weightScaleFeature, "00020000", "rejected height resolution 4 is reserved @0"),
            (.weightScaleFeature, "000000", "rejected the frame ends inside features @3"),
            (
                .bodyCompositionFeature, "02380000",
                "device-state #multiple-users mass_resolution=0.005 kg mass_resolution_imperial=0.01 lb"
            ),
            (
                .bodyCompositionFeature, "00840000",
                "device-state #height height_resolution=0.01 m height_resolution_imperial=1 in"
            ),
            (.physicalActivityFeatures, "0500000000000080", "device-state feature_bits=0 2 63"),
        ] as [(StateFormat, String, String)])
    func features(_ format: StateFormat, _ hex: String, _ expected: String) {
        #expect(text(format, hex) == expected)
    }

    @Test(
        "The control point of users is read in both directions and shows no consent code",
        arguments: [
            ("01 D204", "device-state"), ("02 03 D204", "device-state user 3"),
            ("02 FF D204", "device-state"), ("03", "device-state"), ("04", "device-state"),
            ("05 02", "device-state user 2"), ("20 01 01 03", "device-state user 3 result=success"),
            ("20 04 01 02", "device-state users=2 result=success"),
            ("20 05 01 02", "device-state user 2 result=success"),
            ("20 02 01", "device-state result=success"),
            ("20 02 05", "device-state result=user-not-authorised"),
            ("20 02 03", "device-state result=invalid-parameter"),
            ("20 01 04", "device-state result=operation-failed"),
            ("20 03 02", "device-state result=opcode-unsupported"),
            ("20 01 01", "rejected the frame ends inside response parameter @3"),
            ("20 02 01 07", "rejected 1 byte(s) after the last field @3"),
            ("20 06 01", "rejected request opcode 6 is reserved @1"),
            ("20 02 06", "rejected response value 6 is reserved @2"),
            ("02 03 1027", "rejected a consent code above 9999 @2"),
            ("06", "rejected opcode 6 is reserved @0"), ("00", "rejected opcode 0 is reserved @0"),
            ("04 00", "rejected 1 byte(s) after the last field @1"),
        ])
    func users(_ hex: String, _ expected: String) {
        #expect(text(.userControlPoint, hex) == expected)
    }

    @Test("A request holds just what the device wants, and no code of five digits")
    func requests() throws {
        #expect(UserControl.consent(user: 2, code: 1234) == bytes("02 02 D204"))
        #expect(UserControl.register(consent: 9_999) == bytes("01 0F27"))
        #expect(UserControl.consent(user: 2, code: 10_000) == nil)
        #expect(UserControl.register(consent: -1) == nil)
        #expect(UserControl.listAllUsers == [4])
        let answer = try UserControl.response(bytes("20 01 01 03"))
        #expect(answer.request == 1 && answer.result == .success && answer.number == 3)
        #expect(throws: DecodeError.self) { try UserControl.response(bytes("02 03 D204")) }
    }

    @Test("A user is known by number alone, and the unknown one is nobody")
    func index() {
        #expect(text(.userIndex, "03") == "device-state user 3")
        #expect(text(.userIndex, "FF") == "device-state")
        #expect(text(.databaseChangeIncrement, "01020000") == "device-state change_increment=513")
    }

    @Test(
        "A clock of elapsed time says its date, its step and its timeline",
        arguments: [
            (
                "32 7E75E8300000 04 24 00 03",
                "device-state at 2026-01-01T08:59:58 #utc #applies-dst #manages-time-zone "
                    + "resolution_us=1000000 synchronisation_source=4 offset_minutes=540"
            ),
            (
                "20 7E75E8300000 00 00",
                "device-state at 2025-12-31T23:59:58 resolution_us=1000000 synchronisation_source=0"
            ),
            (
                "28 0F00000000000000",
                "device-state at 2000-01-01T00:00:00 resolution_us=1000 synchronisation_source=0"
            ),
            (
                "01 0A0000000000 00 00 01 00",
                "device-state #not-current-timeline #clock-needs-setting ticks=10 "
                    + "resolution_us=1000000 synchronisation_source=0"
            ),
            (
                "20 000000000000 00 00",
                "device-state resolution_us=1000000 synchronisation_source=0"
            ),
            ("60 7E75E8300000 00 00", "rejected reserved bits are set in flags @0"),
            ("30 7E75E8300000 00 70", "rejected an offset of more than 14 hours @8"),
            ("20 7E75E8300000 00", "rejected the frame ends inside offset @8"),
            ("20 7E75E8300000 00 00 00", "rejected the frame ends inside capabilities @10"),
            ("20 7E75E8300000 00 00 02 00", "rejected reserved bits are set in clock status @9"),
            (
                "20 FFFFFFFFFFFF 00 00",
                "device-state resolution_us=1000000 synchronisation_source=0"
            ),
        ])
    func elapsedTime(_ hex: String, _ expected: String) {
        #expect(text(.elapsedTime, hex) == expected)
    }

    @Test("The time rules get the zone of a clock in UTC and the timeline of its stamps")
    func clockState() throws {
        let clock = try ElapsedTime(parsing: bytes("32 7E75E8300000 04 24"))
        #expect(clock.time?.description == "2025-12-31T23:59:58")
        #expect(clock.state == ClockState(isUTC: true, isCurrent: true, utcOffsetMinutes: 540))
        #expect(clock.needsSetting == nil)
        let local = try ElapsedTime(parsing: bytes("10 7E75E8300000 04 24"))
        #expect(local.shown == local.time)
        #expect(local.state == ClockState(isUTC: false, isCurrent: false))
    }

    @Test(
        "A clock of the standard may be short, and says who set it",
        arguments: [
            (.currentTime, "E9070C1F173B3A", "device-state at 2025-12-31T23:59:58"),
            (
                .currentTime, "E9070C1F173B3A 03 80 0F",
                "device-state at 2025-12-31T23:59:58 #set-by-hand #external-reference "
                    + "#time-zone-change #dst-change"
            ),
            (
                .currentTime, "E9070C1F173B3A 03",
                "rejected the frame ends inside fractions of a second @8"
            ),
            (.dayDateTime, "E9070C1F173B3A 03", "device-state at 2025-12-31T23:59:58"),
            (.dayDateTime, "E9070C1F173B3A 08", "rejected a day of the week above 7 @7"),
            (.localTimeInformation, "24 04", "device-state time_zone_minutes=540 dst_minutes=60"),
            (
                .localTimeInformation, "80 FF",
                "device-state time_zone_minutes=unknown dst_minutes=unknown"
            ),
            (
                .localTimeInformation, "39 00",
                "rejected no time zone is 57 quarters of an hour off @0"
            ),
            (.localTimeInformation, "24 03", "rejected daylight saving offset 3 is reserved @1"),
        ] as [(StateFormat, String, String)])
    func clocks(_ format: StateFormat, _ hex: String, _ expected: String) {
        #expect(text(format, hex) == expected)
    }
}
