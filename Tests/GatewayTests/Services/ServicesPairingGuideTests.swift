import DeviceLink
import DeviceProfile
import Measurement
import Testing

@testable import Gateway

/// "Paired" has to mean that the device works from now on; else the household learns it weeks later.
@Suite struct PairingGuideTests {
    private let start = Instant(seconds: 1_000)

    private func guide(passkey: UInt32? = nil) throws -> PairingGuide {
        PairingGuide(
            try #require(BluetoothAddress("A4:C1:38:00:00:01")), passkey: passkey, at: start,
            within: .seconds(120))
    }

    /// A guide whose device has made its bond and ended the first session.
    private func bondedGuide() throws -> PairingGuide {
        var guide = try guide()
        #expect(ask(&guide) { $0.heard(pairingMode: true) })
        guide.sessionBegan()
        guide.took(.bonded(.justWorks), at: start)
        guide.sessionEnded(.complete, at: start + .seconds(5))
        return guide
    }

    /// An expectation cannot change the guide that it looks at.
    private func ask<Answer>(
        _ guide: inout PairingGuide, _ question: (inout PairingGuide) -> Answer
    ) -> Answer { question(&guide) }

    @Test func `a pairing that was left says so, and one that is over stays as it ended`() throws {
        var guide = try guide()
        guide.desert()
        #expect(guide.stage == .cancelled)
        #expect(guide.problem == "whoever had begun the pairing has left")
        var failed = try self.guide()
        #expect(ask(&failed) { $0.expire(at: start + .seconds(121)) })
        failed.desert()
        #expect(failed.stage == .failed)
    }

    @Test func `a device that its bond shows under another address is proven under that one`()
        throws
    {
        var guide = try guide()
        let shown = guide.address
        let identity = try #require(BluetoothAddress("C0:26:DA:00:00:02"))
        guide.sessionBegan()
        guide.took(.bonded(.justWorks), at: start)
        guide.becameKnown(as: identity)
        #expect(guide.address == identity)
        #expect(guide.concerns(shown), "the session that runs goes on under the old name")
        #expect(guide.concerns(identity))
        guide.sessionEnded(.complete, at: start)
        #expect(ask(&guide) { $0.heard(pairingMode: nil) })
        guide.sessionBegan()
        guide.took(.connected(bonded: true), at: start)
        guide.took(.subscribed(.bloodPressureMeasurement), at: start)
        guide.sessionEnded(.complete, at: start)
        #expect(guide.stage == .paired)
        #expect(!guide.concerns(identity))
    }

    @Test func `a bond alone is not called paired`() throws {
        let guide = try bondedGuide()
        #expect(guide.stage == .waitingForReconnect)
        #expect(!guide.isOver)
    }

    @Test func `paired means connected again outside the pairing mode`() throws {
        var guide = try bondedGuide()
        #expect(
            !ask(&guide) { $0.heard(pairingMode: true) },
            "still in pairing mode: that proves nothing")
        #expect(ask(&guide) { $0.heard(pairingMode: false) })
        guide.sessionBegan()
        guide.took(.connected(bonded: true), at: start)
        guide.took(.subscribed(.bloodPressureMeasurement), at: start)
        guide.sessionEnded(.complete, at: start)
        #expect(guide.stage == .paired)
        #expect(guide.problem == nil)
    }

    @Test func `a device that leaves by itself after it took the bond is paired`() throws {
        var guide = try bondedGuide()
        _ = guide.heard(pairingMode: nil)
        guide.sessionBegan()
        guide.took(.connected(bonded: true), at: start)
        guide.took(.subscribed(.bloodPressureMeasurement), at: start)
        guide.sessionEnded(.interrupted("the device left"), at: start)
        #expect(guide.stage == .paired)
    }

    @Test func `a reconnect that breaks before the bond was used proves nothing`() throws {
        var guide = try bondedGuide()
        _ = guide.heard(pairingMode: nil)
        guide.sessionBegan()
        guide.took(.connected(bonded: true), at: start)
        guide.sessionEnded(.interrupted("the device left"), at: start)
        #expect(guide.stage == .waitingForReconnect)
        #expect(guide.problem == "the device left")
    }

    @Test func `a reconnect without the bond is not taken for one`() throws {
        var guide = try bondedGuide()
        _ = guide.heard(pairingMode: nil)
        guide.sessionBegan()
        guide.took(.connected(bonded: false), at: start)
        guide.took(.subscribed(.bloodPressureMeasurement), at: start)
        guide.sessionEnded(.interrupted("gone"), at: start)
        #expect(guide.stage == .waitingForReconnect)
        #expect(guide.problem == "the device was connected without its bond")
    }

    @Test func `a device that refuses the bond at the proof is not paired`() throws {
        var guide = try bondedGuide()
        _ = guide.heard(pairingMode: nil)
        guide.sessionBegan()
        guide.sessionEnded(.needsPerson("the device has lost its bond"), at: start)
        #expect(guide.stage == .failed)
        #expect(guide.problem == "the device has lost its bond")
    }

    @Test func `a device that is only switched on is not connected, and the person is told`() throws
    {
        var guide = try guide()
        #expect(!ask(&guide) { $0.heard(pairingMode: false) })
        #expect(guide.stage == .waitingForDevice)
        #expect(guide.problem?.contains("not in pairing mode") == true)
        #expect(ask(&guide) { $0.heard(pairingMode: true) })
        #expect(guide.problem == nil)
    }

    @Test func `a device that does not tell its mode is tried`() throws {
        var guide = try guide()
        #expect(ask(&guide) { $0.heard(pairingMode: nil) })
    }

    @Test func `the number is asked for once the device wants it`() throws {
        var guide = try guide()
        _ = guide.heard(pairingMode: nil)
        guide.sessionBegan()
        #expect(ask(&guide) { $0.passkeyWanted() } == nil)
        #expect(guide.stage == .passkeyNeeded)
        #expect(ask(&guide) { $0.give(passkey: 7) })
        #expect(guide.stage == .connecting)
        #expect(ask(&guide) { $0.passkeyWanted() } == 7)
    }

    @Test func `a number from the label is given without asking`() throws {
        var guide = try guide(passkey: 123_456)
        _ = guide.heard(pairingMode: nil)
        guide.sessionBegan()
        #expect(ask(&guide) { $0.passkeyWanted() } == 123_456)
        #expect(guide.stage == .connecting)
    }

    @Test func `a wrong number ends it: trying again by itself would lock the device`() throws {
        var guide = try guide(passkey: 1)
        _ = guide.heard(pairingMode: nil)
        guide.sessionBegan()
        guide.sessionEnded(.needsPerson("pairing failed: authentication failed"), at: start)
        #expect(guide.stage == .failed)
        #expect(guide.problem?.contains("authentication failed") == true)
        #expect(!ask(&guide) { $0.heard(pairingMode: true) })
    }

    @Test func `a link that breaks before the bond is tried again`() throws {
        var guide = try guide()
        _ = guide.heard(pairingMode: nil)
        guide.sessionBegan()
        guide.sessionEnded(.interrupted("the device left while pairing"), at: start)
        #expect(guide.stage == .waitingForDevice)
        #expect(guide.problem == "the device left while pairing")
        #expect(ask(&guide) { $0.heard(pairingMode: nil) })
    }

    @Test func `a device that was bonded before is proven, not bonded twice`() throws {
        var guide = try guide()
        _ = guide.heard(pairingMode: nil)
        guide.sessionBegan()
        guide.took(.connected(bonded: true), at: start)
        guide.sessionEnded(.complete, at: start)
        #expect(guide.stage == .waitingForReconnect)
    }

    @Test func `a device that needs no bond is told apart`() throws {
        var guide = try guide()
        _ = guide.heard(pairingMode: nil)
        guide.sessionBegan()
        guide.took(.connected(bonded: false), at: start)
        guide.sessionEnded(.complete, at: start)
        #expect(guide.stage == .failed)
        #expect(guide.problem?.contains("without pairing") == true)
    }

    @Test
    func `a cuff that takes its owner's key is paired without a bond, and proven like any other`()
        throws
    {
        var guide = try guide()
        guide.takesOwnKey = true
        _ = guide.heard(pairingMode: true)
        guide.sessionBegan()
        guide.took(.connected(bonded: false), at: start)
        guide.sessionEnded(.complete, at: start)
        #expect(guide.stage == .waitingForReconnect)
        #expect(!ask(&guide) { $0.heard(pairingMode: true) })
        _ = guide.heard(pairingMode: false)
        guide.sessionBegan()
        guide.took(.connected(bonded: false), at: start)
        guide.sessionEnded(.complete, at: start)
        #expect(guide.stage == .paired)
    }

    @Test func `nobody at the device: the time ends it and says what was missing`() throws {
        var guide = try guide()
        #expect(!ask(&guide) { $0.expire(at: start + .seconds(119)) })
        #expect(ask(&guide) { $0.expire(at: start + .seconds(120)) })
        #expect(guide.stage == .failed)
        #expect(guide.problem == "the device was not heard in pairing mode")
        #expect(!ask(&guide) { $0.expire(at: start + .seconds(500)) })
    }

    @Test func `the reason that was known is kept when the time is over`() throws {
        var guide = try guide()
        _ = guide.heard(pairingMode: false)
        _ = guide.expire(at: start + .seconds(120))
        #expect(guide.problem?.contains("not in pairing mode") == true)
    }

    @Test func `the proof has its own time: a scale is used once a day`() throws {
        var guide = try bondedGuide()
        #expect(!ask(&guide) { $0.expire(at: start + .seconds(300)) })
        #expect(ask(&guide) { $0.expire(at: start + .seconds(606)) })
        #expect(guide.problem?.contains("never proven") == true)
    }

    @Test func `what is over stays over`() throws {
        var guide = try guide()
        guide.cancel()
        #expect(guide.stage == .cancelled)
        let tail: [(inout PairingGuide) -> Void] = [
            { $0.sessionBegan() }, { $0.took(.bonded(.justWorks), at: Instant(seconds: 0)) },
            { $0.sessionEnded(.complete, at: Instant(seconds: 0)) }, { _ = $0.give(passkey: 1) },
            { _ = $0.heard(pairingMode: true) }, { $0.cancel() },
        ]
        for step in tail {
            step(&guide)
            #expect(guide.stage == .cancelled)
        }
    }

    @Test(arguments: [
        ("123456", UInt32(123_456)), ("000042", 42), ("12 34 56", 123_456), ("7", 7),
    ]) func `numbers are read as a device shows them`(text: String, number: UInt32) {
        #expect(Daemon.passkey(text) == number)
    }

    @Test(arguments: ["", "1234567", "12345x", "-12345", "１２３"])
    func `what is no passkey is refused`(text: String) {
        #expect(Daemon.passkey(text) == nil)
    }
}
