import Glibc
import Testing

@testable import Gateway

@Suite struct ServicesJournalTests {
    private func texts(_ entry: JournalEntry) -> [String] {
        entry.fields.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `an event and its values are fields that the journal can be asked for`() {
        let entry = JournalEntry(
            5, "record-stored", ["device": "…00:01", "needs-restart": "usb"],
            line: "record-stored device=…00:01 needs-restart=usb")
        #expect(
            texts(entry) == [
                "MESSAGE=record-stored device=…00:01 needs-restart=usb", "PRIORITY=5",
                "SYSLOG_IDENTIFIER=hakarud", "HAKARU_EVENT=record-stored",
                "HAKARU_DEVICE=…00:01", "HAKARU_NEEDS_RESTART=usb",
            ])
    }

    @Test func `a value with a line break stays one field and begins no other`() {
        let entry = JournalEntry(3, "x", ["reason": "a\nPRIORITY=0"], line: "x reason=?")
        #expect(entry.fields.count == 5)
        #expect(texts(entry).last == "HAKARU_REASON=a?PRIORITY=0")
    }

    @Test func `a name of letters that the journal does not take becomes one that it takes`() {
        let entry = JournalEntry(6, "x", ["größe/1": "2"], line: "x")
        #expect(texts(entry).last == "HAKARU_GR_SSE_1=2")
    }
}
