import EventLoop

/// Named counters of this run: every refusal and every drop has one.
@LoopActor final class Counters {
    private(set) var values: [String: Int] = [:]

    /// Names that metrics show from the start, so that an alert has something to look at.
    static let known = [
        "readings_lost", "records_refused", "frames_rejected", "store_failures", "store_shortages",
        "readings_duplicate", "readings_without_record", "sessions_started", "sessions_complete",
        "sessions_interrupted", "sessions_need_person", "sightings_unmatched", "tapes_failed",
        "configuration_reloads", "configuration_refusals", "configuration_postponed",
        "usb_no_permission", "reader_sessions",
        "reader_unknown_card", "time_service_failures",
    ]

    nonisolated init() {}

    func count(_ name: String, by amount: Int = 1) {
        values[Self.plain(name), default: 0] += amount
    }

    /// One name that a collector does not understand would cost it all of the others.
    nonisolated static func plain(_ name: String) -> String {
        String(
            String.UnicodeScalarView(
                name.unicodeScalars.map {
                    switch $0 {
                    case "a"..."z", "A"..."Z", "0"..."9", "_": $0
                    default: "_"
                    }
                }))
    }
}
