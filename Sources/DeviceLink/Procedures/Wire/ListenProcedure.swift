package import DeviceProfile

/// A device that sends by itself: kiosks, scales, cuffs that print.
package struct ListenProcedure: WireProcedure {
    private var framer: WireFramer

    package init(_ plan: WirePlan) { framer = WireFramer(plan.framing) }

    package var isAtRest: Bool { true }

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
        case .omronHHX: OmronHHXProcedure(plan)
        case .omron0090: Omron0090Procedure(plan)
        case .ascensia: AscensiaProcedure(plan)
        case .abbott: AbbottProcedure(plan)
        case .lifescanStorage: StorageProcedure(plan)
        case .jpi: JPIProcedure(plan)
        case .personalHealth: PersonalHealthProcedure(plan)
        case .taidoc: TaiDocProcedure(plan)
        case .commands: CommandsProcedure(plan)
        case .lifescanLink, .lifescanLine: LifeScanLineProcedure(plan)
        case .abbottSerial: ListingProcedure(plan, .abbott)
        case .glucomen: ListingProcedure(plan, .areo)
        case .sdCodeFree: CodeFreeProcedure(plan)
        case .careSens: CareSensProcedure(plan)
        case .microlife: MicrolifeProcedure(plan)
        case .beurer: BeurerProcedure(plan)
        case .trueMetrix: TrueMetrixProcedure(plan)
        }
    }
}
