import CUSB
import EventLoop

/// All USB devices of this machine: who is plugged in, and transfers with those that are open.
///
/// It lives on the USB thread. A device is opened only by `open`, and closed exactly once, by `close`
/// or by nobody else; transfers that are under way end first.
package actor USBHost {
    nonisolated let thread: USBThread
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        thread.asUnownedSerialExecutor()
    }

    private let tree: DeviceTree
    private let devices: DeviceTable
    private var hotplug: libusb_hotplug_callback_handle = 0
    private var arrivals: [USBPath: (device: OpaquePointer, generation: Int)] = [:]
    private var nextGeneration = 0
    var opened: [USBHandle: OpenDevice] = [:]
    private var nextHandle = 0
    /// Descriptors that could not be read, and arrivals without a place.
    private var refusals = 0

    /// Starts the library and its thread; nothing is watched yet.
    package init(tree: DeviceTree = DeviceTree()) throws(USBError) {
        thread = try USBThread()
        self.tree = tree
        devices = DeviceTable()
    }

    /// Ends the thread; all devices have to be closed before.
    package nonisolated func stop() { thread.stop() }

    /// The devices that are plugged in now; may be asked from anywhere.
    package nonisolated var present: [USBDeviceInfo] { devices.all }

    /// Arrivals that were refused because their descriptors cannot be what they say.
    package var refusedArrivals: Int { refusals }

    /// Watches for arrivals and departures; what is plugged in already counts as arriving now.
    ///
    /// - Parameter onChange: runs on the loop, once for any number of changes in a row.
    package func watch(
        _ onChange: @escaping @LoopActor @Sendable () -> Void
    ) throws(USBError) {
        devices.onChange = onChange
        let context = Unmanaged.passUnretained(self).toOpaque()
        let events =
            LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED.rawValue | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT.rawValue
        let result = libusb_hotplug_register_callback(
            thread.context, Int32(events), Int32(LIBUSB_HOTPLUG_ENUMERATE.rawValue),
            LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY, LIBUSB_HOTPLUG_MATCH_ANY,
            { _, device, event, context in
                guard let device, let context else { return 0 }
                // The library calls this on its thread, which is the actor's own.
                nonisolated(unsafe) let moved = device
                let host = Unmanaged<USBHost>.fromOpaque(context).takeUnretainedValue()
                host.assumeIsolated {
                    $0.plugged(moved, event == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED)
                }
                return 0
            }, context, &hotplug)
        guard result == 0 else { throw USBError(result, node: nil) }
    }

    /// Ends the watch; devices that are open stay open.
    package func unwatch() {
        libusb_hotplug_deregister_callback(thread.context, hotplug)
        for arrival in arrivals.values { libusb_unref_device(arrival.device) }
        arrivals = [:]
        devices.onChange = nil
    }

    private func plugged(_ device: OpaquePointer, _ hasArrived: Bool) {
        var ports = [UInt8](repeating: 0, count: 8)
        let depth = libusb_get_port_numbers(device, &ports, Int32(ports.count))
        guard depth > 0 else { return }  // a root hub
        let path = USBPath(
            bus: Int(libusb_get_bus_number(device)), ports: ports.prefix(Int(depth)).map(Int.init))
        if hasArrived { arrived(device, path) } else { left(device, path) }
    }

    private func arrived(_ device: OpaquePointer, _ path: USBPath) {
        nextGeneration += 1
        if let former = arrivals[path] { libusb_unref_device(former.device) }
        arrivals[path] = (libusb_ref_device(device), nextGeneration)
        do throws(DescriptorError) {
            guard var info = try tree.device(path) else { return devices.remove(path) }
            info.generation = nextGeneration
            if info.classCode != 9 { devices.put(info) }  // hubs are no devices
        } catch {
            refusals += 1
            devices.remove(path)
        }
    }

    private func left(_ device: OpaquePointer, _ path: USBPath) {
        // A device that was put back quickly may have arrived before its former self left.
        guard let known = arrivals[path], known.device == device else { return }
        arrivals[path] = nil
        libusb_unref_device(known.device)
        devices.remove(path)
    }

    // MARK: open and close

    /// Opens a device and claims its interfaces; kernel drivers give them up until it is closed.
    package func open(
        _ info: USBDeviceInfo, claiming interfaces: [UInt8]
    ) throws(USBError) -> USBHandle {
        guard let arrival = arrivals[info.path], arrival.generation == info.generation else {
            throw .gone
        }
        var handle: OpaquePointer?
        let result = libusb_open(arrival.device, &handle)
        guard result == 0, let handle else { throw USBError(result, node: info.node) }
        libusb_set_auto_detach_kernel_driver(handle, 1)
        var claimed: [Int32] = []
        for interface in interfaces {
            let result = libusb_claim_interface(handle, Int32(interface))
            guard result == 0 else {
                for interface in claimed { libusb_release_interface(handle, interface) }
                libusb_close(handle)
                throw USBError(result, node: info.node)
            }
            claimed.append(Int32(interface))
        }
        nextHandle += 1
        let token = USBHandle(number: nextHandle)
        opened[token] = OpenDevice(handle: handle, claimed: claimed)
        return token
    }

    /// Ends all transfers, gives the interfaces back to the kernel's drivers and closes the device.
    ///
    /// A second call does nothing.
    package func close(_ token: USBHandle) async {
        guard let device = opened[token], !device.isClosing else { return }
        device.isClosing = true
        for transfer in device.transfers.values { libusb_cancel_transfer(transfer) }
        // Cancelled transfers end on this thread; the library must not lose its device before.
        while !device.transfers.isEmpty {
            await withCheckedContinuation { device.drained.append($0) }
        }
        for interface in device.claimed { libusb_release_interface(device.handle, interface) }
        libusb_close(device.handle)
        opened[token] = nil
    }

    /// Devices that are open: none once every session is over.
    package var openCount: Int { opened.count }
}

/// Names an open device.
package struct USBHandle: Sendable, Hashable { let number: Int }

/// An open device; touched on the USB thread only.
final class OpenDevice {
    let handle: OpaquePointer
    let claimed: [Int32]
    var isClosing = false
    var transfers: [Int: UnsafeMutablePointer<libusb_transfer>] = [:]
    var nextTransfer = 0
    var drained: [CheckedContinuation<Void, Never>] = []

    init(handle: OpaquePointer, claimed: [Int32]) {
        self.handle = handle
        self.claimed = claimed
    }
}

/// Who is plugged in, as both threads see it; as long as there are devices, so it cannot overflow.
final class DeviceTable: Sendable {
    private struct State {
        var devices: [USBPath: USBDeviceInfo] = [:]
        var onChange: (@LoopActor @Sendable () -> Void)?
        var isTold = false
    }
    private let state = Locked(State())

    var onChange: (@LoopActor @Sendable () -> Void)? {
        get { state.withLock { $0.onChange } }
        set { state.withLock { $0.onChange = newValue } }
    }

    var all: [USBDeviceInfo] {
        state.withLock { $0.devices.values.sorted { $0.generation < $1.generation } }
    }

    func put(_ info: USBDeviceInfo) {
        state.withLock { $0.devices[info.path] = info }
        tell()
    }

    func remove(_ path: USBPath) {
        guard state.withLock({ $0.devices.removeValue(forKey: path) }) != nil else { return }
        tell()
    }

    /// Tells the loop once; changes until it has looked go with the same call.
    private func tell() {
        let due = state.withLock { state in
            defer { state.isTold = true }
            return !state.isTold
        }
        guard due else { return }
        spawn { [self] in
            let handler = state.withLock { state in
                state.isTold = false
                return state.onChange
            }
            handler?()
        }
    }
}
