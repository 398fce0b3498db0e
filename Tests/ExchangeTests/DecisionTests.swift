import Measurement
import Testing

@testable import Exchange

/// What the project decided where the specification is silent, one test each.
@Suite("Decisions of the exchange format") struct DecisionTests {
    private func field(_ name: String, _ batch: EncodedBatch) -> String? {
        let text = Sample.text(batch)
        guard let range = text.firstRange(of: "\"\(name)\":") else { return nil }
        return String(text[range.upperBound...].prefix { $0 != "," && $0 != "}" })
    }

    struct Resolution: Sendable {
        var resolution: TimeResolution
        var written: String
    }
    @Test(
        "parts of the time that the device did not measure are written 00",
        arguments: [
            Resolution(resolution: .subsecond, written: "20251231235958"),
            Resolution(resolution: .second, written: "20251231235958"),
            Resolution(resolution: .minute, written: "20251231235900"),
            Resolution(resolution: .hour, written: "20251231230000"),
            Resolution(resolution: .day, written: "20251231000000"),
        ])
    func resolution(_ row: Resolution) throws {
        let record = Sample.weight { $0.record.time?.resolution = row.resolution }
        #expect(field("observation_time", try Sample.encode([record])) == "\"\(row.written)\"")
    }

    @Test("times are local to the configured zone")
    func zone() throws {
        var options = Sample.options()
        options.zone = .utc
        let batch = try Sample.encode([Sample.weight()], options)
        #expect(field("observation_time", batch) == "\"20251231145958\"")
        #expect(field("send_time", batch) == "\"20251231145959123\"")
    }

    @Test("the update time is the held one, else the time of storing, else the send time")
    func updateTime() throws {
        let plain = try Sample.encode([Sample.weight()])
        #expect(field("update_time", plain) == "\"20251231235959100\"")
        let held = Sample.weight { $0.heldUpdateTime = Instant(seconds: 1_767_193_000) }
        #expect(field("update_time", try Sample.encode([held])) == "\"20251231235640000\"")
        let unknown = Sample.weight { $0.stored = nil }
        #expect(field("update_time", try Sample.encode([unknown])) == "\"20251231235959123\"")
    }

    @Test("maker and model come from the device, else from the device list")
    func listedDevice() throws {
        let listed = ListedDevice(manufacturer: "Listed", model: "L-1")
        let own = Sample.weight { $0.listed = listed }
        #expect(field("model_number", try Sample.encode([own])) == "\"UC-352BLE\"")
        let silent = Sample.weight {
            $0.listed = listed
            $0.record.device.manufacturer = nil
            $0.record.device.model = "   "
        }
        let batch = try Sample.encode([silent])
        #expect(field("model_manufacturer_code", batch) == "\"Listed\"")
        #expect(field("model_number", batch) == "\"L-1\"")
    }

    @Test("the serial number falls back to consortium and asset number, then to the address")
    func serial() throws {
        func written(_ change: (inout DeviceDescription) -> Void) throws -> String? {
            let record = Sample.weight { change(&$0.record.device) }
            return field("production_specification_serial", try Sample.encode([record]))
        }
        #expect(try written { $0.assetNumber = "77" } == "\"5130450123\"")
        #expect(
            try written {
                $0.serial = nil
                $0.assetNumber = "77"
            } == "\"C0000177\"")
        #expect(try written { $0.serial = nil } == "\"A4:C1:38:00:00:01\"")
    }

    @Test("input and origin codes are the record's", arguments: ["0", "1", "2"])
    func codes(code: String) throws {
        let record = Sample.weight {
            $0.record.dataInputCode = DataInputCode(rawValue: code) ?? .device
            $0.record.time?.origin = code == "1" ? .corrected : .device
        }
        let batch = try Sample.encode([record])
        #expect(field("data_input_code", batch) == "\"\(code)\"")
        #expect(field("origin_of_time_code", batch) == (code == "1" ? "\"1\"" : "\"0\""))
    }

    @Test("blood pressure goes to the table of the setting")
    func bloodPressure() throws {
        for setting in [GatewaySetting.home, .pharmacy] {
            let text = Sample.text(try Sample.encode([Sample.pressure()], Sample.options(setting)))
            #expect(text.contains(#""healthcare_information":{"blood_pressure":[{"#))
            #expect(!text.contains("health_checkup_information"))
        }
        let checkup = try Sample.encode(
            [Sample.pressure()], Sample.options(.checkup, lab: "000000000001"))
        let text = Sample.text(checkup)
        #expect(text.contains(#""health_checkup_information":{"blood_pressure":[{"#))
        #expect(field("test_lab_id", checkup) == "\"000000000001\"")
        #expect(!text.contains("origin_of_time_code") && !text.contains("model_number"))
        let station = Sample.pressure { $0.setting = .checkup }
        let atStation = try Sample.encode([station], Sample.options(.home, lab: "1"))
        #expect(Sample.text(atStation).contains("health_checkup_information"))
    }

    @Test("a check-up without a laboratory is refused by the field that is missing")
    func laboratory() throws {
        let batch = try Sample.encode([Sample.pressure()], Sample.options(.checkup))
        #expect(batch.perRecord == [.refused(FieldRefusal("test_lab_id", .missing))])
    }

    @Test("a reading without a pulse is refused at home and accepted at a check-up")
    func pulse() throws {
        let record = Sample.pressure { $0.record.quantities.removeAll { $0.name == .pulseRate } }
        #expect(
            try Sample.encode([record]).perRecord
                == [.refused(FieldRefusal("pulse_rate", .missing))])
        let checkup = try Sample.encode([record], Sample.options(.checkup, lab: "1"))
        #expect(checkup.perRecord == [.encoded(0)])
        #expect(field("pulse_rate", checkup) == nil)
    }

    @Test("kilopascal become whole millimetres of mercury")
    func kilopascal() throws {
        let record = Sample.record(
            .bloodPressure,
            [
                Quantity(.systolic, ExactDecimal("16.7"), .kilopascal),
                Quantity(.diastolic, ExactDecimal("10.6"), .kilopascal),
                Quantity(.pulseRate, ExactDecimal("64.0"), .perMinute),
            ])
        let batch = try Sample.encode([record])
        #expect(field("systolic", batch) == "125")
        #expect(field("diastolic", batch) == "80")
        #expect(field("pulse_rate", batch) == "64")
    }

    @Test("calories always have one decimal, minutes and steps have none")
    func activity() throws {
        let batch = try Sample.encode([Sample.activity()])
        let expected = [
            ("observation_time", "\"20251231000000\""), ("step", "10000"), ("walk_time", "90"),
            ("moderate_intensity_activity", "30"), ("calories", "300.0"),
            ("total_calories", "2100.5"), ("total_active_duration", "1440"),
            ("measurement_position_code", "\"31\""),
        ]
        for (name, value) in expected { #expect(field(name, batch) == value, "\(name)") }
    }

    @Test("an activity's duration is the device's, else the listed one, else it is refused")
    func duration() throws {
        let own = Sample.activity {
            $0.record.quantities.append(Quantity(.totalActiveDuration, ExactDecimal(60), .minute))
        }
        #expect(field("total_active_duration", try Sample.encode([own])) == "60")
        let listed = Sample.activity {
            $0.record.duration = nil
            $0.listedActiveMinutes = 1_440
        }
        #expect(field("total_active_duration", try Sample.encode([listed])) == "1440")
        let unknown = Sample.activity { $0.record.duration = nil }
        #expect(
            try Sample.encode([unknown]).perRecord
                == [.refused(FieldRefusal("total_active_duration", .missing))])
    }

    @Test("the wearing position is the person's, else the profile's, else left out")
    func position() throws {
        let profile = Sample.activity {
            $0.wearingPosition = nil
            $0.record.measurementPositionCode = "21"
        }
        #expect(field("measurement_position_code", try Sample.encode([profile])) == "\"21\"")
        let unknown = Sample.activity { $0.wearingPosition = nil }
        #expect(field("measurement_position_code", try Sample.encode([unknown])) == nil)
        let wrong = Sample.activity { $0.wearingPosition = "12" }
        #expect(
            try Sample.encode([wrong]).perRecord
                == [.refused(FieldRefusal("measurement_position_code", .notAllowed))])
    }

    @Test("glucose has a table only where the destination switched it on")
    func glucose() throws {
        #expect(try Sample.encode([Sample.glucose()]).perRecord == [.noTable])
        let on = Sample.options(extensions: ["blood-glucose"])
        let batch = try Sample.encode([Sample.glucose()], on)
        #expect(Sample.text(batch).contains(#""blood_glucose":[{"observation_time""#))
        #expect(field("blood_glucose", batch) == #"[{"observation_time":"20251231235958""#)
        #expect(Sample.text(batch).contains(#""blood_glucose":105,"meal_code":"1""#))
        let molar = try Sample.encode([Sample.glucose("5.55", .millimolePerLitre)], on)
        #expect(Sample.text(molar).contains(#""blood_glucose":100.0,"#))
    }

    @Test("HbA1c that a meter carries goes to its own table beside the glucose")
    func carriedHbA1c() throws {
        let record = Sample.glucose("105", hba1c: "5.8")
        let both = try Sample.encode(
            [record], Sample.options(extensions: ["blood-glucose"], lab: "1"))
        #expect(both.perRecord == [.encoded(0)])
        #expect(both.rows == [0, 0])
        #expect(both.omissions.isEmpty)
        let alone = try Sample.encode([record], Sample.options(lab: "1"))
        #expect(alone.rows == [0])
        #expect(field("hba1c_value", alone) == "5.8")
    }

    @Test("HbA1c that finds no laboratory does not hold up the glucose, and is reported")
    func omission() throws {
        let record = Sample.glucose("105", hba1c: "5.8")
        let batch = try Sample.encode([record], Sample.options(extensions: ["blood-glucose"]))
        #expect(batch.perRecord == [.encoded(0)])
        let refusal = FieldRefusal("test_lab_id", .missing)
        #expect(
            batch.omissions == [
                Omission(record: 0, table: "health_checkup_information.hba1c", refusal: refusal)
            ])
        #expect(try Sample.encode([record]).perRecord == [.refused(refusal)])
    }

    @Test(
        "kinds without a table are marked so",
        arguments: [MeasurementKind.heartRate, .temperature, .oxygenSaturation])
    func noTable(kind: MeasurementKind) throws {
        let record = Sample.record(kind, [Quantity(.heartRate, ExactDecimal(60), .perMinute)])
        #expect(try Sample.encode([record]).perRecord == [.noTable])
        let encoder = Encoder(format: try Sample.format(), options: Sample.options())
        #expect(!encoder.hasTable(for: record))
        #expect(encoder.hasTable(for: Sample.weight()))
    }

    @Test("body composition without a weight has no table, absent values are left out")
    func absent() throws {
        let fat = Sample.record(.bodyComposition, [Quantity(.bodyFat, ExactDecimal(20), .percent)])
        #expect(try Sample.encode([fat]).perRecord == [.noTable])
        let unknownFat = Sample.weight {
            $0.record.quantities.append(Quantity(.bodyFat, nil, .percent))
        }
        let batch = try Sample.encode([unknownFat])
        #expect(batch.perRecord == [.encoded(0)])
        #expect(!Sample.text(batch).contains("body_fat"))
        #expect(!Sample.text(batch).contains("null"))
    }

    @Test("the other reading writes its own names and lets an unknown model go")
    func variant() throws {
        let record = Sample.weight { $0.record.device.model = nil }
        let batch = try Sample.encode([record], format: "meti-1.0-tis")
        #expect(batch.perRecord == [.encoded(0)])
        #expect(field("input_method_code", batch) == "\"0\"")
        #expect(field("data_input_code", batch) == nil)
        let pressure = Sample.pressure { $0.measurementPosition = "左上腕" }
        let second = try Sample.encode([pressure], format: "meti-1.0-tis")
        #expect(field("measurement_position", second) == "\"左上腕\"")
        #expect(
            try Sample.encode([Sample.activity()], format: "meti-1.0-tis").perRecord == [.noTable])
    }
}
