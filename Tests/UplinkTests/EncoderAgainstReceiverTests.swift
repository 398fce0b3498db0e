import EventLoop
import Exchange
import GatewayTestKit
import JSON
import Measurement
import Testing

@testable import Uplink

/// The encoder and the format files held against rules that were written without them.
@Suite("Documents at the strict receiver", .timeLimit(.minutes(2)))
struct EncoderAgainstReceiverTests {
    /// One record of every table, with the widest values that fit.
    private func records() -> [Record] {
        func quantity(
            _ name: QuantityName, _ number: String, _ unit: MeasurementUnit
        ) -> Quantity { Quantity(name, ExactDecimal(number), unit) }
        var activity = Sample.record(
            .activity,
            [
                quantity(.steps, "99999", .steps), quantity(.walkTime, "1440", .minute),
                quantity(.moderateIntensityActivity, "9999", .minute),
                quantity(.calories, "9999.94", .kilocalorie),
                quantity(.totalCalories, "8786.4", .kilojoule),
            ], second: 3)
        activity.duration = .minutes(1_440)
        activity.measurementPositionCode = "50"
        activity.time?.resolution = .day
        var meal = Sample.record(
            .glucose, [quantity(.glucose, "33.3", .millimolePerLitre)], second: 4)
        meal.mealCode = "1"
        var typed = Sample.record(.weight, [quantity(.weight, "143.3", .pound)], second: 6)
        typed.dataInputCode = .typed
        typed.device.model = "体組成計 \"UC\\352\""
        return [
            Sample.record(
                .bodyComposition,
                [quantity(.weight, "999.994", .kilogram), quantity(.bodyFat, "99.96", .percent)],
                second: 1),
            Sample.record(
                .bloodPressure,
                [
                    quantity(.systolic, "16.7", .kilopascal),
                    quantity(.diastolic, "10.6", .kilopascal),
                    quantity(.pulseRate, "64.0", .perMinute),
                ], second: 2),
            activity, meal,
            Sample.record(.hba1c, [quantity(.hba1c, "12.34", .percent)], second: 5), typed,
        ]
    }

    private func accepted(
        _ receiver: ReceiverProcess, _ records: [Record], format: String = "meti-1.0",
        setting: GatewaySetting = .home, firstID: Int64 = 0
    ) async throws -> [Int64: OutboxResult.Outcome] {
        let destination = try Sample.destination(
            receiver.url, format: try Sample.format(format)
        ) {
            $0.options = EncoderOptions(
                zone: Sample.zone, setting: setting, extensions: ["blood-glucose"],
                testLabID: "000000000001", measurementMethodCode: "000001",
                valueCriteriaCode: "0")
        }
        let items = records.enumerated().map { index, record in
            OutboxItem(
                id: firstID + Int64(index), record: record,
                participant: index % 2 == 0 ? "MDM-001" : "P2",
                stored: Sample.moment)
        }
        return try await LoopThread.run {
            var outcomes: [Int64: OutboxResult.Outcome] = [:]
            try await Running.with(destination, items) { running in
                #expect(await running.isDone())
                outcomes = running.outbox.outcomes
            }
            return outcomes
        }
    }

    @Test("every table that the encoder writes passes the receiver's own rules")
    func everyTable() async throws {
        let receiver = try ReceiverProcess(["--accept", "blood-glucose"])
        let outcomes = try await accepted(receiver, records())
        #expect(outcomes.values.allSatisfy { $0 == .accepted }, "\(outcomes)")
        let held = try receiver.records()
        #expect(held.count == 6)
        func value(_ table: String, _ name: String, at index: Int = 0) -> String? {
            let found = held.filter { $0["table"]?.string?.hasSuffix("." + table) == true }
            return found.indices.contains(index) ? found[index][name]?.string : nil
        }
        #expect(value("weighing_scale", "body_weight") == "999.99")
        #expect(value("weighing_scale", "body_fat") == "100.0")
        #expect(value("blood_pressure", "systolic") == "125")
        #expect(value("activity_monitor", "calories") == "9999.9")
        #expect(value("activity_monitor", "total_calories") == "2100.0")
        #expect(value("activity_monitor", "observation_time") == "20260301000000")
        #expect(value("blood_glucose", "blood_glucose") == "599.9")
        #expect(value("hba1c", "hba1c_value") == "12.3")
    }

    @Test("the check-up's blood pressure passes too")
    func checkup() async throws {
        let receiver = try ReceiverProcess()
        let outcomes = try await accepted(receiver, [records()[1]], setting: .checkup)
        #expect(outcomes == [0: .accepted])
        #expect(
            try receiver.records().first?["table"]?.string
                == "health_checkup_information.blood_pressure")
    }

    @Test("the other reading of the format passes the receiver that reads it so")
    func variant() async throws {
        let receiver = try ReceiverProcess(["--format", "meti-1.0-tis"])
        let all = records()
        let outcomes = try await accepted(
            receiver, [all[0], all[1], all[2], all[4]], format: "meti-1.0-tis")
        #expect(outcomes == [0: .accepted, 1: .accepted, 2: .noTable, 3: .accepted])
        // And the receiver of the one refuses the documents of the other.
        let refused = try await accepted(receiver, [all[5]])
        guard case .rejected(let reason, _, _) = refused[0] else {
            Issue.record("\(refused)")
            return
        }
        #expect(reason.contains("input_method_code is required"))
    }

    @Test("an edited value replaces the first one with the update time that the receiver holds")
    func edited() async throws {
        let receiver = try ReceiverProcess()
        let first = records()[5]
        _ = try await accepted(receiver, [first])
        var edited = first
        edited.dataInputCode = .edited
        edited.quantities = [Quantity(.weight, ExactDecimal("64.5"), .kilogram)]
        #expect(try await accepted(receiver, [edited], firstID: 1) == [1: .accepted])
        #expect(try receiver.stat("edited") == 1)
        #expect(try receiver.records().first?["body_weight"]?.string == "64.5")
    }
}
