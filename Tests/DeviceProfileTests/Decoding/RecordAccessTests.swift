import DeviceProfile
import Testing

@Suite("Record Access Control Point 2A52") struct RecordAccessTests {
    @Test("What the gateway writes never deletes, and asks from the next number on")
    func requests() {
        #expect(RecordAccess.reportAll == [1, 1])
        #expect(RecordAccess.abort == [3, 0])
        #expect(RecordAccess.count == [4, 1])
        #expect(RecordAccess.report(from: 5) == [1, 3, 1, 5, 0])
        #expect(RecordAccess.report(from: 0x1234) == [1, 3, 1, 0x34, 0x12])
        for request in [RecordAccess.reportAll, RecordAccess.abort, RecordAccess.report(from: 9)] {
            #expect(read(.recordAccess, request).outcome == .deviceState)
        }
    }

    @Test(
        "Every request and answer of the standard and of Omron's option service is understood",
        arguments: [
            "01 01", "01 03 01 0400", "04 01", "04 03 04 FFFF", "03 00", "06 00 01 01",
            "06 00 01 06", "05 00 0000", "11 00 FFFF", "10 00", "01 05", "01 06", "02 01",
            "01 02 01 0900", "01 04 01 0100 0900", "01 03 02 E9070C1F173B3A",
        ])
    func understood(_ hex: String) {
        #expect(read(.recordAccess, hex).outcome == .deviceState)
    }

    @Test(
        "A frame of another length or with a reserved number is refused",
        arguments: [
            "", "01", "01 01 00", "01 03", "01 03 01", "01 03 01 04", "01 03 03 0400", "01 00",
            "01 07", "03 01", "05 00 00", "05 01 0000", "06 00 01", "06 00 01 0A", "06 00 01 00",
            "07 00", "11 00 FF", "00 00", "01 04 01 0100",
        ])
    func refused(_ hex: String) {
        #expect(read(.recordAccess, hex).outcome == .rejected)
    }

    @Test("An answer tells the request it belongs to from how it ended")
    func answers() throws {
        #expect(try RecordAccess.response([5, 0, 0x20, 1]) == .count(288))
        #expect(
            try RecordAccess.response([6, 0, 1, 1]) == .code(request: 1, .success))
        #expect(
            try RecordAccess.response([6, 0, 1, 6]) == .code(request: 1, .noRecords))
        #expect(throws: DecodeError.self) { try RecordAccess.response([1, 1]) }
        #expect(throws: DecodeError.self) { try RecordAccess.response([6, 0, 1, 99]) }
        #expect(throws: DecodeError.self) { try RecordAccess.response([5, 0, 1]) }
    }

    @Test("Only a meter that does not know the filter is asked for all its records again")
    func unsupportedFilters() {
        let codes: [RecordAccess.ResponseCode] = [
            .invalidOperator, .operatorUnsupported, .invalidOperand, .operandUnsupported,
        ]
        for raw in UInt8(1)...9 {
            guard let code = RecordAccess.ResponseCode(rawValue: raw) else { continue }
            #expect(code.meansUnsupportedFilter == codes.contains(code))
        }
    }
}
