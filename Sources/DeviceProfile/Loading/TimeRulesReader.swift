import Measurement
import YAML

/// Reads the keys `time` and `codes` of a profile, and how its steps set a clock.
enum TimeRulesReader {
    static func time(_ node: NodeReader) -> TimeRules? {
        node.mapping { keys in
            var rules = TimeRules()
            rules.clock = keys.required("clock")?.choice(of: TimeRules.Clock.self) ?? .none
            rules.readings =
                keys.required("readings")?.choice(of: TimeRules.Readings.self) ?? .mixed
            rules.resolution =
                keys.optional("resolution")?.choice(of: TimeResolution.self) ?? .second
            rules.unreadableClock =
                keys.optional("unreadable-clock")?.choice(of: TimeRules.UnreadableClock.self)
                ?? .quarantine
            rules.faultyClock =
                keys.optional("faulty-clock")?.choice(of: TimeRules.FaultyClock.self)
                ?? .quarantine
            rules.typedTime =
                keys.optional("typed-time")?.choice(of: TimeRules.TypedTime.self) ?? .asTyped
            if let tolerance = keys.optional("tolerance")?.duration() {
                rules.tolerance = Interval(tolerance)
            }
            if let age = keys.optional("maximum-age")?.duration() {
                rules.maximumAge = Interval(age)
            }
            _ = keys.optional("tick").map { tick($0, &rules) }
            return rules
        }
    }

    private static func tick(_ node: NodeReader, _ rules: inout TimeRules) {
        _ = node.mapping { keys -> Bool? in
            if let text = keys.required("seconds")?.decimalText() {
                let length = ExactDecimal(text)?.multiplied(by: ExactDecimal(1_000_000))?.integer
                if let length, (1...86_400_000_000).contains(length) {
                    rules.tickLength = Interval(microseconds: length)
                } else {
                    keys.problem(
                        about: "seconds", "is \(text)",
                        accepted: "whole microseconds, from 0.000001 to 86400")
                }
            }
            rules.tickBits = keys.optional("bits")?.int(in: 8...48) ?? 32
            return true
        }
    }

    private static func sameRecord(_ node: NodeReader) -> SameRecord? {
        node.mapping { keys in
            let family = keys.required("family")?.string(length: 1...50)
            let resolution = keys.required("resolution")?.choice(of: TimeResolution.self)
            guard let family, let resolution else { return nil }
            return SameRecord(family: family, resolution: resolution)
        }
    }

    static func codes(_ node: NodeReader) -> CodeRules? {
        node.mapping { keys in
            var rules = CodeRules()
            rules.sameRecord = keys.optional("same-record").flatMap(sameRecord)
            rules.measurementPosition = keys.optional("measurement-position")?.word(
                of: ["10", "11", "20", "21", "30", "31", "40", "50"])
            if let flags = keys.optional("typed")?.oneOrMore() {
                rules.typedFlags = flags.compactMap { $0.string() }
            }
            if let flags = keys.optional("edited")?.oneOrMore() {
                rules.editedFlags = flags.compactMap { $0.string() }
            }
            return rules
        }
    }

    /// Reads how a clock is set; `uuid` says what it takes where the profile does not.
    static func clockSetting(_ keys: MappingReader, _ uuid: BluetoothUUID?) -> ClockSetting? {
        let zone = keys.required("time")?.choice(of: SessionPlan.ClockZone.self)
        let form = keys.optional("form")?.choice(of: ClockSetting.Form.self)
        let occasion = keys.optional("on")?.choice(of: ClockSetting.Occasion.self)
        let reasons = keys.optional("adjust-reason")?.oneOrMore()?.compactMap {
            $0.choice(of: ClockSetting.Reason.self)
        }
        guard let zone else { return nil }
        var setting = ClockSetting(zone, form: uuid == .currentTime ? .currentTime : .dateTime)
        setting.form = form ?? setting.form
        setting.occasion = occasion ?? setting.occasion
        setting.reasons = reasons ?? setting.reasons
        if reasons != nil, setting.form == .dateTime {
            keys.problem(
                about: "adjust-reason", "has no place in a date-time",
                accepted: "form: current-time beside it")
        }
        return setting
    }
}
