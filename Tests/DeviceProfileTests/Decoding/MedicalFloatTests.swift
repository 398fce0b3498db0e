import DeviceProfile
import Measurement
import Testing

@Suite("Medical floats") struct MedicalFloatTests {
    struct Short: Sendable {
        var raw: UInt16
        var expected: MedicalFloat
        init(_ raw: UInt16, _ expected: MedicalFloat) {
            self.raw = raw
            self.expected = expected
        }
        init(_ raw: UInt16, _ mantissa: Int64, _ exponent: Int) {
            self.init(raw, .number(ExactDecimal(mantissa, exponent: exponent)))
        }
    }

    @Test(
        "A special SFLOAT is never taken for 2047 or −2048",
        arguments: [
            Short(0x07FF, .notANumber), Short(0x0800, .notAtThisResolution),
            Short(0x07FE, .positiveInfinity), Short(0x0802, .negativeInfinity),
            Short(0x0801, .reserved),
        ])
    func specials(_ item: Short) {
        #expect(MedicalFloat(sfloat: item.raw) == item.expected)
        #expect(MedicalFloat(sfloat: item.raw).number == nil)
    }

    @Test(
        "An SFLOAT keeps mantissa and exponent as they were sent, both two's complement",
        arguments: [
            Short(0xF014, 20, -1), Short(0xE0C8, 200, -2), Short(0x1002, 2, 1),
            Short(0x0B2E, -1234, 0), Short(0xF4F6, 1270, -1), Short(0xF0B0, 176, -1),
            Short(0xB078, 120, -5), Short(0x0FFF, -1, 0), Short(0x8001, 1, -8),
            Short(0x7001, 1, 7), Short(0x0000, 0, 0), Short(0x07FD, 2045, 0),
            Short(0x0803, -2045, 0),
            // The special mantissas are numbers under any other exponent.
            Short(0xF7FF, 2047, -1), Short(0x1800, -2048, 1), Short(0xF7FE, 2046, -1),
        ])
    func numbers(_ item: Short) {
        #expect(MedicalFloat(sfloat: item.raw) == item.expected)
    }

    @Test("Each of the 65,536 SFLOATs is one of five specials or its own mantissa and exponent")
    func everyShort() {
        var specials = 0
        for raw in UInt16.min...UInt16.max {
            guard let number = MedicalFloat(sfloat: raw).number else {
                specials += 1
                continue
            }
            let mantissa = UInt16(truncatingIfNeeded: number.mantissa) & 0x0FFF
            let exponent = UInt16(truncatingIfNeeded: number.exponent) & 0x000F
            #expect(exponent << 12 | mantissa == raw)
            #expect((-2_048...2_047).contains(number.mantissa))
            #expect((-8...7).contains(number.exponent))
        }
        #expect(specials == 5)
    }

    struct Long: Sendable {
        var raw: UInt32
        var expected: MedicalFloat
        init(_ raw: UInt32, _ expected: MedicalFloat) {
            self.raw = raw
            self.expected = expected
        }
        init(_ raw: UInt32, _ mantissa: Int64, _ exponent: Int) {
            self.init(raw, .number(ExactDecimal(mantissa, exponent: exponent)))
        }
    }

    @Test(
        "A special FLOAT is no number, and its neighbours are",
        arguments: [
            Long(0x007F_FFFF, .notANumber), Long(0x0080_0000, .notAtThisResolution),
            Long(0x007F_FFFE, .positiveInfinity), Long(0x0080_0002, .negativeInfinity),
            Long(0x0080_0001, .reserved), Long(0x007F_FFFD, 8_388_605, 0),
            Long(0x0080_0003, -8_388_605, 0), Long(0xFF7F_FFFF, 8_388_607, -1),
        ])
    func longSpecials(_ item: Long) {
        #expect(MedicalFloat(float: item.raw) == item.expected)
    }

    @Test(
        "A FLOAT keeps the digits of the device",
        arguments: [
            (UInt32(0xFF00_016D), "36.5"), (0xFF00_0168, "36.0"), (0xFE00_1E2D, "77.25"),
            (0xFE00_2580, "96.00"), (0x0000_01F4, "500"), (0xFFFF_FFFF, "-0.1"),
            (0x0200_0005, "500"), (0xFE00_1C5C, "72.60"),
        ])
    func longNumbers(_ raw: UInt32, _ text: String) {
        #expect(MedicalFloat(float: raw).number?.text == text)
    }
}
