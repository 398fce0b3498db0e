package import DeviceProfile

/// A device that sends by itself: kiosks, scales, cuffs that print.
package struct ListenProcedure: WireProcedure {
    private var framer: WireFramer

    package init(_ plan: WirePlan) { framer = WireFramer(plan.framing) }

    package mutating func take(_ input: WireInput) -> [WireStep] {
        guard case .received(let bytes) = input else { return [] }
        let messages = framer.take(bytes).map { WireStep.message($0) }
        guard let dropped = framer.takeDropped() else { return messages }
        return messages + [
            .note(.refused(step: "framing", "\(dropped) bytes between two messages"))
        ]
    }
}

/// The code behind the procedure that a profile names.
enum WireProcedures {
    static func make(_ plan: WirePlan) -> (any WireProcedure)? {
        switch plan.procedure {
        case .listen: ListenProcedure(plan)
        default: nil
        }
    }
}
