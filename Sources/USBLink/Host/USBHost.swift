import CUSB
package import EventLoop
import Glibc

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
    private var known: [USBPath: USBDeviceInfo] = [:]
    private var nextGeneration = 0
    var opened: [USBHandle: OpenDevice] = [:]
    private var nextHandle = 0
    /// Devices whose descriptors cannot be what they say; each is counted once.
    private var refused: [USBPath: String] = [:]
    /// How many devices were refused since the start.
    package private(set) var refusals = 0

    /// Starts the library and its thread; nothing is looked at yet.
    ///
    /// - Parameter onChange: runs on the loop, once for any number of changes in a row.
    package init(
        tree: DeviceTree = DeviceTree(),
        onChange: @escaping @LoopActor @Sendable () -> Void
    ) throws(USBError) {
        thread = try USBThread()
        self.tree = tree
        devices = DeviceTable(onChange)
    }

    /// How far the library's thread has come; may be asked from anywhere.
    package nonisolated var work: WorkMeter.Reading { thread.work.reading }

    /// Ends the thread; all devices have to be closed before.
    package nonisolated func stop() { thread.stop() }

    /// The devices that are plugged in now; may be asked from anywhere.
    package nonisolated var present: [USBDeviceInfo] { devices.all }

    /// Looks at the kernel's tree: what has come, what has left, and what has its interfaces by now.
    package func scan() {
        let paths = Set(tree.paths())
        for path in known.keys where !paths.contains(path) { forget(path) }
        for path in refused.keys where !paths.contains(path) { refused[path] = nil }
        for path in paths.sorted(by: { "\($0)" < "\($1)" }) { look(path) }
    }

    private func look(_ path: USBPath) {
        let node = tree.node(path)
        if let former = known[path], former.node == node, former.isSettled { return }
        if let node, refused[path] == node { return }
        do throws(DescriptorError) {
            guard var info = try tree.device(path) else { return forget(path) }
            if let former = known[path], former.node == info.node {
                info.generation = former.generation
            } else {
                nextGeneration += 1
                info.generation = nextGeneration
            }
            known[path] = info
            if info.classCode != 9 { devices.put(info) }  // hubs are no devices
        } catch {
            refusals += 1
            refused[path] = node
            forget(path)
        }
    }

    private func forget(_ path: USBPath) {
        known[path] = nil
        devices.remove(path)
    }

    // MARK: open and close

    /// Opens a device and claims its interfaces; kernel drivers give them up until it is closed.
    package func open(
        _ info: USBDeviceInfo, claiming interfaces: [UInt8]
    ) throws(USBError) -> USBHandle {
        guard known[info.path]?.generation == info.generation, let node = info.node else {
            throw .gone
        }
        let descriptor = Glibc.open(node, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.error(errno, node) }
        var handle: OpaquePointer?
        let result = libusb_wrap_sys_device(thread.context, Int(descriptor), &handle)
        guard result == 0, let handle else {
            Glibc.close(descriptor)
            throw USBError(result, node: node)
        }
        libusb_set_auto_detach_kernel_driver(handle, 1)
        var claimed: [Int32] = []
        for interface in interfaces {
            let result = libusb_claim_interface(handle, Int32(interface))
            guard result == 0 else {
                for interface in claimed { libusb_release_interface(handle, interface) }
                libusb_close(handle)
                Glibc.close(descriptor)
                throw USBError(claiming: interface, of: info, node: node, result)
            }
            claimed.append(Int32(interface))
        }
        nextHandle += 1
        let token = USBHandle(number: nextHandle)
        opened[token] = OpenDevice(
            handle: handle, descriptor: descriptor, claimed: claimed)
        return token
    }

    private static func error(_ code: Int32, _ node: String) -> USBError {
        switch code {
        case EACCES, EPERM: .permission(node: node)
        case ENOENT, ENODEV, ENXIO: .gone
        default: .failed("\(node): \(String(cString: strerror(code)))")
        }
    }

    /// Ends all transfers, gives the interfaces back to the kernel's drivers and closes the device.
    ///
    /// A second call does nothing.
    package func close(_ token: USBHandle) async {
        guard let device = opened[token], let handle = device.beginClosing() else { return }
        for transfer in device.transfers.values { libusb_cancel_transfer(transfer) }
        // Cancelled transfers end on this thread; the library must not lose its device before.
        while !device.transfers.isEmpty {
            await withCheckedContinuation { device.whenDrained($0) }
        }
        for interface in device.claimed { libusb_release_interface(handle, interface) }
        libusb_close(handle)
        // The library leaves a descriptor open that it was given.
        Glibc.close(device.descriptor)
        opened[token] = nil
    }

    /// Devices that are open: none once every session is over.
    package var openCount: Int { opened.count }
}

/// Names an open device.
package struct USBHandle: Sendable, Hashable { let number: Int }

/// Who is plugged in, as both threads see it; as long as there are devices, so it cannot overflow.
final class DeviceTable: Sendable {
    private struct State {
        var devices: [USBPath: USBDeviceInfo] = [:]
        var isTold = false
    }
    private let state = Locked(State())
    private let onChange: @LoopActor @Sendable () -> Void

    init(_ onChange: @escaping @LoopActor @Sendable () -> Void) { self.onChange = onChange }

    var all: [USBDeviceInfo] {
        state.withLock { $0.devices.values.sorted { $0.generation < $1.generation } }
    }

    func put(_ info: USBDeviceInfo) {
        let former = state.withLock { $0.devices.updateValue(info, forKey: info.path) }
        if former != info { tell() }
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
            state.withLock { $0.isTold = false }
            onChange()
        }
    }
}
