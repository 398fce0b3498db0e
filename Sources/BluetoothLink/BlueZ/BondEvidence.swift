import DeviceLink

/// What the ends of a bonded device's links say about its bond: pure, so that any order can be tried.
///
/// Only who broke the link knows why: the kernel, and a bluetoothd that passes it on. Where nobody tells,
/// a device that is heard well and still ends one connection after the other before its services are
/// known has probably lost its bond; that is said as a doubt. One that fades or is heard faintly is out
/// of reach, and nothing is said of its bond.
struct BondEvidence: Sendable, Equatable {
    /// It was said that the keys of the two sides do not fit.
    private(set) var isRefused = false
    /// Links in a row that ended too early for no reason that anybody knows.
    private(set) var earlyLosses = 0
    /// Strength of its last advertisement in dBm; nil where the radio does not tell.
    var signal: Int?

    static let lossesForDoubt = 3
    /// Weaker ones lose links by themselves.
    static let goodSignal = -80

    mutating func keysWereRefused() { isRefused = true }

    /// The link was there and ended before the services were known.
    mutating func linkEndedEarly() {
        guard signal ?? 0 >= Self.goodSignal else { return earlyLosses = 0 }
        earlyLosses += 1
    }

    /// The device was not reached, or faded: what ended before may have been the same.
    mutating func wasOutOfReach() { earlyLosses = 0 }

    /// The services are known, and with them the keys fit.
    mutating func linkWorked() {
        isRefused = false
        earlyLosses = 0
    }

    /// What a failed connection means with all this; nil where nothing is said against the bond.
    var verdict: LinkError? {
        if isRefused { return .staleBond("the link ended because the keys do not fit") }
        guard earlyLosses >= Self.lossesForDoubt else { return nil }
        return .doubtfulBond(
            "it is near and ended \(earlyLosses) connections before its services were known")
    }
}
