import EventLoop
import GatewayTestKit
import Glibc
import Testing

@testable import BluetoothLink

/// The ladder: what a household does not have to do by pulling plugs.
@Suite struct RecoveryTests {
    private static let hung = BusError(name: BusError.timeoutName, message: "")
    private static let denied = BusError(
        name: "org.freedesktop.DBus.Error.AccessDenied", message: "polkit")

    /// The steps that a plan takes while each of them works and nothing comes alive.
    private func steps(_ count: Int, _ plan: inout AdapterPlan) -> [Recovery] {
        (0..<count).compactMap { _ in
            plan.note(.callHung)
            guard case .recover(let step) = plan.nextStep else { return nil }
            _ = plan.finished(.recover(step), nil)
            plan.powerChanged(to: true)
            return step
        }
    }

    @Test func `each further sign takes the next step, the mildest first, then it begins again`() {
        var plan = AdapterPlanTests.plan(scanning: true)
        #expect(steps(6, &plan) == Recovery.allCases)
        #expect(steps(3, &plan) == [.powerCycle, .managementReset, .usbRebind])
        #expect(plan.counters.recoveries[.restartDiscovery] == 1)
        #expect(plan.counters.recoveries[.usbRebind] == 2)
    }

    @Test func `a sign of life sends the ladder back to its foot`() {
        var plan = AdapterPlanTests.plan(scanning: true)
        _ = steps(3, &plan)
        plan.provedAlive()
        #expect(steps(1, &plan) == [.restartDiscovery])
    }

    @Test func `what is not permitted is counted and passed over at once`() {
        var plan = AdapterPlanTests.plan(scanning: true)
        _ = steps(2, &plan)
        plan.note(.callHung)
        for step in [Recovery.managementReset, .usbRebind, .serviceRestart] {
            #expect(plan.nextStep == .recover(step))
            #expect(plan.finished(.recover(step), Self.denied) == nil, "no waiting between them")
        }
        #expect(plan.nextStep == .recover(.exit))
        #expect(
            plan.finished(.recover(.exit), Self.denied) != nil,
            "where nothing is permitted it begins again, later and later")
        #expect(plan.nextStep == .recover(.powerCycle))
        #expect(plan.counters.refusedRecoveries.count == 4)
        #expect(plan.counters.recoveries[.managementReset] == nil)
    }

    @Test
    func
        `an adapter that takes no power is reset past bluetoothd, one that is switched off is not`()
    {
        var plan = AdapterPlanTests.plan(powered: false)
        for _ in 0..<2 { _ = plan.finished(.powerOn, AdapterPlanTests.failed()) }
        #expect(plan.nextStep == .powerOn)
        _ = plan.finished(.powerOn, AdapterPlanTests.failed())
        #expect(plan.nextStep == .recover(.managementReset))
        var blocked = AdapterPlanTests.plan(powered: false)
        for _ in 0..<9 {
            _ = blocked.finished(.powerOn, AdapterPlanTests.failed(), switchedOff: true)
        }
        #expect(blocked.nextStep == .powerOn && blocked.state == .blocked)
    }

    @Test func `links that work are never ended by the ladder`() {
        var plan = AdapterPlanTests.plan(scanning: true)
        plan.hasLinks = true
        for _ in 0..<9 { plan.note(.callHung) }
        #expect(plan.nextStep == .recover(.restartDiscovery))
    }

    @Test func `a ladder for a week stays within its steps`() {
        for signs in [7, 12, 100_002] { #expect(Recovery.step(signs) == .powerCycle) }
        for signs in [-1, 0, 1] { #expect(Recovery.step(signs) == .restartDiscovery) }
        #expect(Recovery.step(Int.max) != .restartDiscovery)
    }

    @Test func `the steps have the names of the contract`() {
        #expect(
            Recovery.allCases.map(\.name) == [
                "discovery-restart", "power-cycle", "management-reset", "usb-rebind",
                "service-restart", "exit",
            ])
    }

    @Test func `the management command names the controller and the power`() {
        #expect(ManagementCommand.power(true, controller: 1) == [5, 0, 1, 0, 1, 0, 1])
        #expect(ManagementCommand.power(false, controller: 0x0102) == [5, 0, 2, 1, 1, 0, 0])
    }

    /// A tree as the kernel shows a USB adapter: hci0 → its interface → its driver.
    private func tree(_ scratch: borrowing ScratchDirectory) throws {
        let root = scratch.path
        for folder in ["class", "class/hci0", "1-1:1.0", "btusb"] {
            #expect(mkdir("\(root)/\(folder)", 0o700) == 0)
        }
        #expect(symlink("\(root)/1-1:1.0", "\(root)/class/hci0/device") == 0)
        #expect(symlink("\(root)/btusb", "\(root)/1-1:1.0/driver") == 0)
        for file in ["unbind", "bind"] {
            let made = open("\(root)/btusb/\(file)", O_CREAT | O_WRONLY, 0o600)
            #expect(made >= 0)
            close(made)
        }
    }

    @Test func `the driver lets go of the interface and takes it again`() async throws {
        let scratch = ScratchDirectory()
        try tree(scratch)
        let rebind = USBRebind(folder: scratch.path + "/class", pause: .milliseconds(1))
        try await LoopThread.run { try await rebind.perform("hci0") }
        for file in ["unbind", "bind"] {
            #expect(try Child("cat", [scratch.path + "/btusb/" + file]).readAll() == "1-1:1.0")
        }
    }

    @Test func `an adapter that is not on USB is passed over`() async throws {
        let scratch = ScratchDirectory()
        try tree(scratch)
        let rebind = USBRebind(folder: scratch.path + "/class", pause: .milliseconds(1))
        let error = try await LoopThread.run { () async -> BusError? in
            do throws(BusError) {
                try await rebind.perform("hci7")
                return nil
            } catch { return error }
        }
        #expect(error?.isNotPermitted == true)
    }

    @Test func `without the right to its files the driver is left alone`() async throws {
        let scratch = ScratchDirectory()
        try tree(scratch)
        // Root may write anywhere: a folder in the file's place refuses it too.
        #expect(unlink(scratch.path + "/btusb/unbind") == 0)
        #expect(mkdir(scratch.path + "/btusb/unbind", 0o700) == 0)
        let rebind = USBRebind(folder: scratch.path + "/class", pause: .milliseconds(1))
        let error = try await LoopThread.run { () async -> BusError? in
            do throws(BusError) {
                try await rebind.perform("hci0")
                return nil
            } catch { return error }
        }
        #expect(error?.isNotPermitted == true)
        #expect(try Child("cat", [scratch.path + "/btusb/bind"]).readAll() == "")
    }
}
